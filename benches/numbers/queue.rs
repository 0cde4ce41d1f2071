//! What the queue costs a job: enqueue, claim, intent, settlement, without a request in
//! between, for queues of a thousand and many jobs.

use std::fs;
use std::time::Duration;

use tokio::task::JoinSet;
use voicespool::domain::{
    AudioMillis, Boundary, CharCount, ContentKey, CostStatus, Day, GateId, JobKind, NanoUsd,
    Quantity, RunId, SourceId, SpecId, UtcMillis,
};
use voicespool::store::{
    Attempted, Claim, Intent, NewChild, NewChildren, NewObject, NewParent, NewRun, NewSource,
    NewSpec, Options, Settle, Store, Verdict,
};

use crate::machine::{peak_of, timed};
use crate::{Row, each, millis, rate, seconds};

/// Jobs worked off in each measurement.
const WORKED: u64 = 20_000;

/// Chunks of a book.
const BOOK: u64 = 5_000;

struct Queue {
    store: Store,
    run: RunId,
    speak: SpecId,
    assemble: SpecId,
    source: SourceId,
    next: u64,
}

impl Queue {
    async fn open(options: &Options) -> Self {
        let store = Store::open(options).await.unwrap();
        let run = NewRun {
            pid: 1,
            host: "bench".to_owned(),
            version: "0".to_owned(),
            command: "bench".to_owned(),
            at: UtcMillis(1),
        };
        let run = store.start_run(run).await.unwrap();
        let gate = store
            .gate("api.example/v1", "hexgrad/Kokoro-82M")
            .await
            .unwrap();
        let spec = |kind, gate| NewSpec {
            task: "books".to_owned(),
            kind,
            gate,
            params: r#"{"model":"hexgrad/Kokoro-82M","voice":"af_bella","format":"mp3"}"#
                .to_owned(),
        };
        let speak = store.spec(spec(JobKind::Speak, gate)).await.unwrap();
        let assemble = store
            .spec(spec(JobKind::Assemble, GateId::LOCAL))
            .await
            .unwrap();
        let source = NewSource {
            task: "books".to_owned(),
            path: b"books/war-and-peace.epub".to_vec(),
            content: key(u64::MAX),
            bytes: 1,
            kind: "epub".to_owned(),
            text: Some(key(u64::MAX - 1)),
            quantity: Quantity::Chars(CharCount(1)),
            at: UtcMillis(1),
        };
        let source = store.add_source(source).await.unwrap();
        Self {
            store,
            run,
            speak,
            assemble,
            source,
            next: 0,
        }
    }

    /// A sealed book of `n` new chunks.
    async fn book(&mut self, n: u64) {
        let first = self.next;
        self.next += n + 1;
        let parent = NewParent {
            source: self.source,
            spec: self.assemble,
            key: key(first),
            params: None,
            priority: 0,
            at: UtcMillis(1_763_800_000_000),
        };
        let parent = self.store.add_parent(parent).await.unwrap().id;
        let children = (0..n).map(|idx| NewChild {
            ordinal: u32::try_from(idx).unwrap(),
            spec: self.speak,
            key: key(first + 1 + idx),
            span: Some(idx * 1_000..(idx + 1) * 1_000),
            boundary: Some(Boundary::Sentence),
            quantity: Quantity::Chars(CharCount(980)),
        });
        let children = NewChildren {
            parent,
            source: self.source,
            at: UtcMillis(1_763_800_000_000),
            children: children.collect(),
        };
        self.store.add_children(children).await.unwrap();
        self.store
            .seal(parent, UtcMillis(1_763_800_000_000))
            .await
            .unwrap();
    }

    async fn books(&mut self, jobs: u64) {
        let mut left = jobs;
        while left > 0 {
            let n = left.min(BOOK);
            self.book(n).await;
            left -= n;
        }
    }

    /// Works off `jobs` jobs with `workers` at once: claims for the free ones, and each
    /// sends and settles as a real one does, without a request in between.
    async fn work(&self, jobs: u64, workers: usize) {
        let mut busy = JoinSet::new();
        let mut left = usize::try_from(jobs).unwrap();
        while left > 0 || !busy.is_empty() {
            let free = (workers - busy.len()).min(left);
            if free > 0 {
                let gates = [(vec![self.speak], u32::try_from(free).unwrap())];
                let now = UtcMillis(1_763_800_000_000);
                let claims = self
                    .store
                    .claim(&gates, self.run, now, UtcMillis(now.0 + 60_000));
                let claims = claims.await.unwrap();
                left -= claims.len();
                for claim in claims {
                    busy.spawn(one(self.store.clone(), self.run, claim));
                }
            }
            busy.join_next().await.unwrap().unwrap();
            while busy.try_join_next().is_some() {}
        }
    }
}

