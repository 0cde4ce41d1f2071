//! Every fixed statement, in one place: a test prepares each of them on a migrated
//! database and looks at the plans of the hot ones.
//!
//! Two rules for statements joined by `;`. They share one argument list by number, and
//! each must use the numbers from `?1` on without a gap (only `?1` itself may be missing
//! from the first): the driver counts nameless gaps as positions. And nothing after a
//! failed one runs, so they belong inside a transaction.
//!
//! `CROSS JOIN` is SQLite's way to fix the order of a join: from the rows of the call to
//! the queue, never the other way, whatever the planner guesses about their number.
//!
//! A hot statement's limit is `?3 + 0` and not `?3`: the planner looks into a bare variable
//! there, and prepares the statement anew for every value.
//!
//! Sets travel as JSON (`jsonb_each`, which hands rows on without writing them out as text
//! again): one statement for any number of rows, prepared once.

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* pub(in crate::store::sqlite) const $name: &str = $sql;)+

        /// All of them, by name.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}

/// `job.detail` of what a person has set aside. What is held otherwise is in doubt.
macro_rules! set_aside {
    () => {
        "set aside by a person"
    };
}

macro_rules! job_columns {
    () => {
        "j.id, j.kind, j.state, j.spec_id, j.source_id, s.path, j.key, j.priority, j.attempt, \
         j.failures, j.crashes, j.first_fault_at, j.not_before, j.lease_until, \
         j.span_start, j.span_end, j.quantity, j.sealed, j.pending, j.lost, \
         j.class, j.detail, j.audio_ms, j.created_at, j.finished_at"
    };
}

macro_rules! attempt_columns {
    () => {
        "a.attempt, a.run_id, a.sent_at, a.finished_at, a.cost, a.cost_status, a.quantity, \
         a.class, a.http_status, a.request_id, a.latency_ms, a.first_byte_ms, a.bytes, a.detail, a.delivery"
    };
}

macro_rules! object_columns {
    () => {
        "o.job_id, j.key, o.sha256, o.bytes, o.format, j.audio_ms, o.created_at"
    };
}

macro_rules! source_columns {
    () => {
        "s.id, s.task, s.path, s.content, s.text, s.bytes, s.kind, s.unit, s.quantity, \
         s.created_at, s.superseded_at"
    };
}

/// What becomes of a sealed, waiting parent that has so many parts pending and lost. A file that its
/// task has made with gaps is made; every other fails.
macro_rules! parent_moves {
    ($pending:literal, $lost:literal, $at:literal) => {
        concat!(
            "pending = ",
            $pending,
            ", lost = ",
            $lost,
            ", state = CASE WHEN ",
            $pending,
            " > 0 THEN 'waiting' WHEN ",
            parent_fails!($pending, $lost),
            " THEN 'failed' ELSE 'available' END, finished_at = CASE WHEN ",
            parent_fails!($pending, $lost),
            " THEN ",
            $at,
            " END, class = CASE WHEN ",
            parent_fails!($pending, $lost),
            " THEN 'child' END, detail = CASE WHEN ",
            parent_fails!($pending, $lost),
            " THEN (",
            $lost,
            ") || ' of its parts failed or were cancelled' END"
        )
    };
}

macro_rules! parent_fails {
    ($pending:literal, $lost:literal) => {
        concat!(
            $pending,
            " = 0 AND ",
            $lost,
            " > 0 AND ifnull(job.params ->> 'on_missing', 'stop') <> 'silence'"
        )
    };
}

/// Columns of a listed job, for statements with a free filter.
pub(super) const JOB_COLUMNS: &str = job_columns!();

mod people;

/// `job.detail` of what a person has set aside. What is held otherwise is in doubt.
pub(super) const SET_ASIDE: &str = set_aside!();

/// Of jobs `j`, the documents that are made and flagged; not those that a later job wrote anew.
pub(super) const FLAGGED: &str =
    " AND j.kind = 'compose' AND j.state = 'completed' AND j.detail IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM output mine JOIN output other
            ON other.path = mine.path AND other.job_id <> mine.job_id
               AND other.written_at >= mine.written_at
            WHERE mine.job_id = j.id)";

