//! What holds for every ledger, and how reports look.

use std::time::Duration;

use proptest::prelude::*;

use crate::domain::{
    Attempt, AudioMillis, CharCount, ContentKey, CostStatus, Delivery, FaultClass, FileRow, JobId,
    JobKind, JobState, LedgerRow, NanoUsd, Quantity, RunId, UtcMillis,
};
use crate::report::{Error, Summary, WhatIf, csv, json, path_text, table};

fn row() -> LedgerRow {
    LedgerRow {
        run: RunId(3),
        job: JobId(17),
        attempt: Attempt(1),
        kind: JobKind::Speak,
        task: "books".to_owned(),
        source: b"books/emma.txt".to_vec(),
        ordinal: Some(4),
        endpoint: "together api.together.ai/v1".to_owned(),
        model: "hexgrad/Kokoro-82M".to_owned(),
        voice: Some("af_bella".to_owned()),
        job_state: JobState::Completed,
        started_at: UtcMillis(1_790_000_000_000),
        finished_at: Some(UtcMillis(1_790_000_001_850)),
        class: None,
        http_status: Some(200),
        request_id: Some("8c1e".to_owned()),
        quantity: Quantity::Chars(CharCount(1_500)),
        cost: NanoUsd(6_000_000),
        cost_status: CostStatus::Confirmed,
        latency: Some(Duration::from_millis(1_850)),
        first_byte: Some(Duration::from_millis(400)),
        delivery: Some(Delivery::Stream),
        answer_bytes: Some(480_044),
        audio: Some(AudioMillis(100_000)),
        detail: None,
        key: ContentKey([0xab; 32]),
    }
}

/// A good answer, a truncated one, one that never came, and a refusal of another model.
fn bill() -> Vec<LedgerRow> {
    vec![
        row(),
        LedgerRow {
            job: JobId(18),
            class: Some(FaultClass::BadAnswer),
            cost_status: CostStatus::Wasted,
            audio: None,
            detail: Some("=the file ends \"early\", at 3 s".to_owned()),
            ..row()
        },
        LedgerRow {
            job: JobId(19),
            finished_at: None,
            http_status: None,
            request_id: None,
            cost_status: CostStatus::InDoubt,
            latency: None,
            first_byte: None,
            answer_bytes: None,
            audio: None,
            source: b"books/\xff\x1b]0;x\x07.txt".to_vec(),
            ..row()
        },
        LedgerRow {
            kind: JobKind::Transcribe,
            task: "podcasts".to_owned(),
            model: "openai/whisper-large-v3\u{1b}[31m".to_owned(),
            voice: None,
            class: Some(FaultClass::Refused),
            http_status: Some(413),
            quantity: Quantity::Audio(AudioMillis(3_723_004)),
            cost: NanoUsd(93_075_100),
            cost_status: CostStatus::NotBilled,
            audio: None,
            ..row()
        },
    ]
}

fn file() -> FileRow {
    FileRow {
        task: "books".to_owned(),
        source: b"books/emma.txt".to_vec(),
        state: JobState::Completed,
        chunks: 1_049,
        chunks_completed: 1_049,
        chunks_failed: 0,
        chunks_reused: 7,
        quantity: Quantity::Chars(CharCount(887_123)),
        confirmed: NanoUsd(3_520_492_000),
        wasted: NanoUsd(6_000_000),
        in_doubt: NanoUsd::ZERO,
        audio: Some(AudioMillis(57_723_000)),
        outputs: vec![b"out/emma.mp3".to_vec(), b"out/emma.srt".to_vec()],
    }
}

fn files() -> Vec<FileRow> {
    vec![
        file(),
        FileRow {
            source: b"-books/\xff.txt".to_vec(),
            state: JobState::Waiting,
            chunks_completed: 3,
            chunks_failed: 2,
            chunks_reused: 0,
            audio: None,
            outputs: Vec::new(),
            ..file()
        },
    ]
}

