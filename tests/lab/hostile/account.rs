//! The queue's bill against the provider's.

use std::collections::HashMap;

use voicespool_mock::Record;

use crate::support::Project;

/// One attempt, as `report --format attempts` tells it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) job: i64,
    /// The hostile answer its file is named after.
    pub(super) answer: String,
    pub(super) outcome: String,
    pub(super) latency: f64,
    nanos: i64,
    pub(super) status: String,
    #[expect(dead_code, reason = "shown when a promise breaks")]
    detail: String,
}

impl Row {
    fn counts(&self) -> bool {
        self.status != "not_billed"
    }
}

/// The whole bill of a project, in the order the requests were sent.
pub(super) fn rows(project: &Project) -> Vec<Row> {
    let text = project
        .run(&["report", "--format", "attempts"])
        .exits(0)
        .stdout();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns: HashMap<String, usize> = reader
        .headers()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(idx, name)| (name.to_owned(), idx))
        .collect();
    let mut rows: Vec<(i64, Row)> = reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let cell = |name: &str| record[columns[name]].to_owned();
            let file = cell("source_path");
            let stem = file.rsplit('/').next().unwrap().split('.').next().unwrap();
            let row = Row {
                job: cell("job_id").parse().unwrap(),
                answer: stem.to_owned(),
                outcome: cell("outcome"),
                latency: cell("latency_s").parse().unwrap_or(0.0),
                nanos: cell("cost_nano").parse().unwrap(),
                status: cell("cost_status"),
                detail: cell("detail"),
            };
            (cell("attempt_no").parse().unwrap(), row)
        })
        .collect();
    rows.sort_by_key(|(attempt, _)| *attempt);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Every request the provider charged for is a row that counts; what it did not charge for
/// counts only where no answer said so; and apart from those the sums are equal.
pub(super) fn agrees(rows: &[Row], served: &[Record], charged: i64) {
    let mut cautious = 0;
    for row in rows {
        let label = format!("hostile {}", row.answer);
        let hostile = served
            .iter()
            .find(|record| record.fault.as_deref() == Some(&label))
            .unwrap();
        // The hostile answer came first.
        let is_first = rows.iter().find(|one| one.answer == row.answer);
        if !is_first.is_some_and(|first| std::ptr::eq(first, row)) {
            assert_eq!(row.status, "confirmed", "{row:?}");
            continue;
        }
        if hostile.billed {
            assert!(row.counts(), "charged, and not in the bill: {row:?}");
        }
        match row.outcome.as_str() {
            "ok" => assert_eq!(row.status, "confirmed", "{row:?}"),
            "bad_answer" => assert_eq!(row.status, "wasted", "{row:?}"),
            "timed_out" => assert_eq!(row.status, "in_doubt", "{row:?}"),
            "refused" | "account" | "throttled" => {
                assert_eq!(row.status, "not_billed", "{row:?}");
            }
            _ => {}
        }
        if row.counts() && !hostile.billed {
            cautious += row.nanos;
        }
    }
    let counted: i64 = rows
        .iter()
        .filter(|row| row.counts())
        .map(|row| row.nanos)
        .sum();
    assert_eq!(counted - cautious, charged, "the two bills differ");
}
