use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, Row, SqlSafeStr, SqlStr};

use super::*;
use crate::domain::{Boundary, CostStatus, FaultClass, JobKind, JobState, PauseScope};
use crate::store::sqlite::open::testing::migrated;

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let mut conn = migrated().await;
    conn.execute(PICKED).await.unwrap();

    for (name, sql) in ALL.iter().chain(people::ALL) {
        // A statement is parsed when the one before it was, and not before.
        for part in sql.split(';') {
            let prepared = conn
                .prepare(AssertSqlSafe(part.to_owned()).into_sql_str())
                .await;
            assert!(prepared.is_ok(), "{name}: {prepared:?}");
        }
        let whole = conn.prepare(SqlStr::from_static(sql)).await;
        assert!(whole.is_ok(), "{name}: {whole:?}");
    }
}

/// So many jobs in a hundred books, a tenth of them done.
const FIXTURE: &str = "
    INSERT INTO run (pid, host, version, command, started_at) VALUES (1, 'h', 'v', 'c', 1);
    INSERT INTO gate (endpoint, model) VALUES ('e', 'm');
    INSERT INTO spec (task, kind, gate_id, params) VALUES ('t', 'speak', 1, '{}'), ('t', 'assemble', 0, '{}');
    WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    INSERT INTO source (task, path, content, bytes, kind, unit, quantity, created_at)
    SELECT 't', CAST(i AS BLOB), randomblob(32), 1, 'txt', 'chars', 1, 1 FROM n;
    WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    INSERT INTO job (kind, state, spec_id, gate_id, source_id, key, sealed, pending, lost, created_at)
    SELECT 'assemble', 'waiting', 2, 0, i, randomblob(32), 1, 500, 0, 1 FROM n;
    WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < MANY)
    INSERT INTO job (kind, state, spec_id, gate_id, source_id, key, span_start, span_end, attempt, created_at, finished_at)
    SELECT 'speak', iif(i % 10 = 0, 'completed', 'available'), 1, 1, 1 + i % 100, randomblob(32),
        0, 1, 1, 1, iif(i % 10 = 0, 2, NULL) FROM n;
    INSERT INTO part (parent_id, ordinal, child_id) SELECT 1 + id % 100, id / 100, id FROM job WHERE id > 100;
    INSERT INTO attempt (job_id, attempt, run_id, sent_at, finished_at, cost, cost_status, quantity)
    SELECT id, 1, 1, 1, 2, 5, 'confirmed', 1 FROM job WHERE state = 'completed';";

const SOME: u32 = 1_000;

async fn fill(conn: &mut SqliteConnection, jobs: u32) {
    let fixture = FIXTURE.replace("MANY", &jobs.to_string());
    conn.execute(AssertSqlSafe(fixture)).await.unwrap();
}

/// Statements whose cost must not grow with the queue.
const HOT: &[(&str, &str)] = &[
    ("claim", CLAIM),
    ("next due", NEXT_DUE),
    ("may send", MAY_SEND),
    ("send", SEND),
    ("extend", EXTEND),
    ("settle", SETTLE),
    ("attempts", SETTLE_ATTEMPTS),
    ("objects", ADD_OBJECTS),
    ("outputs", ADD_OUTPUTS),
    ("parents", TELL_PARENTS),
    ("recount", RECOUNT),
    ("rescue", RELEASE_EXPIRED),
    ("in flight", EXPIRED_IN_FLIGHT),
    ("adopt", ADOPT_JOB),
    ("adopt attempt", ADOPT_ATTEMPT),
    ("doubt", DOUBT_JOB),
    ("doubt attempt", DOUBT_ATTEMPT),
    ("add parent", ADD_PARENT),
    ("find parent", FIND_PARENT),
    ("add children", ADD_CHILDREN),
    ("shared children", CHILDREN_TO_TOUCH),
    ("add parts", ADD_PARTS),
    ("supersede", PICK_SUPERSEDED),
    ("orphans", PICK_ORPHANS),
    ("reopen", PARENTS_TO_REOPEN),
    ("keys", KEY_STATES),
    ("object", OBJECT),
    ("counts", COUNTS),
    ("sums", BILLS),
    ("day bills", DAY_BILLS),
    ("pauses", PAUSES),
    ("children to hold", PICK_CHILDREN_TO_HOLD),
    ("parts", PARTS),
    ("bought", BOUGHT),
    ("ledger", LEDGER),
    ("files", FILES),
    ("attempts", ATTEMPTS),
];