async fn one(store: Store, run: RunId, claim: Claim) {
    let intent = Intent {
        delivery: voicespool::domain::Delivery::Rest,
        job: claim.job,
        attempt: claim.attempt,
        run,
        at: UtcMillis(1_763_800_000_100),
        day: Day(20_251_122),
        reserve: NanoUsd(3_920_000),
        quantity: claim.quantity,
    };
    store.mark_sent(intent).await.unwrap();
    let settle = Settle {
        job: claim.job,
        attempt: claim.attempt,
        at: UtcMillis(1_763_800_000_900),
        verdict: Verdict::Complete {
            flags: None,
            object: Some(NewObject {
                sha256: claim.key,
                bytes: 32_000,
                format: "mp3".to_owned(),
            }),
            outputs: Vec::new(),
            audio: Some(AudioMillis(61_000)),
        },
        fault: None,
        attempted: Some(Attempted {
            cost: NanoUsd(3_920_000),
            status: CostStatus::Confirmed,
            http_status: Some(200),
            request_id: Some("oaXYZ-2kFHot-9a1b2c3d4e5f".to_owned()),
            latency: Some(Duration::from_millis(800)),
            first_byte: Some(Duration::from_millis(300)),
            bytes: Some(32_000),
            quantity: None,
        }),
    };
    store.settle(settle).await.unwrap();
}

/// A key as even as a hash (splitmix64 by Sebastiano Vigna, public domain).
fn key(seed: u64) -> ContentKey {
    let mut bytes = [0; 32];
    for (idx, chunk) in (0..).zip(bytes.chunks_exact_mut(8)) {
        let mut x = seed
            .wrapping_mul(4)
            .wrapping_add(idx)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        chunk.copy_from_slice(&(x ^ (x >> 31)).to_be_bytes());
    }
    ContentKey(bytes)
}

/// The table: a thousand queued, and `large`.
pub(crate) fn measure(large: u64) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut rows = Vec::new();
    for queued in [1_000, large] {
        rows.extend(runtime.block_on(measure_one(queued)));
    }
    rows
}

async fn measure_one(queued: u64) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("queue.db"));
    let mut queue = Queue::open(&options).await;
    let ((), wall, enqueued) = timed(queue.books(queued)).await;
    let mut rows = vec![
        Row::new(
            format!("queue of {queued}: enqueue, CPU a job"),
            "",
            each(enqueued, queued),
        ),
        Row::new("  wall", "", seconds(wall)),
        Row::new(
            "  peak memory after that",
            "",
            format!("{} MB", peak_of("self") >> 20),
        ),
    ];
    queue.store.close().await.unwrap();
    let size = fs::metadata(&options.path).unwrap().len();
    rows.push(Row::new(
        "  database a queued job",
        "600 bytes",
        format!("{} bytes", size / queued),
    ));
    let (reopened, wall, _) = timed(reopen(&options)).await;
    rows.push(Row::new(
        "  open, recover and claim, wall",
        "",
        millis(wall),
    ));
    let next = queue.next;
    queue = reopened;
    queue.next = next;
    queue.store.recover().await.unwrap();
    let (_, wall, _) = timed(queue.store.counts()).await;
    rows.push(Row::new("  counts, wall", "100 ms", millis(wall)));
    for workers in [8, 32, 256] {
        let (mut wall, mut used) = (Duration::ZERO, Duration::ZERO);
        let round = WORKED.min(queued);
        for _ in 0..WORKED / round {
            let ((), round_wall, round_used) = timed(queue.work(round, workers)).await;
            wall += round_wall;
            used += round_used;
            queue.books(round).await;
        }
        let worked = round * (WORKED / round);
        let whole = used.div_f64(worked as f64) + enqueued.div_f64(queued as f64);
        rows.push(Row::new(
            format!("  claim + sent + settle, {workers} workers, CPU a job"),
            "",
            each(used, worked),
        ));
        rows.push(Row::new("    with enqueue", "60 µs", each(whole, 1)));
        rows.push(Row::new("    jobs a second", "", rate(worked, wall)));
    }
    queue.store.close().await.unwrap();
    rows
}

async fn reopen(options: &Options) -> Queue {
    let queue = Queue::open(options).await;
    queue.store.recover().await.unwrap();
    let gates = [(vec![queue.speak], 1)];
    let claim = queue
        .store
        .claim(&gates, queue.run, UtcMillis(1), UtcMillis(2))
        .await;
    assert_eq!(claim.unwrap().len(), 1);
    queue
}
