//! What the queue tells of itself.

use voicespool::domain::{
    CharCount, CostStatus, FaultClass, GateId, JobKind, JobState, NanoUsd, Quantity,
};
use voicespool::store::{Count, Error, NewEvent, Verdict};

use crate::store::conformance::count;
use crate::store::desk::{
    Desk, at, bill, completed, fault, fresh, key, new_run, open, output, settle, source, spec,
};

#[tokio::test]
async fn the_ledger_tells_each_request_with_all_its_circumstances() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.file(desk.source, 100, &[5, 1]).await;
    desk.work_off_one().await;
    let claim = desk.claim_one().await;
    desk.send(&claim, 40).await;
    let end = voicespool::store::Settle {
        fault: Some(fault(FaultClass::TimedOut)),
        ..settle(
            &claim,
            Verdict::Reschedule {
                not_before: at(99),
                counts_failure: false,
            },
            Some(bill(CostStatus::InDoubt, 40)),
        )
    };
    desk.store.settle(end).await.unwrap();

    let lines = desk.store.ledger(Some(desk.run), None, 10).await.unwrap();

    assert_eq!(lines.len(), 2);
    let line = &lines[1];
    assert_eq!(
        (line.job, line.kind, line.key),
        (claim.job, JobKind::Speak, key(1))
    );
    assert_eq!(
        (line.task.as_str(), line.source_path.as_slice()),
        ("books", b"a.txt".as_slice())
    );
    assert_eq!(
        (line.ordinal, line.job_state),
        (Some(1), JobState::Scheduled)
    );
    assert_eq!(
        (line.endpoint.as_str(), line.model.as_str()),
        ("api.example/v1", "kokoro")
    );
    assert_eq!(line.voice.as_deref(), Some("af_bella"));
    let row = &line.row;
    assert_eq!(
        (row.run, row.attempt, row.sent_at),
        (desk.run, claim.attempt, at(20))
    );
    assert_eq!(
        (row.finished_at, row.cost, row.cost_status),
        (Some(at(30)), NanoUsd(40), CostStatus::InDoubt)
    );
    assert_eq!(
        (row.class, row.http_status),
        (Some(FaultClass::TimedOut), Some(200))
    );
    assert_eq!(row.request_id.as_deref(), Some("req-1"));
    assert_eq!(row.latency.unwrap().as_millis(), 120);
    assert_eq!(
        (row.first_byte.unwrap().as_millis(), row.bytes),
        (80, Some(32_000))
    );
    assert_eq!(row.quantity, Quantity::Chars(CharCount(10)));
    assert_eq!(row.detail.as_deref(), Some("voice `nobody` does not exist"));
    let second_page = desk
        .store
        .ledger(None, Some(lines[0].id), 10)
        .await
        .unwrap();
    assert_eq!(second_page.len(), 1);
    let other_run = desk.store.start_run(new_run()).await.unwrap();
    assert!(
        desk.store
            .ledger(Some(other_run), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_costs_of_files_add_up_to_the_bill_even_when_they_share_chunks() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let other = desk.store.add_source(source("b.txt", 10)).await.unwrap();
    desk.file(desk.source, 100, &[1, 2, 1]).await;
    desk.file(other, 101, &[2, 3, 3]).await;
    desk.work_off_one().await;
    desk.work_off_one().await;
    desk.work_off_one().await;

    let files = desk.store.files(None, 1).await.unwrap();
    let after = Some((files[0].source.id, files[0].parent));
    let rest = desk.store.files(after, 10).await.unwrap();

    let files: Vec<_> = files.into_iter().chain(rest).collect();
    let costs: Vec<_> = files
        .iter()
        .map(|f| {
            (
                f.attempts,
                f.confirmed
                    .saturating_add(f.wasted)
                    .saturating_add(f.in_doubt),
                f.parts,
                f.parts_completed,
            )
        })
        .collect();
    assert_eq!(costs, [(2, NanoUsd(80), 3, 3), (1, NanoUsd(40), 3, 3)]);
    let reused: Vec<_> = files.iter().map(|file| file.parts_reused).collect();
    assert_eq!(
        reused,
        [0, 1],
        "the second file found one of its parts bought"
    );
    assert_eq!(files[1].source.path, b"b.txt");
}

#[tokio::test]
async fn runs_gates_events_and_specs_are_remembered() {
    let (folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.store.save_rate(desk.gate, 12.5, at(9)).await.unwrap();
    desk.store
        .pause_gate(desk.gate, "key refused", at(10))
        .await
        .unwrap();
    let event = NewEvent {
        run: Some(desk.run),
        at: at(11),
        kind: "gate_closed".to_owned(),
        detail: "401".to_owned(),
    };
    desk.store.add_event(event).await.unwrap();
    desk.store.finish_run(desk.run, at(12), 4).await.unwrap();
    assert!(
        desk.store
            .save_rate(desk.gate, f64::NAN, at(9))
            .await
            .is_err()
    );
    desk.store.close().await.unwrap();

    let store = open(&folder).await;

    let gates = store.gates().await.unwrap();
    assert_eq!((gates[0].id, gates.len()), (GateId::LOCAL, 2));
    assert_eq!(gates[1].rate, Some((12.5, at(9))));
    assert_eq!(gates[1].paused, Some((at(10), "key refused".to_owned())));
    assert_eq!(
        store.gate("api.example/v1", "kokoro").await.unwrap(),
        desk.gate
    );
    store.unpause_gate(desk.gate).await.unwrap();
    assert_eq!(store.gates().await.unwrap()[1].paused, None);
    let runs = store.runs(None, 10).await.unwrap();
    assert_eq!(
        (runs[0].exit_code, runs[0].finished_at),
        (Some(4), Some(at(12)))
    );
    assert_eq!(store.events(None, 10).await.unwrap()[0].kind, "gate_closed");
    let same = spec(JobKind::Speak, desk.gate, r#"{"voice":"af_bella"}"#);
    assert_eq!(store.spec(same).await.unwrap(), desk.speak);
    assert_eq!(
        store.spec_by_id(desk.assemble).await.unwrap().kind,
        JobKind::Assemble
    );
}

#[tokio::test]
async fn counts_follow_every_move() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.file(desk.source, 100, &[1, 2, 3]).await;
    desk.work_off_one().await;
    desk.claim_one().await;

    let counts = desk.store.counts().await.unwrap();

    let of = |state| {
        counts
            .iter()
            .find(|c: &&Count| c.kind == JobKind::Speak && c.state == state)
    };
    for state in [JobState::Completed, JobState::Leased, JobState::Available] {
        let count = of(state).unwrap();
        assert_eq!(
            (count.jobs, count.quantity),
            (1, Quantity::Chars(CharCount(10))),
            "{state}"
        );
        assert_eq!((count.task.as_str(), count.gate), ("books", desk.gate));
    }
    assert_eq!(counts.len(), 4);
}

#[tokio::test]
async fn closing_finishes_what_was_asked_and_refuses_the_rest() {
    let (folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.one_job().await;
    let claim = desk.claim_one().await;

    let (settled, closed) = tokio::join!(
        desk.store.settle(completed(&claim, None)),
        desk.store.close(),
    );

    assert!(settled.is_ok() && closed.is_ok(), "{settled:?} {closed:?}");
    let late = desk.store.start_run(new_run()).await;
    assert!(matches!(late, Err(Error::Closed)), "{late:?}");
    let late = desk.store.counts().await;
    assert!(matches!(late, Err(Error::Closed)), "{late:?}");
    desk.store.close().await.unwrap();
    assert_eq!(count(&open(&folder).await, JobState::Completed).await, 1);
}

#[tokio::test]
async fn an_output_path_of_any_bytes_comes_back_as_it_was() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.file(desk.source, 100, &[]).await;
    let claim = desk.claim_local(1).await.remove(0);
    let path = b"books/\xff\n'\"\x01.flac";
    let mut named = output("x");
    named.path = path.to_vec();
    let verdict = Verdict::Complete {
        flags: None,
        object: None,
        outputs: vec![named],
        audio: None,
    };

    desk.store
        .settle(settle(&claim, verdict, None))
        .await
        .unwrap();

    assert_eq!(desk.store.outputs(None, 1).await.unwrap()[0].path, path);
}
