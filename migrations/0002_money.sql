-- Why this file exists: a cap on what one day may cost, and pauses that a person asks for.
--
-- A request counts on the day it was sent, whenever its bill comes. Which day that is the caller
-- says (the calendar day where it runs, as the number YYYYMMDD): nothing here reads a clock or
-- knows a time zone. Only the requests of older queues, which were written without a day, get
-- the one their time of sending falls on where the queue is migrated.

-- The most that the queue may spend on any one day. NULL: no cap. Of the queue's purse alone.
ALTER TABLE purse ADD COLUMN day_cap INTEGER CHECK (day_cap >= 0);

DROP TRIGGER attempt_is_settled_once;

ALTER TABLE attempt ADD COLUMN day INTEGER NOT NULL DEFAULT 0 CHECK (day >= 0);

UPDATE attempt SET day = ifnull(
    CAST(strftime('%Y%m%d', sent_at / 1000, 'unixepoch', 'localtime') AS INTEGER), 0);

CREATE TRIGGER attempt_is_settled_once BEFORE UPDATE ON attempt
WHEN (OLD.cost_status <> 'reserved' AND OLD.cost_status <> 'in_doubt')
    OR NEW.cost_status = 'reserved'
    OR NEW.id <> OLD.id OR NEW.job_id <> OLD.job_id OR NEW.attempt <> OLD.attempt
    OR NEW.run_id <> OLD.run_id OR NEW.sent_at <> OLD.sent_at OR NEW.day <> OLD.day
BEGIN
    SELECT RAISE(ABORT, 'a settled attempt never changes');
END;

-- The sums of the attempts, per day. Kept by triggers on `attempt`.
CREATE TABLE day_bill (
    day         INTEGER NOT NULL CHECK (day >= 0),
    cost_status TEXT    NOT NULL
        CHECK (cost_status IN ('reserved', 'confirmed', 'wasted', 'in_doubt', 'not_billed')),
    attempts    INTEGER NOT NULL CHECK (attempts >= 0),
    nanos       INTEGER NOT NULL CHECK (nanos >= 0),
    PRIMARY KEY (day, cost_status)
) STRICT, WITHOUT ROWID;

INSERT INTO day_bill (day, cost_status, attempts, nanos)
SELECT day, cost_status, count(*), sum(cost) FROM attempt GROUP BY day, cost_status;

CREATE TRIGGER attempt_is_billed_to_its_day AFTER INSERT ON attempt BEGIN
    INSERT INTO day_bill (day, cost_status, attempts, nanos)
    VALUES (NEW.day, NEW.cost_status, 1, NEW.cost)
    ON CONFLICT (day, cost_status) DO UPDATE
    SET attempts = attempts + 1, nanos = nanos + excluded.nanos;
END;

CREATE TRIGGER attempt_is_billed_to_its_day_again AFTER UPDATE OF cost, cost_status ON attempt BEGIN
    UPDATE day_bill SET attempts = attempts - 1, nanos = nanos - OLD.cost
    WHERE day = OLD.day AND cost_status = OLD.cost_status;
    INSERT INTO day_bill (day, cost_status, attempts, nanos)
    VALUES (NEW.day, NEW.cost_status, 1, NEW.cost)
    ON CONFLICT (day, cost_status) DO UPDATE
    SET attempts = attempts + 1, nanos = nanos + excluded.nanos;
END;

-- What is not to be sent until a person says so. `gate.paused_at` is the program's own note
-- (the provider refuses the account); this is somebody's wish, and only a person takes it back.
CREATE TABLE pause (
    scope  TEXT    NOT NULL CHECK (scope IN ('queue', 'task', 'profile', 'model')),
    -- Of the task, profile or model; empty for the queue.
    name   TEXT    NOT NULL,
    since  INTEGER NOT NULL,
    -- User and machine.
    who    TEXT    NOT NULL,
    reason TEXT,
    PRIMARY KEY (scope, name),
    CHECK ((scope = 'queue') = (name = ''))
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 2;
