//! A store with a run, a gate and a file to work on, and short words for the tests.

use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;
use voicespool::domain::{
    Attempt, AudioMillis, Boundary, CharCount, ContentKey, CostStatus, Day, FaultClass, GateId,
    JobId, JobKind, JobState, NanoUsd, Quantity, RunId, SourceId, SpecId, UtcMillis,
};
use voicespool::store::{
    Attempted, Claim, Error, Fault, Filter, Intent, NewChild, NewChildren, NewObject, NewOutput,
    NewParent, NewRun, NewSource, NewSpec, Options, Parent, Settle, Store, Verdict,
};

/// A fresh queue in a folder of its own, which lives as long as the guard.
pub(crate) async fn fresh() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    (folder, store)
}

/// The queue of a folder, once more.
pub(crate) async fn open(folder: &TempDir) -> Store {
    Store::open(&options(folder)).await.unwrap()
}

pub(crate) fn options(folder: &TempDir) -> Options {
    Options::new(folder.path().join("state").join("queue.db"))
}

pub(crate) fn key(seed: u64) -> ContentKey {
    let mut bytes = [0xab; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    ContentKey(bytes)
}

pub(crate) fn at(millis: i64) -> UtcMillis {
    UtcMillis(millis)
}

/// The day on which desks send.
pub(crate) const TODAY: Day = Day(20_261_122);

pub(crate) const LEASE: UtcMillis = UtcMillis(1_000_000);

/// A place to work at: `store` with everything a job refers to.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) run: RunId,
    pub(crate) gate: GateId,
    pub(crate) speak: SpecId,
    pub(crate) assemble: SpecId,
    pub(crate) source: SourceId,
    next_key: AtomicU64,
}

