//! Everything that can happen to a queue, at random.

use proptest::prelude::*;
use voicespool::domain::{CostStatus, JobState};

/// Which of the claims ever made, newest first; old ones are late.
pub(crate) type Hand = usize;

/// Which jobs a person means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whom {
    Everybody,
    In(JobState),
    One(usize),
    File(usize),
    Speakers,
    OfFile(usize),
}

/// What is done about a request in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Adopt,
    Resend,
    Hold,
    Leave,
}

/// How a worker ends its try.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Complete,
    Again {
        wait: i64,
        counts: bool,
        fault: bool,
    },
    Fail {
        fault: bool,
    },
    Release,
    Hold,
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Tick(i64),
    /// Adding a file stops after so many of its four calls, as a crash would have it.
    Add {
        file: usize,
        priority: i64,
        calls: u8,
    },
    Claim {
        specs: Vec<usize>,
        most: u32,
        lease: i64,
    },
    /// Claims of every kind, and all that can be is sent.
    Burst {
        most: u32,
        lease: i64,
    },
    /// All that is held ends: with success, but for those in the mask.
    Finish {
        fails: u8,
    },
    Send {
        hand: Hand,
        cost: i64,
    },
    /// `paid` in percent of what was set aside.
    Settle {
        hand: Hand,
        end: End,
        status: CostStatus,
        paid: i64,
        has_bill: bool,
    },
    Extend {
        hands: Vec<Hand>,
        lease: i64,
    },
    /// `hand` among the claims of parents.
    SendBack {
        hand: Hand,
        missing: u8,
    },
    /// The process dies; the next one recovers.
    Crash {
        fates: Vec<Fate>,
        closes: bool,
    },
    /// It dies so many times with what it took up each time.
    CrashLoop {
        times: u8,
    },
    /// Leases have run out; often one this very moment.
    Rescue {
        meets: bool,
        fates: Vec<Fate>,
    },
    Adopt(Hand),
    Doubt {
        hand: Hand,
        holds: bool,
        begun: bool,
    },
    Resolve {
        hand: Hand,
        status: CostStatus,
        cost: i64,
    },
    Retry(Whom),
    Preview(Whom),
    Cancel(Whom),
    Put(Whom),
    Caps {
        queue: Option<i64>,
        run: Option<i64>,
    },
    Run,
    Gate {
        pauses: bool,
        rate: u32,
    },
}

fn whom() -> impl Strategy<Value = Whom> {
    prop_oneof![
        1 => Just(Whom::Everybody),
        2 => proptest::sample::select(JobState::ALL).prop_map(Whom::In),
        3 => (0..8_usize).prop_map(Whom::One),
        3 => (0..6_usize).prop_map(Whom::File),
        1 => Just(Whom::Speakers),
        1 => (0..6_usize).prop_map(Whom::OfFile),
    ]
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = proptest::sample::select(vec![Fate::Adopt, Fate::Resend, Fate::Hold, Fate::Leave]);
    prop_oneof![
        proptest::collection::vec(fate, 1..6),
        Just(vec![Fate::Resend]),
    ]
}

fn hand() -> impl Strategy<Value = Hand> {
    prop_oneof![3 => 0..4_usize, 2 => 0..30_usize]
}

fn status() -> impl Strategy<Value = CostStatus> {
    proptest::sample::select(vec![
        CostStatus::Confirmed,
        CostStatus::Wasted,
        CostStatus::InDoubt,
        CostStatus::NotBilled,
    ])
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        4 => Just(End::Complete),
        5 => (tens(0..4), any::<bool>(), proptest::bool::weighted(0.8))
            .prop_map(|(wait, counts, fault)| End::Again { wait, counts, fault }),
        2 => prop_oneof![9 => Just(true), 1 => Just(false)].prop_map(|fault| End::Fail { fault }),
        1 => Just(End::Release),
        1 => Just(End::Hold),
    ]
}

fn cap() -> impl Strategy<Value = Option<i64>> {
    proptest::option::weighted(0.4, (0..9_i64).prop_map(|n| n * 30))
}

/// Times are round, so that they meet.
fn tens(range: std::ops::Range<i64>) -> impl Strategy<Value = i64> {
    range.prop_map(|n| n * 10)
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let lease = || tens(1..6);
    prop_oneof![
        3 => tens(1..4).prop_map(Step::Tick),
        8 => (0..6_usize, -1..2_i64, prop_oneof![5 => Just(4_u8), 1 => 0..4_u8])
            .prop_map(|(file, priority, calls)| Step::Add { file, priority, calls }),
        8 => (proptest::sample::subsequence(vec![0_usize, 1, 2], 0..4), 0..4_u32, lease())
            .prop_map(|(specs, most, lease)| Step::Claim { specs, most, lease }),
        8 => (1..4_u32, lease()).prop_map(|(most, lease)| Step::Burst { most, lease }),
        6 => any::<u8>().prop_map(|fails| Step::Finish { fails }),
        10 => (hand(), 0..20_i64).prop_map(|(hand, n)| Step::Send { hand, cost: n * 30 }),
        14 => (hand(), end(), status(), 0..101_i64, any::<bool>())
            .prop_map(|(hand, end, status, paid, wrong)| Step::Settle {
                hand, end, status, paid, has_bill: wrong,
            }),
        4 => (proptest::collection::vec(hand(), 0..9), lease())
            .prop_map(|(hands, lease)| Step::Extend { hands, lease }),
        4 => (0..4_usize, any::<u8>()).prop_map(|(hand, missing)| Step::SendBack { hand, missing }),
        2 => (fates(), any::<bool>()).prop_map(|(fates, closes)| Step::Crash { fates, closes }),
        1 => (2..5_u8).prop_map(|times| Step::CrashLoop { times }),
        2 => (any::<bool>(), fates()).prop_map(|(meets, fates)| Step::Rescue { meets, fates }),
        1 => hand().prop_map(Step::Adopt),
        2 => (hand(), any::<bool>(), any::<bool>())
            .prop_map(|(hand, holds, begun)| Step::Doubt { hand, holds, begun }),
        2 => (hand(), proptest::sample::select(CostStatus::ALL), 0..600_i64)
            .prop_map(|(hand, status, cost)| Step::Resolve { hand, status, cost }),
        3 => whom().prop_map(Step::Retry),
        1 => whom().prop_map(Step::Preview),
        2 => whom().prop_map(Step::Cancel),
        2 => whom().prop_map(Step::Put),
        2 => (cap(), cap()).prop_map(|(queue, run)| Step::Caps { queue, run }),
        1 => Just(Step::Run),
        1 => (any::<bool>(), 1..90_u32).prop_map(|(pauses, rate)| Step::Gate { pauses, rate }),
    ]
}
