-- Why this file exists: the durable queue. One database per project holds what was asked for
-- (spec, source, job, part), what was sent and what it cost (run, attempt, purse, bill), and what
-- came of it (object, output, event).
--
-- The schema defends itself, so that no later code has to be trusted: states and kinds are closed
-- lists, a final job has its time of finishing and no other has, illegal moves abort, an attempt
-- row is never deleted and never changed once its money is settled (it is the bill), and the sums
-- shown to people are kept by triggers in the transaction that changes the rows they sum.
--
-- Where a hot path checks a list of words it is written as a chain of ORs: SQLite builds a
-- temporary index for an IN list, for each statement and inside a trigger for each row.
--
-- Times are milliseconds since the Unix epoch and money is in nano-dollars; both come from the
-- caller. Nothing here reads a clock.

-- One invocation of the program on this queue.
CREATE TABLE run (
    id          INTEGER PRIMARY KEY CHECK (id > 0),
    pid         INTEGER NOT NULL,
    host        TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    command     TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    exit_code   INTEGER,
    CHECK ((finished_at IS NULL) = (exit_code IS NULL))
) STRICT;

-- What may be spent, by one run (its id) or by the queue over all its runs (0). No cap: no limit.
CREATE TABLE purse (
    id  INTEGER PRIMARY KEY CHECK (id >= 0),
    cap INTEGER CHECK (cap >= 0)
) STRICT;

-- The sums of the attempts, per purse. Kept by triggers on `attempt`.
CREATE TABLE bill (
    purse_id    INTEGER NOT NULL REFERENCES purse (id),
    cost_status TEXT    NOT NULL
        CHECK (cost_status IN ('reserved', 'confirmed', 'wasted', 'in_doubt', 'not_billed')),
    attempts    INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    nanos       INTEGER NOT NULL DEFAULT 0 CHECK (nanos >= 0),
    PRIMARY KEY (purse_id, cost_status)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER purse_opens AFTER INSERT ON purse BEGIN
    INSERT INTO bill (purse_id, cost_status)
    VALUES (NEW.id, 'reserved'), (NEW.id, 'confirmed'), (NEW.id, 'wasted'),
           (NEW.id, 'in_doubt'), (NEW.id, 'not_billed');
END;

CREATE TRIGGER run_starts AFTER INSERT ON run BEGIN
    INSERT INTO purse (id) VALUES (NEW.id);
END;

INSERT INTO purse (id) VALUES (0);

-- What rate control and the circuit apply to. Row 0 is work that sends nothing.
CREATE TABLE gate (
    id            INTEGER PRIMARY KEY CHECK (id >= 0),
    endpoint      TEXT NOT NULL,
    model         TEXT NOT NULL,
    rate          REAL CHECK (rate > 0),
    rate_at       INTEGER,
    paused_at     INTEGER,
    paused_reason TEXT,
    UNIQUE (endpoint, model),
    CHECK ((rate IS NULL) = (rate_at IS NULL)),
    CHECK ((paused_at IS NULL) = (paused_reason IS NULL))
) STRICT;

INSERT INTO gate (id, endpoint, model) VALUES (0, 'local', '');

-- Request parameters, shared by the jobs of a task. Rows never change.
CREATE TABLE spec (
    id      INTEGER PRIMARY KEY,
    task    TEXT    NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN ('speak', 'transcribe', 'assemble', 'compose')),
    gate_id INTEGER NOT NULL REFERENCES gate (id),
    params  TEXT    NOT NULL CHECK (json_valid(params)),
    UNIQUE (task, kind, gate_id, params)
) STRICT;

CREATE TRIGGER spec_is_final BEFORE UPDATE ON spec BEGIN
    SELECT RAISE(ABORT, 'a spec never changes');
END;

