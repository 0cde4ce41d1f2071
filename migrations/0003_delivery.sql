-- Why this file exists: an answer can take three roads (one body, events, a WebSocket), which
-- cost the same and differ in time. The road is not part of a job's identity (what came over
-- one is not bought again over another), so it is written down with the attempt. Attempts
-- from before took the first road or none; nothing is made up for them.

ALTER TABLE attempt ADD COLUMN delivery TEXT CHECK (
    delivery IS NULL OR delivery = 'rest' OR delivery = 'stream' OR delivery = 'websocket');

PRAGMA user_version = 3;
