use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::cli::progress::tally::{Expected, Tally};
use crate::cli::record::event::{GateChange, Progress, with_record};
use crate::cli::record::{Record, line};
use crate::domain::{
    AudioMillis, ContentKey, CostStatus, FaultClass, GateId, JobId, JobKind, NanoUsd, RunId,
    SourceId, UtcMillis,
};
use crate::store::Source;
use crate::worker::pulse::GatePulse;
use crate::worker::{Cause, Charge, Event, Pulse, Told};

#[path = "../../../tests/support/json_doc.rs"]
mod json_doc;

const NOW: UtcMillis = UtcMillis(1_790_000_000_123);

fn source() -> Arc<Source> {
    Arc::new(Source {
        id: SourceId(1),
        path: b"in/a.txt".to_vec(),
        content: ContentKey([7; 32]),
        text: None,
        kind: "text".to_owned(),
    })
}

fn charge(status: CostStatus) -> Charge {
    Charge {
        reserved: NanoUsd(2_000_000),
        cost: NanoUsd(1_500_000),
        status,
    }
}

fn pulse(cause: Cause) -> Pulse {
    Pulse {
        run: RunId(3),
        at: NOW,
        gates: vec![GatePulse {
            gate: GateId(2),
            name: "hexgrad/Kokoro-82M at api.together.ai".to_owned(),
            cause,
            per_second: Some(2.5),
            in_flight: 4,
            succeeded: 10,
            throttled: 1,
            overloaded: 0,
        }],
        stop: None,
    }
}

/// One of each kind of event.
fn events() -> Vec<Event> {
    let (job, source) = (JobId(5), source());
    vec![
        Event::Sent {
            job,
            kind: JobKind::Speak,
            source: source.clone(),
            reserved: NanoUsd(2_000_000),
        },
        Event::Completed {
            job,
            kind: JobKind::Speak,
            source: source.clone(),
            outputs: Vec::new(),
            charge: Some(charge(CostStatus::Confirmed)),
            audio: Some(AudioMillis(2_500)),
            latency: Some(Duration::from_millis(1_250)),
            reused: false,
            flags: None,
        },
        Event::Completed {
            job: JobId(6),
            kind: JobKind::Assemble,
            source: source.clone(),
            outputs: vec![PathBuf::from("a.wav"), PathBuf::from("a.srt")],
            charge: None,
            audio: Some(AudioMillis(2_500)),
            latency: None,
            reused: false,
            flags: None,
        },
        Event::Retry {
            job,
            kind: JobKind::Speak,
            source: source.clone(),
            class: FaultClass::Throttled,
            detail: "slow down".to_owned(),
            wait: Duration::from_millis(1_500),
            charge: charge(CostStatus::NotBilled),
        },
        Event::Failed {
            job,
            kind: JobKind::Speak,
            source: source.clone(),
            class: FaultClass::Account,
            detail: "no credit".to_owned(),
            charge: None,
        },
        Event::InDoubt {
            job,
            kind: JobKind::Speak,
            source,
            cost: NanoUsd(2_000_000),
        },
        Event::RefusedAlike {
            task: "books".to_owned(),
            detail: "400 Bad Request: no such voice".to_owned(),
            requests: 5,
            jobs: 459,
        },
        Event::Stopping {
            why: "interrupted".to_owned(),
            in_flight: 2,
        },
        Event::Paused {
            what: vec!["task books".to_owned()],
        },
        Event::Warning("the clock jumped".to_owned()),
        Event::Note("a.m4b: -19.0 LUFS".to_owned()),
        Event::Pulse(pulse(Cause::Concurrency { limit: 4 })),
    ]
}

fn lines_of_a_run() -> Vec<String> {
    let events = events().into_iter();
    let mut lines: Vec<_> = events
        .map(|event| with_record(&Told { at: NOW, event }, line))
        .collect();
    let pulse = pulse(Cause::Throttled {
        since: NOW,
        next: None,
    });
    lines.push(line(&Record::Gate(&GateChange::of(&pulse.gates[0], NOW))));
    let tally = Tally {
        requests: 3,
        spent: NanoUsd(1_500_000),
        pulse: Some(pulse),
        ..Tally::default()
    };
    let expected = Expected {
        requests: 9,
        cap: None,
    };
    lines.push(line(&Record::Progress(&Progress::of(
        &tally, expected, NOW,
    ))));
    lines
}

#[test]
fn each_event_carries_its_time_and_a_job_its_file() {
    let lines = lines_of_a_run();

    insta::assert_snapshot!("events", lines.join("\n"));
    for line in &lines {
        let line: Value = serde_json::from_str(line).unwrap();
        json_doc::check(&line);
        assert_eq!(line["at"], "2026-09-21T14:13:20.123Z");
        let is_of_job = line["type"].as_str().unwrap().starts_with("job_");
        assert_eq!(is_of_job, line["file"] == "in/a.txt", "{line}");
    }
}

#[test]
fn every_cause_is_as_the_page_says() {
    let causes = [
        Cause::NothingQueued,
        Cause::Budget { what: "cap".into() },
        Cause::Account { words: "no".into() },
        Cause::Paused {
            since: NOW,
            words: "by you".into(),
        },
        Cause::RetryAfter {
            until: NOW,
            words: "429".into(),
        },
        Cause::Circuit {
            since: NOW,
            next: Some(NOW),
            words: "503".into(),
        },
        Cause::Scheduled {
            jobs: 2,
            next: None,
        },
        Cause::Workers { workers: 4 },
        Cause::StatedLimit { per_second: 2.0 },
        Cause::Pace {
            per_second: 2.0,
            is_rising: true,
            last_throttle: None,
        },
        Cause::Joining { files: 2 },
        Cause::Unhindered { in_flight: 2 },
    ];
    for cause in causes {
        let event = Event::Pulse(pulse(cause));
        let line = with_record(&Told { at: NOW, event }, line);
        json_doc::check(&serde_json::from_str(&line).unwrap());
    }
}

/// A record that nobody described, or a description of nothing.
#[test]
fn every_record_has_a_section_on_the_page_and_the_other_way_round() {
    let code = syn::parse_file(include_str!("mod.rs")).unwrap();
    let records = code.items.iter().find_map(|item| match item {
        syn::Item::Enum(item) if item.ident == "Record" => Some(item),
        _ => None,
    });
    let types: BTreeSet<String> = records
        .unwrap()
        .variants
        .iter()
        .map(|variant| {
            let mut name = String::new();
            for c in variant.ident.to_string().chars() {
                if c.is_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(c.to_ascii_lowercase());
            }
            name
        })
        .collect();

    let described: BTreeSet<String> = json_doc::PAGE.records.keys().cloned().collect();
    assert_eq!(types, described);
}