-- How many jobs, and how much work, stand in each state. Kept by triggers on `job`, so that a
-- status costs a hundred rows and not a million.
CREATE TABLE tally (
    spec_id  INTEGER NOT NULL REFERENCES spec (id),
    state    TEXT    NOT NULL,
    jobs     INTEGER NOT NULL DEFAULT 0 CHECK (jobs >= 0),
    quantity INTEGER NOT NULL DEFAULT 0 CHECK (quantity >= 0),
    PRIMARY KEY (spec_id, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER spec_gets_a_tally AFTER INSERT ON spec BEGIN
    INSERT INTO tally (spec_id, state)
    VALUES (NEW.id, 'scheduled'), (NEW.id, 'available'), (NEW.id, 'leased'), (NEW.id, 'sent'),
           (NEW.id, 'waiting'), (NEW.id, 'held'), (NEW.id, 'completed'), (NEW.id, 'failed'),
           (NEW.id, 'cancelled');
END;

-- One input file at one content, with the text extracted from it by one version of the reader
-- (byte ranges of jobs point into that text, so another text is another source).
CREATE TABLE source (
    id            INTEGER PRIMARY KEY,
    task          TEXT    NOT NULL,
    path          BLOB    NOT NULL,
    content       BLOB    NOT NULL CHECK (length(content) = 32),
    text          BLOB    CHECK (length(text) = 32),
    bytes         INTEGER NOT NULL CHECK (bytes >= 0),
    kind          TEXT    NOT NULL,
    unit          TEXT    NOT NULL CHECK (unit IN ('chars', 'audio', 'nothing')),
    quantity      INTEGER NOT NULL CHECK (quantity >= 0),
    created_at    INTEGER NOT NULL,
    superseded_at INTEGER
) STRICT;

CREATE UNIQUE INDEX source_identity ON source (task, path, content, ifnull(text, x''));

CREATE TABLE job (
    id             INTEGER PRIMARY KEY,
    kind           TEXT    NOT NULL CHECK (kind IN ('speak', 'transcribe', 'assemble', 'compose')),
    state          TEXT    NOT NULL CHECK (
        state = 'scheduled' OR state = 'available' OR state = 'leased' OR state = 'sent'
        OR state = 'waiting' OR state = 'held'
        OR state = 'completed' OR state = 'failed' OR state = 'cancelled'),
    spec_id        INTEGER NOT NULL REFERENCES spec (id),
    gate_id        INTEGER NOT NULL REFERENCES gate (id),
    -- Where the work was first found; other sources may want the same result (see part).
    source_id      INTEGER NOT NULL REFERENCES source (id),
    -- Everything that decides the result. Equal keys are one job, bought once.
    key            BLOB    NOT NULL CHECK (length(key) = 32),
    priority       INTEGER NOT NULL DEFAULT 0,
    -- The fence: grows by one at each claim.
    attempt        INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    failures       INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    crashes        INTEGER NOT NULL DEFAULT 0 CHECK (crashes >= 0),
    first_fault_at INTEGER,
    not_before     INTEGER,
    lease_until    INTEGER,
    owner          INTEGER REFERENCES run (id),
    -- speak: bytes of the source's text; transcribe: milliseconds of its audio, or the whole.
    span_start     INTEGER CHECK (span_start >= 0),
    span_end       INTEGER CHECK (span_end >= span_start),
    -- Characters or milliseconds of audio, by kind; 0 for work that sends nothing.
    quantity       INTEGER NOT NULL DEFAULT 0 CHECK (quantity >= 0),
    -- Parents only. `pending` and `lost` (failed or cancelled) count parts, and are true while
    -- the job is sealed and waiting.
    sealed         INTEGER CHECK (sealed IN (0, 1)),
    pending        INTEGER CHECK (pending >= 0),
    lost           INTEGER CHECK (lost >= 0),
    params         TEXT    CHECK (json_valid(params)),
    class          TEXT    CHECK (
        class IS NULL OR class = 'throttled' OR class = 'overloaded' OR class = 'timed_out'
        OR class = 'account' OR class = 'refused' OR class = 'bad_answer' OR class = 'local'
        OR class = 'child' OR class = 'poison'),
    detail         TEXT,
    audio_ms       INTEGER CHECK (audio_ms >= 0),
    created_at     INTEGER NOT NULL,
    finished_at    INTEGER,
    CHECK ((state = 'completed' OR state = 'failed' OR state = 'cancelled') = (finished_at IS NOT NULL)),
    CHECK ((state = 'scheduled') = (not_before IS NOT NULL)),
    CHECK ((state = 'leased' OR state = 'sent') = (lease_until IS NOT NULL)),
    CHECK ((lease_until IS NULL) = (owner IS NULL)),
    CHECK (state <> 'sent' OR kind IN ('speak', 'transcribe')),
    CHECK (state <> 'failed' OR class IS NOT NULL),
    CHECK ((kind IN ('assemble', 'compose')) = (sealed IS NOT NULL)),
    CHECK ((sealed IS NULL) = (pending IS NULL) AND (sealed IS NULL) = (lost IS NULL)),
    CHECK (state <> 'waiting' OR sealed IS NOT NULL),
    CHECK (ifnull(sealed, 1) = 1 OR state IN ('waiting', 'cancelled')),
    CHECK ((span_start IS NULL) = (span_end IS NULL)),
    CHECK (kind <> 'speak' OR span_start IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX job_key ON job (key);
-- In claim order; the row's id is the last column of every index.
CREATE INDEX job_available ON job (spec_id, priority) WHERE state = 'available';
CREATE INDEX job_scheduled ON job (not_before) WHERE not_before IS NOT NULL;
CREATE INDEX job_lease ON job (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX job_trouble ON job (state) WHERE state = 'failed' OR state = 'held';
CREATE INDEX job_parent ON job (source_id) WHERE sealed IS NOT NULL;

CREATE TRIGGER job_is_counted AFTER INSERT ON job BEGIN
    UPDATE tally SET jobs = jobs + 1, quantity = quantity + NEW.quantity
    WHERE spec_id = NEW.spec_id AND state = NEW.state;
END;

-- The legal moves are those of `JobState::may_become`; a test holds the two lists together.
CREATE TRIGGER job_moves AFTER UPDATE OF state ON job WHEN OLD.state <> NEW.state BEGIN
    SELECT RAISE(ABORT, 'illegal move of a job') WHERE NOT CASE OLD.state
        WHEN 'available' THEN NEW.state = 'leased' OR NEW.state = 'held' OR NEW.state = 'cancelled'
        WHEN 'leased' THEN NEW.state = 'sent' OR NEW.state = 'completed' OR NEW.state = 'available'
             OR NEW.state = 'scheduled' OR NEW.state = 'failed' OR NEW.state = 'cancelled'
             OR NEW.state = 'waiting'
        WHEN 'sent' THEN NEW.state = 'completed' OR NEW.state = 'scheduled' OR NEW.state = 'available'
             OR NEW.state = 'failed' OR NEW.state = 'held' OR NEW.state = 'cancelled'
        WHEN 'scheduled' THEN NEW.state = 'available' OR NEW.state = 'held' OR NEW.state = 'cancelled'
        WHEN 'waiting' THEN NEW.state = 'available' OR NEW.state = 'failed' OR NEW.state = 'cancelled'
        WHEN 'held' THEN NEW.state = 'available' OR NEW.state = 'completed' OR NEW.state = 'cancelled'
        -- Out of a final state only a person moves a job.
        ELSE NEW.state = 'available' OR NEW.state = 'waiting' END;
    UPDATE tally SET jobs = jobs - 1, quantity = quantity - OLD.quantity
    WHERE spec_id = OLD.spec_id AND state = OLD.state;
    UPDATE tally SET jobs = jobs + 1, quantity = quantity + NEW.quantity
    WHERE spec_id = NEW.spec_id AND state = NEW.state;
END;

CREATE TRIGGER job_keeps_its_identity BEFORE UPDATE OF id, kind, spec_id, gate_id, source_id, key, quantity ON job BEGIN
    SELECT RAISE(ABORT, 'the identity of a job never changes');
END;

CREATE TRIGGER job_attempt_only_grows BEFORE UPDATE OF attempt ON job WHEN NEW.attempt < OLD.attempt BEGIN
    SELECT RAISE(ABORT, 'the attempt of a job never falls');
END;

CREATE TRIGGER job_stays BEFORE DELETE ON job BEGIN
    SELECT RAISE(ABORT, 'a job is never deleted');
END;

-- Which results a parent is made of, in order. One child may stand in many places.
CREATE TABLE part (
    parent_id  INTEGER NOT NULL REFERENCES job (id),
    ordinal    INTEGER NOT NULL CHECK (ordinal >= 0),
    child_id   INTEGER NOT NULL REFERENCES job (id),
    span_start INTEGER CHECK (span_start >= 0),
    span_end   INTEGER CHECK (span_end >= span_start),
    boundary   TEXT    CHECK (boundary IN (
        'clause', 'sentence', 'paragraph', 'scene', 'heading', 'chapter', 'end')),
    PRIMARY KEY (parent_id, ordinal),
    CHECK ((span_start IS NULL) = (span_end IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX part_child ON part (child_id);

-- The bill: one row for each request that left this machine, written before it left.
CREATE TABLE attempt (
    id            INTEGER PRIMARY KEY,
    job_id        INTEGER NOT NULL REFERENCES job (id),
    attempt       INTEGER NOT NULL CHECK (attempt > 0),
    run_id        INTEGER NOT NULL REFERENCES run (id),
    sent_at       INTEGER NOT NULL,
    finished_at   INTEGER,
    cost          INTEGER NOT NULL CHECK (cost >= 0),
    cost_status   TEXT    NOT NULL CHECK (
        cost_status = 'reserved' OR cost_status = 'confirmed' OR cost_status = 'wasted'
        OR cost_status = 'in_doubt' OR cost_status = 'not_billed'),
    quantity      INTEGER NOT NULL CHECK (quantity >= 0),
    class         TEXT    CHECK (
        class IS NULL OR class = 'throttled' OR class = 'overloaded' OR class = 'timed_out'
        OR class = 'account' OR class = 'refused' OR class = 'bad_answer' OR class = 'local'
        OR class = 'child' OR class = 'poison'),
    http_status   INTEGER,
    request_id    TEXT,
    latency_ms    INTEGER CHECK (latency_ms >= 0),
    first_byte_ms INTEGER CHECK (first_byte_ms >= 0),
    bytes         INTEGER CHECK (bytes >= 0),
    detail        TEXT,
    UNIQUE (job_id, attempt),
    CHECK ((cost_status = 'reserved') = (finished_at IS NULL)),
    CHECK (cost_status <> 'not_billed' OR cost = 0)
) STRICT;

CREATE TRIGGER attempt_is_billed AFTER INSERT ON attempt BEGIN
    UPDATE bill SET attempts = attempts + 1, nanos = nanos + NEW.cost
    WHERE purse_id = 0 AND cost_status = NEW.cost_status;
    UPDATE bill SET attempts = attempts + 1, nanos = nanos + NEW.cost
    WHERE purse_id = NEW.run_id AND cost_status = NEW.cost_status;
END;

CREATE TRIGGER attempt_is_settled_once BEFORE UPDATE ON attempt
WHEN (OLD.cost_status <> 'reserved' AND OLD.cost_status <> 'in_doubt')
    OR NEW.cost_status = 'reserved'
    OR NEW.id <> OLD.id OR NEW.job_id <> OLD.job_id OR NEW.attempt <> OLD.attempt
    OR NEW.run_id <> OLD.run_id OR NEW.sent_at <> OLD.sent_at
BEGIN
    SELECT RAISE(ABORT, 'a settled attempt never changes');
END;

CREATE TRIGGER attempt_is_billed_again AFTER UPDATE OF cost, cost_status ON attempt BEGIN
    UPDATE bill SET attempts = attempts - 1, nanos = nanos - OLD.cost
    WHERE purse_id = 0 AND cost_status = OLD.cost_status;
    UPDATE bill SET attempts = attempts - 1, nanos = nanos - OLD.cost
    WHERE purse_id = OLD.run_id AND cost_status = OLD.cost_status;
    UPDATE bill SET attempts = attempts + 1, nanos = nanos + NEW.cost
    WHERE purse_id = 0 AND cost_status = NEW.cost_status;
    UPDATE bill SET attempts = attempts + 1, nanos = nanos + NEW.cost
    WHERE purse_id = NEW.run_id AND cost_status = NEW.cost_status;
END;

CREATE TRIGGER attempt_stays BEFORE DELETE ON attempt BEGIN
    SELECT RAISE(ABORT, 'an attempt is never deleted');
END;

-- The validated result of a job that sends; its file is named by the job's key.
CREATE TABLE object (
    job_id     INTEGER PRIMARY KEY REFERENCES job (id),
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    format     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- A finished file with a name for people, made by a parent.
CREATE TABLE output (
    job_id     INTEGER NOT NULL REFERENCES job (id),
    path       BLOB    NOT NULL,
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    audio_ms   INTEGER CHECK (audio_ms >= 0),
    format     TEXT    NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (job_id, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX output_path ON output (path);

-- What happened that no row above tells.
CREATE TABLE event (
    id     INTEGER PRIMARY KEY,
    run_id INTEGER REFERENCES run (id),
    at     INTEGER NOT NULL,
    kind   TEXT    NOT NULL,
    detail TEXT    NOT NULL
) STRICT;

PRAGMA application_id = 1448300620; -- 0x5653504C, "VSPL"
PRAGMA user_version = 1;