fn attempts_csv(rows: &[LedgerRow], cells: csv::Cells) -> String {
    let mut out = Vec::new();
    let mut csv = csv::Attempts::new(&mut out, cells).unwrap();
    for row in rows {
        csv.push(row).unwrap();
    }
    csv.finish().unwrap();
    String::from_utf8(out).unwrap()
}

fn files_csv(rows: &[FileRow]) -> String {
    let mut out = Vec::new();
    let mut csv = csv::Files::new(&mut out, csv::Cells::Guarded).unwrap();
    for row in rows {
        csv.push(row).unwrap();
    }
    csv.finish().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_bill_has_a_row_an_attempt() {
    insta::assert_snapshot!(attempts_csv(&bill(), csv::Cells::Guarded), @r#"
    schema_version,run_id,job_id,attempt_no,task,source_path,unit_id,endpoint,model,voice,kind,state,outcome,http_status,provider_request_id,started_at_utc,finished_at_utc,latency_s,ttfb_s,billable_unit,billable_qty,cost_usd,cost_nano,cost_status,output_bytes,output_audio_s,chars_per_audio_s,detail,fingerprint,delivery
    1,3,17,1,books,books/emma.txt,4,together api.together.ai/v1,hexgrad/Kokoro-82M,af_bella,speak,completed,ok,200,8c1e,2026-09-21T14:13:20.000Z,2026-09-21T14:13:21.850Z,1.850,0.400,char,1500,0.006000000,6000000,confirmed,480044,100.000,15.00,,abababababababababababababababababababababababababababababababab,stream
    1,3,18,1,books,books/emma.txt,4,together api.together.ai/v1,hexgrad/Kokoro-82M,af_bella,speak,completed,bad_answer,200,8c1e,2026-09-21T14:13:20.000Z,2026-09-21T14:13:21.850Z,1.850,0.400,char,1500,0.006000000,6000000,wasted,480044,,,"'=the file ends ""early"", at 3 s",abababababababababababababababababababababababababababababababab,stream
    1,3,19,1,books,books/\xff\x1b]0;x\x07.txt,4,together api.together.ai/v1,hexgrad/Kokoro-82M,af_bella,speak,completed,,,,2026-09-21T14:13:20.000Z,,,,char,1500,0.006000000,6000000,in_doubt,,,,,abababababababababababababababababababababababababababababababab,stream
    1,3,17,1,podcasts,books/emma.txt,4,together api.together.ai/v1,openai/whisper-large-v3\x1b[31m,,transcribe,completed,refused,413,8c1e,2026-09-21T14:13:20.000Z,2026-09-21T14:13:21.850Z,1.850,0.400,audio_second,3723.004,0.093075100,93075100,not_billed,480044,,,,abababababababababababababababababababababababababababababababab,stream
    "#);
}

#[test]
fn the_files_have_a_row_each() {
    insta::assert_snapshot!(files_csv(&files()), @r"
    schema_version,task,source_path,state,chunks,chunks_completed,chunks_failed,chunks_reused,billable_unit,billable_qty,confirmed_usd,wasted_usd,in_doubt_usd,cost_usd,cost_nano,output_audio_s,output_paths
    1,books,books/emma.txt,completed,1049,1049,0,7,char,887123,3.520492000,0.006000000,0.000000000,3.526492000,3526492000,57723.000,out/emma.mp3	out/emma.srt
    1,books,'-books/\xff.txt,waiting,1049,3,2,0,char,887123,3.520492000,0.006000000,0.000000000,3.526492000,3526492000,,
    ");
}

#[test]
fn people_get_tables() {
    let summary = Summary::of(bill()).unwrap();

    insta::assert_snapshot!(table::summary(&summary), @r"
     model                             requests   failed   characters   audio in   audio out       spent      wasted    in doubt
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     hexgrad/Kokoro-82M                       3        1        1,500               1 m 40 s   $0.018000   $0.006000   $0.006000
     openai/whisper-large-v3\x1b[31m          1        1                                           $0.00
     total                                    4        2        1,500               1 m 40 s   $0.018000   $0.006000   $0.006000

     task       requests   failed   characters   audio in   audio out       spent      wasted    in doubt
    ──────────────────────────────────────────────────────────────────────────────────────────────────────
     books             3        1        1,500               1 m 40 s   $0.018000   $0.006000   $0.006000
     podcasts          1        1                                           $0.00
     total             4        2        1,500               1 m 40 s   $0.018000   $0.006000   $0.006000

     spent     $0.018000 in all
     wasted    $0.006000 of it, for unusable answers
     in doubt  $0.006000 of it, sent and never answered: it may be on the bill
     answers   half within 1.8 s, 95 % within 1.8 s

     model                delivery   answers   first byte p50      p95   whole p50      p95
    ────────────────────────────────────────────────────────────────────────────────────────
     hexgrad/Kokoro-82M   stream           1           0.40 s   0.40 s      1.84 s   1.84 s
     faults    refused 1, bad_answer 1
    ");
    insta::assert_snapshot!(table::files(&files()).unwrap(), @r"
     file              task    state                               chunks          billed       audio    cost
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────
     books/emma.txt    books   completed           1,049/1,049 (7 reused)   887,123 chars   16 h 02 m   $3.53
     -books/\xff.txt   books   waiting, 2 failed                  3/1,049   887,123 chars               $3.53
    ");
}

#[test]
fn people_see_what_other_models_would_have_cost() {
    let offers = [
        ("hexgrad/Kokoro-82M", 3_548_492_000),
        ("cartesia/sonic-3", 57_662_995_000),
    ]
    .map(|(model, cost)| WhatIf {
        model: model.to_owned(),
        cost: NanoUsd(cost),
        as_of: "2026-10-02".to_owned(),
    });

    insta::assert_snapshot!(table::what_if(&offers), @r"
     model                price of       cost
    ──────────────────────────────────────────
     hexgrad/Kokoro-82M   2026-10-02    $3.55
     cartesia/sonic-3     2026-10-02   $57.66
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one document")]
fn scripts_get_one_object() {
    let mut summary = Summary::of(&bill()[..1]).unwrap();
    summary.by_kind.clear();
    summary.by_task.clear();
    let report = json::report(&summary, &[], &[]).unwrap();
    let out = serde_json::to_string_pretty(&report).unwrap();
    let (nothing, files) = (Summary::default(), [file()]);
    let with_file = serde_json::to_value(json::report(&nothing, &files, &[]).unwrap()).unwrap();

    insta::assert_snapshot!(out, @r#"
    {
      "schema_version": 1,
      "first_ms": 1790000000000,
      "last_ms": 1790000001850,
      "latency": {
        "p50_ms": 1840,
        "p95_ms": 1840
      },
      "times": [
        {
          "model": "hexgrad/Kokoro-82M",
          "delivery": "stream",
          "answers": 1,
          "first_byte": {
            "p50_ms": 400,
            "p95_ms": 400
          },
          "total": {
            "p50_ms": 1840,
            "p95_ms": 1840
          }
        }
      ],
      "total": {
        "attempts": 1,
        "failed": 0,
        "unanswered": 0,
        "chars": 1500,
        "audio_ms": 0,
        "audio_made_ms": 100000,
        "cost": {
          "usd": "0.006000000",
          "nano": 6000000,
          "by_status": {
            "reserved": {
              "usd": "0.000000000",
              "nano": 0
            },
            "confirmed": {
              "usd": "0.006000000",
              "nano": 6000000
            },
            "wasted": {
              "usd": "0.000000000",
              "nano": 0
            },
            "in_doubt": {
              "usd": "0.000000000",
              "nano": 0
            },
            "not_billed": {
              "usd": "0.000000000",
              "nano": 0
            }
          }
        },
        "by_status": {
          "reserved": {
            "usd": "0.000000000",
            "nano": 0
          },
          "confirmed": {
            "usd": "0.006000000",
            "nano": 6000000
          },
          "wasted": {
            "usd": "0.000000000",
            "nano": 0
          },
          "in_doubt": {
            "usd": "0.000000000",
            "nano": 0
          },
          "not_billed": {
            "usd": "0.000000000",
            "nano": 0
          }
        }
      },
      "by_kind": {},
      "by_task": {},
      "by_model": {
        "hexgrad/Kokoro-82M": {
          "attempts": 1,
          "failed": 0,
          "unanswered": 0,
          "chars": 1500,
          "audio_ms": 0,
          "audio_made_ms": 100000,
          "cost": {
            "usd": "0.006000000",
            "nano": 6000000,
            "by_status": {
              "reserved": {
                "usd": "0.000000000",
                "nano": 0
              },
              "confirmed": {
                "usd": "0.006000000",
                "nano": 6000000
              },
              "wasted": {
                "usd": "0.000000000",
                "nano": 0
              },
              "in_doubt": {
                "usd": "0.000000000",
                "nano": 0
              },
              "not_billed": {
                "usd": "0.000000000",
                "nano": 0
              }
            }
          },
          "by_status": {
            "reserved": {
              "usd": "0.000000000",
              "nano": 0
            },
            "confirmed": {
              "usd": "0.006000000",
              "nano": 6000000
            },
            "wasted": {
              "usd": "0.000000000",
              "nano": 0
            },
            "in_doubt": {
              "usd": "0.000000000",
              "nano": 0
            },
            "not_billed": {
              "usd": "0.000000000",
              "nano": 0
            }
          }
        }
      },
      "faults": {},
      "files": [],
      "refused": []
    }
    "#);
    insta::assert_snapshot!(with_file["files"][0], @r#"{"task":"books","source":"books/emma.txt","state":"completed","chunks":1049,"chunks_completed":1049,"chunks_failed":0,"chunks_reused":7,"billed":{"unit":"chars","quantity":887123},"cost":{"usd":"3.526492000","nano":3526492000},"confirmed":{"usd":"3.520492000","nano":3520492000},"wasted":{"usd":"0.006000000","nano":6000000},"in_doubt":{"usd":"0.000000000","nano":0},"audio_ms":57723000,"outputs":["out/emma.mp3","out/emma.srt"]}"#);
}

#[test]
fn a_sum_that_does_not_fit_is_no_report() {
    let row = LedgerRow {
        cost: NanoUsd(i64::MAX),
        ..row()
    };
    let wasted = LedgerRow {
        cost_status: CostStatus::Wasted,
        ..row.clone()
    };

    assert!(matches!(Summary::of([&row, &row]), Err(Error::Overflow)));
    assert!(matches!(Summary::of([&row, &wasted]), Err(Error::Overflow)));
}

#[test]
fn a_full_disk_is_an_error_and_not_a_short_report() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut csv = csv::Attempts::new(Full, csv::Cells::Guarded).unwrap();
    csv.push(&row()).unwrap();

    assert!(matches!(csv.finish(), Err(Error::Write(_))));
}

#[test]
fn nothing_done_makes_valid_reports() {
    let summary = Summary::of(Vec::<LedgerRow>::new()).unwrap();

    assert!(table::summary(&summary).contains("total"));
    assert_eq!(attempts_csv(&[], csv::Cells::Guarded).lines().count(), 1);
    assert_eq!(summary.latency, None);
}

prop_compose! {
    fn any_row()(
        (task, model, detail) in (any::<String>(), "[ab=]{1,2}", any::<Option<String>>()),
        source in prop::collection::vec(any::<u8>(), 0..20),
        kind in prop::sample::select(JobKind::ALL),
        class in prop::option::of(prop::sample::select(FaultClass::ALL)),
        cost_status in prop::sample::select(CostStatus::ALL),
        cost in 0..i64::MAX / 1_000,
        times in any::<(i64, Option<i64>)>(),
        latency in any::<Option<u64>>(),
        quantity in prop_oneof![
            any::<u32>().prop_map(|chars| Quantity::Chars(CharCount(chars.into()))),
            any::<u32>().prop_map(|audio| Quantity::Audio(AudioMillis(audio.into()))),
            Just(Quantity::Nothing),
        ],
        audio in prop::option::of(any::<u32>()),
    ) -> LedgerRow {
        LedgerRow {
            task, model, detail, source, kind, class, cost_status, quantity,
            cost: NanoUsd(cost),
            started_at: UtcMillis(times.0),
            finished_at: times.1.map(UtcMillis),
            latency: latency.map(Duration::from_millis),
            audio: audio.map(|audio| AudioMillis(audio.into())),
            ..row()
        }
    }
}

/// The inverse of [`path_text`].
fn path_of(text: &str) -> Vec<u8> {
    let (mut path, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match (byte, tail) {
            (b'\\', [b'\\', tail @ ..]) => {
                path.push(b'\\');
                tail
            }
            (b'\\', [b'x', hex @ ..]) => {
                let digits = std::str::from_utf8(&hex[..2]).unwrap();
                path.push(u8::from_str_radix(digits, 16).unwrap());
                &hex[2..]
            }
            _ => {
                path.push(byte);
                tail
            }
        };
    }
    path
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_total_is_the_sum_of_the_rows(rows in prop::collection::vec(any_row(), 0..40)) {
        let summary = Summary::of(&rows).unwrap();

        for status in CostStatus::ALL.iter().copied() {
            let sum: i64 = rows.iter().filter(|row| row.cost_status == status).map(|row| row.cost.0).sum();
            prop_assert_eq!(summary.total.costs.of(status).0, sum);
            let by_model: i64 = summary.by_model.values().map(|totals| totals.costs.of(status).0).sum();
            let by_task: i64 = summary.by_task.values().map(|totals| totals.costs.of(status).0).sum();
            let by_kind: i64 = summary.by_kind.values().map(|totals| totals.costs.of(status).0).sum();
            prop_assert_eq!([by_model, by_task, by_kind], [sum; 3]);
        }
        let counted: i64 = rows.iter().filter(|row| row.cost_status.counts()).map(|row| row.cost.0).sum();
        prop_assert_eq!(summary.total.costs.total().0, counted);
        prop_assert_eq!(summary.total.attempts, u64::try_from(rows.len()).unwrap());
    }

    #[test]
    fn the_csv_says_the_same_and_no_cell_is_a_formula(rows in prop::collection::vec(any_row(), 0..20)) {
        let text = attempts_csv(&rows, csv::Cells::Guarded);

        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let column = |name: &str| csv::ATTEMPT_COLUMNS.iter().position(|column| *column == name).unwrap();
        let mut total = 0;
        for (record, row) in reader.records().map(Result::unwrap).zip(&rows) {
            prop_assert_eq!(record.len(), csv::ATTEMPT_COLUMNS.len());
            for name in ["task", "source_path", "model", "detail", "endpoint"] {
                let cell = &record[column(name)];
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
                prop_assert!(!cell.contains(char::is_control), "{cell:?}");
            }
            let nano: i64 = record[column("cost_nano")].parse().unwrap();
            let usd: NanoUsd = record[column("cost_usd")].parse().unwrap();
            prop_assert_eq!((nano, usd), (row.cost.0, row.cost));
            total += if row.cost_status.counts() { nano } else { 0 };
        }
        prop_assert_eq!(total, Summary::of(&rows).unwrap().total.costs.total().0);
    }

    #[test]
    fn raw_paths_are_read_back(row in any_row(), valid in any::<String>()) {
        for source in [row.source.clone(), valid.into_bytes()] {
            let text = attempts_csv(&[LedgerRow { source: source.clone(), ..row.clone() }], csv::Cells::Raw);
            let record = ::csv::Reader::from_reader(text.as_bytes()).records().next().unwrap().unwrap();

            prop_assert_eq!(path_of(&record[5]), source.clone());
            prop_assert_eq!(path_of(&path_text(&source)), source);
        }
    }

    #[test]
    fn nothing_acts_on_a_terminal(rows in prop::collection::vec(any_row(), 0..8), source in prop::collection::vec(any::<u8>(), 0..40)) {
        let text = table::summary(&Summary::of(&rows).unwrap());
        let files = table::files(&[FileRow { source, ..file() }]).unwrap();

        prop_assert!(!(text + &files).contains(|c: char| c.is_control() && c != '\n'));
    }
}