/// `job.detail` of work that a newer version of its file made superfluous.
/// Not a person's wish, so wanting it again needs no person either.
pub(super) const SUPERSEDED: &str = "superseded";

pub(super) use people::*;

statements! {
    BEGIN = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
    /// Succeeds on a connection that is in no transaction. Locks nothing.
    FIT = "BEGIN; ROLLBACK";

    /// Where a filter's jobs are noted while they are worked on. Lives on the write connection.
    PICKED = "CREATE TEMP TABLE IF NOT EXISTS picked (id INTEGER PRIMARY KEY) STRICT";

    // ---- runs and money -------------------------------------------------------------

    START_RUN = "INSERT INTO run (pid, host, version, command, started_at)
        VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id";
    FINISH_RUN = "UPDATE run SET finished_at = ?2, exit_code = ?3 WHERE id = ?1";
    SET_CAP = "UPDATE purse SET cap = ?2 WHERE id = ?1";
    SET_DAY_CAP = "UPDATE purse SET day_cap = ?1 WHERE id = 0";
    DAY_BILLS = "SELECT p.day_cap, b.cost_status, b.attempts, b.nanos
        FROM purse p LEFT JOIN day_bill b ON b.day = ?1 WHERE p.id = 0";
    RUNS = "SELECT id, pid, host, version, command, started_at, finished_at, exit_code
        FROM run WHERE id > ?1 ORDER BY id LIMIT ?2";
    BILLS = "SELECT p.id, p.cap, b.cost_status, b.attempts, b.nanos
        FROM purse p JOIN bill b ON b.purse_id = p.id WHERE p.id BETWEEN ?1 AND ?2";
    ADD_EVENT = "INSERT INTO event (run_id, at, kind, detail) VALUES (?1, ?2, ?3, ?4)";
    EVENTS = "SELECT id, run_id, at, kind, detail FROM event WHERE id > ?1 ORDER BY id LIMIT ?2";

    // ---- gates and specs ------------------------------------------------------------

    ADD_GATE = "INSERT INTO gate (endpoint, model) VALUES (?1, ?2)
        ON CONFLICT (endpoint, model) DO NOTHING";
    FIND_GATE = "SELECT id FROM gate WHERE endpoint = ?1 AND model = ?2";
    SAVE_RATE = "UPDATE gate SET rate = ?2, rate_at = ?3 WHERE id = ?1";
    PAUSE_GATE = "UPDATE gate SET paused_at = ?2, paused_reason = ?3 WHERE id = ?1";
    GATES = "SELECT id, endpoint, model, rate, rate_at, paused_at, paused_reason
        FROM gate ORDER BY id";
    ADD_PAUSE = "INSERT INTO pause (scope, name, since, who, reason) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (scope, name) DO NOTHING";
    END_PAUSE = "DELETE FROM pause WHERE scope = ?1 AND name = ?2";
    PAUSES = "SELECT scope, name, since, who, reason FROM pause
        ORDER BY scope <> 'queue', scope, name";
    ADD_SPEC = "INSERT INTO spec (task, kind, gate_id, params) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (task, kind, gate_id, params) DO NOTHING";
    FIND_SPEC = "SELECT id FROM spec WHERE task = ?1 AND kind = ?2 AND gate_id = ?3 AND params = ?4";
    SOURCE = "SELECT path, content, text, kind FROM source WHERE id = ?1";
    SPEC = "SELECT task, kind, gate_id, params FROM spec WHERE id = ?1";

    // ---- enqueue --------------------------------------------------------------------

    ADD_SOURCE = "INSERT INTO source (task, path, content, text, bytes, kind, unit, quantity, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (task, path, content, ifnull(text, x'')) DO UPDATE SET superseded_at = NULL
        RETURNING id";
    ADD_PARENT = "INSERT INTO job
            (kind, state, spec_id, gate_id, source_id, key, priority, sealed, pending, lost, params, created_at)
        SELECT kind, 'waiting', id, gate_id, ?1, ?3, ?5, 0, 0, 0, ?4, ?6 FROM spec WHERE id = ?2
        ON CONFLICT (key) DO NOTHING";
    FIND_PARENT = "SELECT j.id, j.source_id, j.state, j.sealed, ifnull(j.detail, '') = 'superseded',
            EXISTS (SELECT 1 FROM output mine JOIN output other
                    ON other.path = mine.path AND other.job_id <> mine.job_id
                       AND other.written_at >= mine.written_at
                    WHERE mine.job_id = j.id)
        FROM job j WHERE j.key = ?1 AND j.sealed IS NOT NULL";
    REOPEN_PARENT = "UPDATE job SET state = 'waiting', sealed = 0, pending = 0, lost = 0,
            finished_at = NULL, class = NULL, detail = NULL
        WHERE id = ?1 AND state IN ('completed', 'cancelled')";
    PARENT_OF_CHILDREN = "SELECT sealed, priority FROM job WHERE id = ?1 AND sealed IS NOT NULL";
    /// ?1: rows of [ordinal, spec, key, span start, span end, boundary, quantity, place in the
    /// batch]. The numbers follow the places, whatever the order of the rows.
    ADD_CHILDREN = "INSERT INTO job (id, kind, state, spec_id, gate_id, source_id, key, priority,
            span_start, span_end, quantity, created_at)
        SELECT (SELECT max(id) FROM job) + 1 + (e.value ->> 7),
               s.kind, 'available', s.id, s.gate_id, ?2, unhex(e.value ->> 2), ?3,
               e.value ->> 3, e.value ->> 4, e.value ->> 6, ?4
        FROM jsonb_each(?1) e CROSS JOIN spec s ON s.id = e.value ->> 1 WHERE true
        ON CONFLICT (key) DO NOTHING";
    /// Shared children that this parent wants sooner, or wants again.
    CHILDREN_TO_TOUCH = "SELECT DISTINCT j.id, j.state FROM jsonb_each(?1) e
        CROSS JOIN job j ON j.key = unhex(e.value ->> 2)
        WHERE j.state = 'cancelled' OR j.priority > ?2";
    RAISE_PRIORITY = "UPDATE job SET priority = ?2
        WHERE id IN (SELECT value FROM json_each(?1)) AND priority > ?2";
    ADD_PARTS = "INSERT INTO part (parent_id, ordinal, child_id, span_start, span_end, boundary)
        SELECT ?2, e.value ->> 0, j.id, e.value ->> 3, e.value ->> 4, e.value ->> 5
        FROM jsonb_each(?1) e CROSS JOIN job j ON j.key = unhex(e.value ->> 2) WHERE true
        ON CONFLICT (parent_id, ordinal) DO UPDATE SET child_id = excluded.child_id,
            span_start = excluded.span_start, span_end = excluded.span_end,
            boundary = excluded.boundary";
    SEAL = "UPDATE job SET sealed = 1 WHERE id = ?1 AND sealed = 0 AND state = 'waiting'";
    PARENT_STATE = "SELECT state FROM job WHERE id = ?1 AND sealed IS NOT NULL";
    /// Counts the parts of the parents in ?1 afresh and moves those with none pending.
    RECOUNT = concat!(
        "UPDATE job SET ", parent_moves!("n.pending", "n.lost", "?2"), "
        FROM (SELECT q.id AS id,
                count(*) FILTER (WHERE c.state NOT IN ('completed', 'failed', 'cancelled')) AS pending,
                count(*) FILTER (WHERE c.state IN ('failed', 'cancelled')) AS lost
            FROM jsonb_each(?1) e CROSS JOIN job q ON q.id = e.value
            LEFT JOIN part p ON p.parent_id = q.id LEFT JOIN job c ON c.id = p.child_id
            GROUP BY q.id) n
        WHERE job.id = n.id AND job.state = 'waiting' AND job.sealed = 1"
    );
    /// `IS NOT`: where no job is kept, no version is.
    SUPERSEDE_SOURCES = "UPDATE source SET superseded_at = ?4
        WHERE task = ?1 AND path = ?2 AND superseded_at IS NULL
          AND id IS NOT (SELECT source_id FROM job WHERE id = ?3)";
    PICK_SUPERSEDED = "INSERT OR IGNORE INTO picked
        SELECT j.id FROM source s JOIN job j ON j.source_id = s.id AND j.sealed IS NOT NULL
        WHERE s.task = ?1 AND s.path = ?2 AND j.id <> ?3
          AND j.state NOT IN ('completed', 'failed', 'cancelled')";

    // ---- claim and send -------------------------------------------------------------

    /// ?1 now, ?2 gate, ?3 how many, ?4 owner, ?5 lease. Due jobs join the queue first.
    CLAIM = "UPDATE job SET state = 'available', not_before = NULL
            WHERE id IN (SELECT id FROM job WHERE not_before <= ?1 ORDER BY not_before LIMIT 1000);
        UPDATE job SET state = 'leased', attempt = attempt + 1, owner = ?4, lease_until = ?5
        WHERE id IN (SELECT id FROM job WHERE state = 'available' AND spec_id = ?2
                     ORDER BY priority, id LIMIT ?3 + 0)
        RETURNING id, attempt, kind, key, spec_id, source_id, priority, span_start, span_end, quantity, failures, crashes, first_fault_at, params";
    NEXT_DUE = "SELECT min(not_before) FROM job WHERE not_before IS NOT NULL";
    /// ?1: rows of [job, attempt, run, at, cost, quantity, day, delivery]. Which may be sent, what the
    /// purses hold, and (a day as a negative number) what was sent on the days.
    MAY_SEND = "SELECT NULL, json_group_array(e.key), NULL, NULL, NULL FROM jsonb_each(?1) e
        CROSS JOIN job j ON j.id = e.value ->> 0
        WHERE j.attempt = e.value ->> 1 AND j.state = 'leased'
        UNION ALL
        SELECT p.id, p.cap, p.day_cap, sum(b.nanos) FILTER (WHERE b.cost_status <> 'reserved'),
               sum(b.nanos) FILTER (WHERE b.cost_status = 'reserved')
        FROM purse p JOIN bill b ON b.purse_id = p.id
        WHERE p.id IN (SELECT 0 UNION ALL SELECT value ->> 2 FROM jsonb_each(?1)) GROUP BY p.id
        UNION ALL
        SELECT -b.day, NULL, NULL, ifnull(sum(b.nanos) FILTER (WHERE b.cost_status <> 'reserved'), 0),
               ifnull(sum(b.nanos) FILTER (WHERE b.cost_status = 'reserved'), 0)
        FROM day_bill b WHERE b.day IN (SELECT value ->> 6 FROM jsonb_each(?1)) GROUP BY b.day";
    SEND = "UPDATE job SET state = 'sent' WHERE id IN (SELECT value ->> 0 FROM jsonb_each(?1));
        INSERT INTO attempt (job_id, attempt, run_id, sent_at, cost, cost_status, quantity, day, delivery)
        SELECT e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3, e.value ->> 4, 'reserved',
               e.value ->> 5, e.value ->> 6, e.value ->> 7 FROM jsonb_each(?1) e";
    /// ?1: rows of [job, attempt].
    EXTEND = "UPDATE job SET lease_until = ?2 FROM jsonb_each(?1) e
        WHERE job.id = e.value ->> 0 AND job.attempt = e.value ->> 1 AND job.lease_until IS NOT NULL
        RETURNING job.id, job.attempt";

    // ---- settle ---------------------------------------------------------------------

    /// ?1: `settle::JobRow`s. What returns was settled; the rest has lost its lease.
    SETTLE = "UPDATE job SET state = e.value ->> 'state', finished_at = e.value ->> 'finished_at',
            not_before = e.value ->> 'not_before', failures = failures + (e.value ->> 'failures'),
            first_fault_at = ifnull(first_fault_at, e.value ->> 'fault_at'),
            class = e.value ->> 'class', detail = e.value ->> 'detail', audio_ms = e.value ->> 'audio_ms',
            lease_until = NULL, owner = NULL
        FROM jsonb_each(?1) e
        WHERE job.id = e.value ->> 'job' AND job.attempt = e.value ->> 'attempt'
          AND job.state = CASE e.value ->> 'was_sent' WHEN 1 THEN 'sent' ELSE 'leased' END
          AND (job.state = 'sent' OR e.value ->> 'state' <> 'held')
        RETURNING job.id";
    /// ?1: `settle::AttemptedRow`s.
    SETTLE_ATTEMPTS = "UPDATE attempt SET finished_at = e.value ->> 'finished_at', cost = e.value ->> 'cost',
            cost_status = e.value ->> 'cost_status', class = e.value ->> 'class', detail = e.value ->> 'detail',
            http_status = e.value ->> 'http_status', request_id = e.value ->> 'request_id', latency_ms = e.value ->> 'latency_ms',
            first_byte_ms = e.value ->> 'first_byte_ms', bytes = e.value ->> 'bytes',
            quantity = ifnull(e.value ->> 'quantity', quantity)
        FROM jsonb_each(?1) e
        WHERE attempt.job_id = e.value ->> 'job' AND attempt.attempt = e.value ->> 'attempt'";
    /// ?1: rows of [job, hash, bytes, format, time].
    ADD_OBJECTS = "INSERT INTO object (job_id, sha256, bytes, format, created_at)
        SELECT e.value ->> 0, unhex(e.value ->> 1), e.value ->> 2, e.value ->> 3, e.value ->> 4
        FROM jsonb_each(?1) e WHERE true
        ON CONFLICT (job_id) DO UPDATE SET sha256 = excluded.sha256, bytes = excluded.bytes,
            format = excluded.format, created_at = excluded.created_at";
    /// ?1: rows of [job, path, bytes, hash, audio, format, time].
    ADD_OUTPUTS = "INSERT INTO output (job_id, path, bytes, sha256, audio_ms, format, written_at)
        SELECT e.value ->> 0, unhex(e.value ->> 1), e.value ->> 2, unhex(e.value ->> 3),
               e.value ->> 4, e.value ->> 5, e.value ->> 6
        FROM jsonb_each(?1) e WHERE true
        ON CONFLICT (job_id, path) DO UPDATE SET bytes = excluded.bytes, sha256 = excluded.sha256,
            audio_ms = excluded.audio_ms, format = excluded.format,
            written_at = excluded.written_at";
    /// ?1: rows of [job, lost, time] of jobs that are over: their parents wait for one less.
    TELL_PARENTS = concat!("UPDATE job SET ", parent_moves!("job.pending - n.done", "job.lost + n.lost", "n.at"), "
        FROM (SELECT p.parent_id AS id, count(*) AS done, sum(e.value ->> 1) AS lost,
                     max(e.value ->> 2) AS at
            FROM jsonb_each(?1) e CROSS JOIN part p ON p.child_id = e.value ->> 0
            GROUP BY p.parent_id) n
        WHERE job.id = n.id AND job.state = 'waiting' AND job.sealed = 1");
    FATE_OF_JOB = "SELECT state, attempt FROM job WHERE id = ?1";
    /// ?1 job, ?2 attempt, ?3 time, ?4 audio. Also a doubted job whose answer turned up.
    ADOPT_JOB = "UPDATE job SET state = 'completed', finished_at = ?3, audio_ms = ?4,
            lease_until = NULL, owner = NULL, class = NULL, detail = NULL
        WHERE id = ?1 AND attempt = ?2 AND state IN ('sent', 'held') RETURNING id";
    ADOPT_ATTEMPT = "UPDATE attempt SET cost_status = 'confirmed', finished_at = ?3, bytes = ?4,
            quantity = ifnull(?5, quantity), cost = ifnull(?6, cost),
            class = NULL, detail = 'adopted from the object store'
        WHERE job_id = ?1 AND attempt = ?2 AND cost_status IN ('reserved', 'in_doubt')";

    // ---- reading --------------------------------------------------------------------

    KEY_STATES = concat!("SELECT j.key, j.state, j.detail IS NOT '", set_aside!(), "' FROM jsonb_each(?1) e
        CROSS JOIN job j ON j.key = unhex(e.value)");
    OBJECT = concat!("SELECT ", object_columns!(), " FROM job j JOIN object o ON o.job_id = j.id
        WHERE j.key = ?1");
    OBJECTS = concat!("SELECT ", object_columns!(), " FROM object o JOIN job j ON j.id = o.job_id
        WHERE o.job_id > ?1 ORDER BY o.job_id LIMIT ?2");
    OUTPUTS = "SELECT job_id, path, bytes, sha256, audio_ms, format, written_at FROM output
        WHERE (job_id, path) > (?1, ?2) ORDER BY job_id, path LIMIT ?3";
    LATEST_SOURCE = concat!("SELECT ", source_columns!(), " FROM source s
        WHERE s.task = ?1 AND s.path = ?2 AND s.superseded_at IS NULL ORDER BY s.id DESC LIMIT 1");
    BOUGHT = "SELECT g.endpoint, p.params, s.content, s.text
        FROM source s CROSS JOIN job q ON q.source_id = s.id AND q.sealed IS NOT NULL
        CROSS JOIN part t ON t.parent_id = q.id
        CROSS JOIN job c ON c.id = t.child_id AND c.state = 'completed'
        JOIN spec p ON p.id = c.spec_id JOIN gate g ON g.id = c.gate_id
        WHERE s.task = ?1 AND s.path = ?2 ORDER BY q.id DESC LIMIT 1";
    SOURCES = concat!("SELECT ", source_columns!(), " FROM source s
        WHERE s.id > ?1 ORDER BY s.id LIMIT ?2");
    PARTS = concat!("SELECT p.ordinal, p.child_id, c.key, o.sha256, c.kind, p.span_start, p.span_end,
            p.boundary, c.state, c.detail IS NOT '", set_aside!(), "', c.quantity, c.audio_ms
        FROM part p JOIN job c ON c.id = p.child_id LEFT JOIN object o ON o.job_id = c.id
        WHERE p.parent_id = ?1 AND p.ordinal > ?2 ORDER BY p.ordinal LIMIT ?3");
    COUNTS = "SELECT t.spec_id, s.task, s.kind, s.gate_id, t.state, t.jobs, t.quantity
        FROM tally t JOIN spec s ON s.id = t.spec_id
        WHERE t.jobs > 0 AND t.state <> 'held' ORDER BY t.spec_id, t.state";
    /// What is held is in two rows of a spec where it is so for two reasons. Sorts what is held, and
    /// no more of the queue.
    HELD_COUNTS = concat!("SELECT j.spec_id, s.task, s.kind, s.gate_id,
            j.detail IS NOT '", set_aside!(), "', count(*), sum(j.quantity)
        FROM job j JOIN spec s ON s.id = j.spec_id WHERE j.state = 'held' GROUP BY 1, 5 ORDER BY 1, 5");
    ATTEMPTS = concat!("SELECT j.kind, ", attempt_columns!(), " FROM attempt a
        JOIN job j ON j.id = a.job_id WHERE a.job_id = ?1 ORDER BY a.attempt");
    LEDGER = concat!("SELECT a.id, a.job_id, j.kind, s.task, f.path,
            (SELECT p.ordinal FROM part p WHERE p.child_id = j.id ORDER BY p.parent_id, p.ordinal LIMIT 1),
            g.endpoint, g.model, s.params ->> 'voice', j.state, j.audio_ms, j.key, j.kind, ",
        attempt_columns!(), "
        FROM attempt a JOIN job j ON j.id = a.job_id JOIN spec s ON s.id = j.spec_id
        JOIN gate g ON g.id = j.gate_id JOIN source f ON f.id = j.source_id
        WHERE a.id > ?1 AND (?2 IS NULL OR a.run_id = ?2) ORDER BY a.id LIMIT ?3");
    /// ?1, ?2: the last source and parent seen. Money goes to a child's first parent, so that it adds up.
    FILES = concat!("SELECT ", source_columns!(), ", q.id, q.kind, q.state, q.class, q.detail,
            q.audio_ms, q.finished_at,
            (SELECT count(*) FROM part p WHERE p.parent_id = q.id),
            (SELECT count(*) FROM part p JOIN job c ON c.id = p.child_id
             WHERE p.parent_id = q.id AND c.state = 'completed'),
            (SELECT count(*) FROM part p JOIN job c ON c.id = p.child_id
             WHERE p.parent_id = q.id AND c.state IN ('failed', 'cancelled')),
            (SELECT count(*) FROM part p JOIN job c ON c.id = p.child_id
             WHERE p.parent_id = q.id AND c.state = 'completed' AND (p.parent_id <> (SELECT f.parent_id
                FROM part f WHERE f.child_id = p.child_id ORDER BY f.parent_id, f.ordinal LIMIT 1)
                OR NOT EXISTS (SELECT 1 FROM attempt a WHERE a.job_id = c.id))),
            (SELECT json_array(count(*),
                ifnull(sum(a.cost) FILTER (WHERE a.cost_status = 'confirmed'), 0),
                ifnull(sum(a.cost) FILTER (WHERE a.cost_status = 'wasted'), 0),
                ifnull(sum(a.cost) FILTER (WHERE a.cost_status = 'in_doubt'), 0))
             FROM part p JOIN attempt a ON a.job_id = p.child_id
             WHERE p.parent_id = q.id AND (p.parent_id, p.ordinal) = (SELECT f.parent_id, f.ordinal
                FROM part f WHERE f.child_id = p.child_id ORDER BY f.parent_id, f.ordinal LIMIT 1))
        FROM job q JOIN source s ON s.id = q.source_id
        WHERE q.sealed IS NOT NULL AND (q.source_id, q.id) > (?1, ?2)
        ORDER BY q.source_id, q.id LIMIT ?3");

    // ---- checking -------------------------------------------------------------------

    INTEGRITY = "PRAGMA integrity_check(100)";
    FOREIGN_KEYS = "PRAGMA foreign_key_check";
    WRONG_BILLS = "SELECT 'the ' || b.cost_status || ' sum of purse ' || b.purse_id || ' is ' || b.nanos
            || ' and its attempts say ' || ifnull(n.nanos, 0)
        FROM bill b LEFT JOIN (
            SELECT run_id AS purse_id, cost_status, count(*) AS attempts, sum(cost) AS nanos
            FROM attempt GROUP BY run_id, cost_status
            UNION ALL SELECT 0, cost_status, count(*), sum(cost) FROM attempt GROUP BY cost_status) n
        ON n.purse_id = b.purse_id AND n.cost_status = b.cost_status
        WHERE b.nanos <> ifnull(n.nanos, 0) OR b.attempts <> ifnull(n.attempts, 0)";
    WRONG_DAYS = "SELECT 'the ' || cost_status || ' sum of the day ' || day || ' is off by ' || sum(nanos)
        FROM (SELECT day, cost_status, attempts, nanos FROM day_bill
              UNION ALL
              SELECT day, cost_status, -count(*), -sum(cost) FROM attempt GROUP BY day, cost_status)
        GROUP BY day, cost_status HAVING sum(attempts) <> 0 OR sum(nanos) <> 0";
    WRONG_TALLIES = "SELECT 'spec ' || t.spec_id || ' counts ' || t.jobs || ' jobs as ' || t.state
            || ' and has ' || ifnull(n.jobs, 0)
        FROM tally t LEFT JOIN (
            SELECT spec_id, state, count(*) AS jobs, sum(quantity) AS quantity
            FROM job GROUP BY spec_id, state) n
        ON n.spec_id = t.spec_id AND n.state = t.state
        WHERE t.jobs <> ifnull(n.jobs, 0) OR t.quantity <> ifnull(n.quantity, 0)";
    WRONG_PARENTS = "SELECT 'job ' || q.id || ' counts ' || q.pending || ' parts pending and '
            || q.lost || ' lost, and has ' || n.pending || ' and ' || n.lost
        FROM job q JOIN (
            SELECT j.id AS id,
                count(*) FILTER (WHERE c.state NOT IN ('completed', 'failed', 'cancelled')) AS pending,
                count(*) FILTER (WHERE c.state IN ('failed', 'cancelled')) AS lost
            FROM job j LEFT JOIN part p ON p.parent_id = j.id LEFT JOIN job c ON c.id = p.child_id
            WHERE j.sealed = 1 AND j.state = 'waiting' GROUP BY j.id) n ON n.id = q.id
        WHERE q.pending <> n.pending OR q.lost <> n.lost OR n.pending = 0";
    WRONG_ATTEMPTS = "SELECT 'job ' || j.id || ' is ' || j.state || ' and its attempt ' || j.attempt
            || ' is ' || ifnull(a.cost_status, 'missing')
        FROM job j LEFT JOIN attempt a ON a.job_id = j.id AND a.attempt = j.attempt
        WHERE (j.state = 'sent') <> (ifnull(a.cost_status, '') = 'reserved')";
}

#[cfg(test)]
mod tests;
