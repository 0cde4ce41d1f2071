use std::collections::BTreeSet;

use crate::engine::limit::Ceilings;

use super::*;

const NOW: UtcMillis = UtcMillis(1_000_000_000);

fn nz(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn gate() -> GateState {
    GateState {
        rate: Some(2.14),
        is_rising: true,
        ceilings: Ceilings {
            requests_per_minute: Some(nz(300)),
            chars_per_minute: Some(nz(400_000)),
            audio_seconds_per_minute: Some(nz(36_000)),
            concurrency: nz(4),
        },
        in_flight: 4,
        waiting: 1,
        open_circuit: None,
        held_back_by: None,
        succeeded: 10,
        throttled: 1,
        overloaded: 0,
        last_throttle: Some(Duration::from_secs(12)),
    }
}

fn held_back_by(by: HeldBackBy) -> GateState {
    GateState {
        held_back_by: Some(by),
        ..gate()
    }
}

fn stopped(reason: Reason, next_try_in: Option<u64>, from_retry_after: bool) -> GateState {
    GateState {
        open_circuit: Some(OpenCircuit {
            reason,
            since: Duration::from_secs(90),
            next_try_in: next_try_in.map(Duration::from_secs),
            from_retry_after,
            trouble: Some("503 Service Unavailable".into()),
        }),
        // Whatever held it back before, the open circuit is what counts.
        held_back_by: Some(HeldBackBy::Pace),
        ..gate()
    }
}

/// Jobs ready and claimed, a free worker.
fn busy() -> Facts {
    Facts {
        ready: 50,
        claimed: 5,
        workers: 8,
        free_workers: 3,
        ..Facts::default()
    }
}

/// Times as seconds from now.
fn time(at: UtcMillis) -> String {
    format!("T{:+}", (at.0 - NOW.0) / 1000)
}

fn cases() -> Vec<(Cause, &'static str)> {
    [cases_without_work(), cases_at_work()].concat()
}

/// A cause from the facts that lead to it, and what it says.
fn cases_without_work() -> Vec<(Cause, &'static str)> {
    let found = |gate: GateState, facts: Facts| of(&gate, &facts, NOW);
    vec![
        (found(gate(), Facts::default()), "nothing is queued"),
        (
            at_rest(7, None, None),
            "nothing runs: `voicespool run` goes on",
        ),
        (
            found(
                gate(),
                Facts {
                    stopping: Some(Cause::Budget {
                        what: "$5.00 of $5.00 are spent".into(),
                    }),
                    ..busy()
                },
            ),
            "budget: $5.00 of $5.00 are spent; raise that cap, then `voicespool run`",
        ),
        (
            found(stopped(Reason::Account, None, false), busy()),
            "the provider refuses the key or the account (503 Service Unavailable); check both, then `voicespool run`",
        ),
        (
            found(
                gate(),
                Facts {
                    paused: Some((UtcMillis(NOW.0 - 60_000), "by hand".into())),
                    ..busy()
                },
            ),
            "paused since T-60 (by hand)",
        ),
        (
            at_rest(
                7,
                None,
                Some(Cause::Stopped {
                    words: "interrupted".into(),
                }),
            ),
            "stopped: interrupted; `voicespool run` goes on",
        ),
        (
            found(stopped(Reason::Throttled, Some(40), true), busy()),
            "waiting for Retry-After until T+40, as the provider asks (503 Service Unavailable)",
        ),
        (
            found(stopped(Reason::Throttled, Some(8), false), busy()),
            "the provider throttles since T-90 (429); one request tries it at T+8",
        ),
        (
            found(stopped(Reason::Overloaded, None, false), busy()),
            "circuit open since T-90: the provider fails or cannot be reached; one request is trying it now; last error: 503 Service Unavailable",
        ),
        (
            found(
                gate(),
                Facts {
                    ready: 0,
                    claimed: 0,
                    scheduled: 3,
                    due: Some(NOW.after(Duration::from_secs(9))),
                    ..busy()
                },
            ),
            "3 jobs wait for the next try, the first at T+9",
        ),
    ]
}

/// The same for an open gate of a run at work.
fn cases_at_work() -> Vec<(Cause, &'static str)> {
    let found = |gate: GateState, facts: Facts| of(&gate, &facts, NOW);
    let fewer_workers = Facts {
        workers: 4,
        ..busy()
    };
    vec![
        (
            found(held_back_by(HeldBackBy::RequestsPerMinute), busy()),
            "limited by your 300 rpm (limits.rpm)",
        ),
        (
            found(held_back_by(HeldBackBy::CharsPerMinute), busy()),
            "limited by your 400,000 characters a minute (limits.chars_per_minute)",
        ),
        (
            found(held_back_by(HeldBackBy::AudioSecondsPerMinute), busy()),
            "limited by your 36,000 seconds of audio a minute (limits.audio_seconds_per_minute)",
        ),
        (
            found(held_back_by(HeldBackBy::Concurrency), busy()),
            "all 4 requests of limits.concurrency are in flight: raise it if the provider allows more",
        ),
        (
            found(held_back_by(HeldBackBy::Concurrency), fewer_workers),
            "all 4 workers are busy: raise -j or [run] workers",
        ),
        (
            found(held_back_by(HeldBackBy::StatedLimit), busy()),
            "limited by the provider's stated 2.1 requests a second",
        ),
        (
            found(held_back_by(HeldBackBy::Pace), busy()),
            "the provider throttled 12 s ago; pace 2.1/s, rising",
        ),
        (
            Cause::Joining { files: 1 },
            "disk: joining answers into 1 file",
        ),
        (
            found(gate(), Facts { ready: 0, ..busy() }),
            "the last 5 are in flight",
        ),
        (found(gate(), busy()), "nothing holds it back; 5 in flight"),
    ]
}

#[test]
fn each_cause_follows_from_its_facts_and_says_itself_in_words() {
    for (cause, words) in cases() {
        assert_eq!(cause.words(NOW, time), words, "{cause:?}");
    }
}

/// The list of codes is public; and there is no cause without a test above.
#[test]
fn every_cause_has_a_code_and_is_tested() {
    let codes: BTreeSet<_> = cases().iter().map(|(cause, _)| cause.code()).collect();

    insta::assert_snapshot!(
        codes.into_iter().collect::<Vec<_>>().join(" "),
        @"account audio_seconds_per_minute budget chars_per_minute circuit concurrency joining last_requests not_running nothing_queued pace paused requests_per_minute retry_after scheduled stated_limit stopped throttled unhindered workers"
    );
}

#[test]
fn every_code_is_explained_in_the_documentation() {
    let page = include_str!("../../../docs/rate-control.md");
    for (cause, _) in cases() {
        let code = format!("`{}`", cause.code());
        assert!(page.contains(&code), "{code}");
    }
}

#[test]
fn the_code_in_json_is_the_code_and_comes_back_as_the_cause() {
    for (cause, _) in cases() {
        let json = serde_json::to_value(&cause).unwrap();

        assert_eq!(json["code"], cause.code());
        assert_eq!(serde_json::from_value::<Cause>(json).unwrap(), cause);
    }
}

#[test]
fn the_first_thing_that_would_have_to_go_away_is_named() {
    let all = Facts {
        paused: Some((NOW, "x".into())),
        stopping: Some(Cause::Stopped { words: "x".into() }),
        free_workers: 0,
        ..busy()
    };
    let open = stopped(Reason::Overloaded, Some(0), false);

    assert_eq!(of(&open, &all, NOW).code(), "stopped");
    let all = Facts {
        stopping: None,
        ..all
    };
    assert_eq!(of(&open, &all, NOW).code(), "paused");
    let all = Facts {
        paused: None,
        ..all
    };
    assert_eq!(of(&open, &all, NOW).code(), "circuit");
    assert_eq!(
        of(&held_back_by(HeldBackBy::Pace), &all, NOW).code(),
        "pace"
    );
    assert_eq!(of(&gate(), &all, NOW).code(), "workers");
}

#[test]
fn at_rest_a_reason_of_the_last_run_counts_only_for_jobs_that_are_left() {
    let budget = || Some(Cause::Budget { what: "x".into() });

    assert_eq!(at_rest(0, None, budget()).code(), "nothing_queued");
    assert_eq!(at_rest(1, None, budget()).code(), "budget");
    assert_eq!(
        at_rest(1, Some((NOW, "x".into())), budget()).code(),
        "paused"
    );
}