impl Desk {
    pub(crate) async fn at(store: Store) -> Self {
        let run = store.start_run(new_run()).await.unwrap();
        let gate = store.gate("api.example/v1", "kokoro").await.unwrap();
        let speak = store
            .spec(spec(JobKind::Speak, gate, r#"{"voice":"af_bella"}"#))
            .await
            .unwrap();
        let assemble = store
            .spec(spec(JobKind::Assemble, GateId::LOCAL, "{}"))
            .await
            .unwrap();
        let source = store.add_source(source("a.txt", 1)).await.unwrap();
        Self {
            store,
            run,
            gate,
            speak,
            assemble,
            source,
            next_key: AtomicU64::new(1_000_000),
        }
    }

    pub(crate) fn new_key(&self) -> ContentKey {
        key(self.next_key.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) async fn parent(&self, source: SourceId, key: ContentKey) -> Parent {
        self.try_parent(source, key).await.unwrap()
    }

    pub(crate) async fn try_parent(
        &self,
        source: SourceId,
        key: ContentKey,
    ) -> Result<Parent, Error> {
        let parent = NewParent {
            source,
            spec: self.assemble,
            key,
            params: Some(r#"{"format":"flac"}"#.to_owned()),
            priority: 0,
            at: at(1),
        };
        self.store.add_parent(parent).await
    }

    /// Children of ten characters each, in the order of `keys`.
    pub(crate) async fn children(&self, parent: JobId, source: SourceId, keys: &[ContentKey]) {
        let children = NewChildren {
            parent,
            source,
            at: at(1),
            children: children(self.speak, keys),
        };
        self.store.add_children(children).await.unwrap();
    }

    /// A sealed parent of these children.
    pub(crate) async fn file(&self, source: SourceId, parent: u64, children: &[u64]) -> JobId {
        let parent = self.parent(source, key(parent)).await.id;
        let keys: Vec<_> = children.iter().copied().map(key).collect();
        self.children(parent, source, &keys).await;
        self.store.seal(parent, at(1)).await.unwrap();
        parent
    }

    /// One speak job, available, in a parent that is not sealed.
    pub(crate) async fn one_job(&self) -> JobId {
        let key = self.new_key();
        let parent = self.parent(self.source, self.new_key()).await.id;
        self.children(parent, self.source, &[key]).await;
        self.store.parts(parent, None, 1).await.unwrap()[0].child
    }

    pub(crate) async fn claim(&self, n: u32) -> Vec<Claim> {
        self.store
            .claim(&[(vec![self.speak], n)], self.run, at(10), LEASE)
            .await
            .unwrap()
    }

    pub(crate) async fn claim_local(&self, n: u32) -> Vec<Claim> {
        self.store
            .claim(&[(vec![self.assemble], n)], self.run, at(10), LEASE)
            .await
            .unwrap()
    }

    pub(crate) async fn claim_one(&self) -> Claim {
        self.claim(1).await.pop().expect("a job is available")
    }

    pub(crate) fn intent(&self, claim: &Claim, reserve: i64) -> Intent {
        Intent {
            delivery: voicespool::domain::Delivery::Rest,
            job: claim.job,
            attempt: claim.attempt,
            run: self.run,
            at: at(20),
            day: TODAY,
            reserve: NanoUsd(reserve),
            quantity: claim.quantity,
        }
    }

    pub(crate) async fn send(&self, claim: &Claim, reserve: i64) {
        self.store
            .mark_sent(self.intent(claim, reserve))
            .await
            .unwrap();
    }

    /// Claims one job, sends it and completes it.
    pub(crate) async fn work_off_one(&self) -> Claim {
        let claim = self.claim_one().await;
        self.send(&claim, 40).await;
        self.store
            .settle(completed(&claim, Some(confirmed(40))))
            .await
            .unwrap();
        claim
    }

    pub(crate) async fn state(&self, job: JobId) -> JobState {
        self.store.job(job).await.unwrap().unwrap().state
    }
}

pub(crate) fn new_run() -> NewRun {
    NewRun {
        pid: 7,
        host: "attic".to_owned(),
        version: "0.1.0".to_owned(),
        command: "run --yes".to_owned(),
        at: at(1),
    }
}

pub(crate) fn spec(kind: JobKind, gate: GateId, params: &str) -> NewSpec {
    NewSpec {
        task: "books".to_owned(),
        kind,
        gate,
        params: params.to_owned(),
    }
}

pub(crate) fn source(path: &str, version: u64) -> NewSource {
    NewSource {
        task: "books".to_owned(),
        path: path.as_bytes().to_owned(),
        content: key(version),
        bytes: 1234,
        kind: "txt".to_owned(),
        text: Some(key(version + 1)),
        quantity: Quantity::Chars(CharCount(1200)),
        at: at(1),
    }
}

pub(crate) fn children(spec: SpecId, keys: &[ContentKey]) -> Vec<NewChild> {
    keys.iter()
        .zip(0..)
        .map(|(key, ordinal)| NewChild {
            ordinal,
            spec,
            key: *key,
            span: Some(u64::from(ordinal) * 10..u64::from(ordinal) * 10 + 10),
            boundary: Some(Boundary::Sentence),
            quantity: Quantity::Chars(CharCount(10)),
        })
        .collect()
}

pub(crate) fn bill(status: CostStatus, cost: i64) -> Attempted {
    Attempted {
        cost: NanoUsd(cost),
        status,
        http_status: Some(200),
        request_id: Some("req-1".to_owned()),
        latency: Some(std::time::Duration::from_millis(120)),
        first_byte: Some(std::time::Duration::from_millis(80)),
        bytes: Some(32_000),
        quantity: None,
    }
}

pub(crate) fn confirmed(cost: i64) -> Attempted {
    bill(CostStatus::Confirmed, cost)
}

pub(crate) fn settle(claim: &Claim, verdict: Verdict, attempted: Option<Attempted>) -> Settle {
    Settle {
        job: claim.job,
        attempt: claim.attempt,
        at: at(30),
        verdict,
        fault: None,
        attempted,
    }
}

pub(crate) fn completed(claim: &Claim, attempted: Option<Attempted>) -> Settle {
    let verdict = if claim.kind.sends() {
        Verdict::Complete {
            flags: None,
            object: Some(object()),
            outputs: Vec::new(),
            audio: Some(AudioMillis(900)),
        }
    } else {
        Verdict::Complete {
            flags: None,
            object: None,
            outputs: vec![output("books/a.flac")],
            audio: Some(AudioMillis(1800)),
        }
    };
    settle(claim, verdict, attempted)
}

pub(crate) fn failed(claim: &Claim, attempted: Option<Attempted>) -> Settle {
    Settle {
        fault: Some(fault(FaultClass::Refused)),
        ..settle(claim, Verdict::Fail, attempted)
    }
}

pub(crate) fn fault(class: FaultClass) -> Fault {
    Fault {
        class,
        detail: "voice `nobody` does not exist".to_owned(),
    }
}

pub(crate) fn object() -> NewObject {
    NewObject {
        sha256: key(77),
        bytes: 32_000,
        format: "mp3".to_owned(),
    }
}

pub(crate) fn output(path: &str) -> NewOutput {
    NewOutput {
        path: path.as_bytes().to_owned(),
        bytes: 64_000,
        sha256: key(78),
        audio: Some(AudioMillis(1800)),
        format: "flac".to_owned(),
    }
}

pub(crate) fn these(ids: &[JobId]) -> Filter {
    Filter {
        ids: ids.to_vec(),
        ..Filter::default()
    }
}

pub(crate) fn lease_lost<T: std::fmt::Debug>(
    answer: &Result<T, Error>,
    job: JobId,
    attempt: Attempt,
) -> bool {
    matches!(answer, Err(Error::LeaseLost { job: j, attempt: a }) if *j == job && *a == attempt)
}