async fn plan(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(conn).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(3)).collect()
}

/// A whole table of the queue, read through. The rows of a call's own JSON may be.
fn reads_a_table(step: &str) -> bool {
    let Some(table) = step.strip_prefix("SCAN ") else {
        return false;
    };
    // The ledger and the list of files read on from where the page before ended.
    let name = table.split(' ').next().unwrap_or_default();
    [
        "j", "q", "c", "job", "part", "p", "a", "attempt", "s", "source",
    ]
    .contains(&name)
}

#[tokio::test]
async fn no_hot_statement_reads_or_sorts_the_queue() {
    let mut conn = migrated().await;
    conn.execute(PICKED).await.unwrap();
    fill(&mut conn, 50_000).await;

    let mut faults = Vec::new();
    for (name, sql) in HOT {
        // Grouping or distinguishing the rows of one call is no sorting of the queue.
        let sorts_its_own = [
            "parents",
            "recount",
            "shared children",
            "reopen",
            "pauses",
            "bought",
        ]
        .contains(name);
        for part in sql.split(';') {
            for step in plan(&mut conn, part).await {
                if reads_a_table(&step) || step.contains("TEMP B-TREE") && !sorts_its_own {
                    faults.push(format!("{name}: {step}"));
                }
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_claim_walks_the_index_of_available_jobs() {
    let mut conn = migrated().await;
    fill(&mut conn, SOME).await;

    let claim = CLAIM.split(';').nth(1).unwrap();
    let steps = plan(&mut conn, claim).await;

    let index = "SEARCH job USING COVERING INDEX job_available (spec_id=?)";
    assert!(steps.iter().any(|step| step == index), "{steps:#?}");
}

#[tokio::test]
async fn failed_jobs_are_listed_without_reading_the_others() {
    let mut conn = migrated().await;
    fill(&mut conn, SOME).await;

    let failed =
        "SELECT j.id FROM job j WHERE j.id > 0 AND (j.state = 'failed') ORDER BY j.id LIMIT 9";
    let steps = plan(&mut conn, failed).await;

    assert!(steps[0].contains("job_trouble"), "{steps:#?}");
}

#[tokio::test]
async fn the_schema_allows_exactly_the_moves_of_the_domain() {
    let mut conn = migrated().await;
    fill(&mut conn, SOME).await;

    for from in JobState::ALL {
        for to in JobState::ALL {
            if from == to {
                continue;
            }
            let mut tx = conn.begin().await.unwrap();
            let parent = *from == JobState::Waiting || *to == JobState::Waiting;
            let kind = if parent { "assemble" } else { "speak" };
            if parent && (*from == JobState::Sent || *to == JobState::Sent) {
                continue;
            }
            let insert = format!(
                "INSERT INTO job (kind, state, spec_id, gate_id, source_id, key, created_at,
                     span_start, span_end, sealed, pending, lost, {columns})
                 VALUES ('{kind}', '{from}', 1, 1, 1, zeroblob(32), 1, {span}, {sealed}, {values})",
                columns = "finished_at, not_before, lease_until, owner, class",
                span = if parent { "NULL, NULL" } else { "0, 1" },
                sealed = if parent {
                    "1, 0, 0"
                } else {
                    "NULL, NULL, NULL"
                },
                values = columns_of(*from),
            );
            sqlx::query(AssertSqlSafe(insert))
                .execute(&mut *tx)
                .await
                .unwrap();

            let update = format!(
                "UPDATE job SET state = '{to}', (finished_at, not_before, lease_until, owner, class)
                 = ({}) WHERE key = zeroblob(32)",
                columns_of(*to)
            );
            let moved = sqlx::query(AssertSqlSafe(update)).execute(&mut *tx).await;

            assert_eq!(
                moved.is_ok(),
                from.may_become(*to),
                "{from} to {to}: {moved:?}"
            );
            tx.rollback().await.unwrap();
        }
    }
}

/// Finished, not before, lease, owner and class as a state demands them.
fn columns_of(state: JobState) -> &'static str {
    match state {
        JobState::Completed | JobState::Cancelled => "5, NULL, NULL, NULL, NULL",
        JobState::Failed => "5, NULL, NULL, NULL, 'local'",
        JobState::Scheduled => "NULL, 5, NULL, NULL, NULL",
        JobState::Leased | JobState::Sent => "NULL, NULL, 5, 1, NULL",
        JobState::Available | JobState::Waiting | JobState::Held => "NULL, NULL, NULL, NULL, NULL",
    }
}

#[tokio::test]
async fn the_schema_knows_the_words_of_the_domain() {
    let mut conn = migrated().await;
    let schema: Vec<String> =
        sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    let schema = schema.join("\n");

    let words = JobState::ALL.iter().map(|word| word.as_str());
    let words = words.chain(JobKind::ALL.iter().map(|word| word.as_str()));
    let words = words.chain(FaultClass::ALL.iter().map(|word| word.as_str()));
    let words = words.chain(CostStatus::ALL.iter().map(|word| word.as_str()));
    let words = words.chain(PauseScope::ALL.iter().map(|word| word.as_str()));
    let words = words.chain(Boundary::ALL.iter().map(|word| word.as_str()));
    for word in words {
        assert!(schema.contains(&format!("'{word}'")), "{word}");
    }
}

#[tokio::test]
async fn the_schema_refuses_what_would_falsify_the_bill_or_the_queue() {
    let mut conn = migrated().await;
    fill(&mut conn, SOME).await;

    for forbidden in [
        "DELETE FROM attempt",
        "DELETE FROM job WHERE id = 1",
        "UPDATE attempt SET cost = 1 WHERE id = 1",
        "UPDATE attempt SET cost_status = 'in_doubt' WHERE id = 1",
        "UPDATE attempt SET sent_at = 9 WHERE id = 1",
        "UPDATE attempt SET detail = 'x' WHERE id = 1",
        "INSERT INTO attempt (job_id, attempt, run_id, sent_at, cost, cost_status, quantity)
             VALUES (105, 1, 1, 1, -1, 'reserved', 1)",
        "UPDATE job SET attempt = 0 WHERE id = 105",
        "UPDATE job SET key = zeroblob(32) WHERE id = 105",
        "UPDATE job SET quantity = 7 WHERE id = 105",
        "UPDATE job SET state = 'done' WHERE id = 105",
        "UPDATE job SET state = 'leased' WHERE id = 105",
        "UPDATE job SET finished_at = 5 WHERE id = 105",
        "UPDATE job SET pending = -1 WHERE id = 1",
        "UPDATE job SET state = 'sent', lease_until = 1, owner = 1 WHERE id = 1",
        "UPDATE spec SET params = '{\"voice\":\"x\"}' WHERE id = 1",
        "UPDATE bill SET nanos = -1",
        "INSERT INTO spec (task, kind, gate_id, params) VALUES ('t', 'speak', 1, 'no json')",
        "INSERT INTO part (parent_id, ordinal, child_id) VALUES (1, 9999, 999999)",
    ] {
        let done = conn.execute(forbidden).await;
        assert!(done.is_err(), "{forbidden}");
    }
    for allowed in [
        "INSERT INTO attempt (job_id, attempt, run_id, sent_at, finished_at, cost, cost_status, quantity)
             VALUES (105, 2, 1, 1, 2, 5, 'in_doubt', 1)",
        "UPDATE attempt SET cost_status = 'confirmed' WHERE job_id = 105 AND attempt = 2",
    ] {
        let done = conn.execute(allowed).await;
        assert!(done.is_ok(), "{allowed}: {done:?}");
    }
}
