//! Money, prices and quantities in records. Amounts stand twice: as an exact decimal text in dollars,
//! and as an integer of nano-dollars (10⁻⁹ USD) in the field whose name ends with `_nano`.

use serde::Serialize;

use crate::cli::money::{Funds, room};
use crate::cli::term::utc;
use crate::domain::{Day, NanoUsd, Price, UtcMillis};
use crate::store;

/// The attempts of one cost status.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sum {
    pub requests: u64,
    pub cost: NanoUsd,
    pub cost_nano: i64,
}

impl Sum {
    pub(crate) fn of(sum: &store::Sum) -> Self {
        Self {
            requests: sum.attempts,
            cost: sum.cost,
            cost_nano: sum.cost.0,
        }
    }
}

/// What the queue, a run or a day has paid and owes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Money {
    pub cap: Option<NanoUsd>,
    pub cap_nano: Option<i64>,
    pub left: Option<NanoUsd>,
    pub left_nano: Option<i64>,
    pub spent: NanoUsd,
    pub spent_nano: i64,
    pub confirmed: Sum,
    pub wasted: Sum,
    pub in_doubt: Sum,
    pub reserved: Sum,
    pub not_billed: Sum,
}

impl Money {
    pub(crate) fn of(money: &store::Money) -> Self {
        let left = room(money);
        Self {
            cap: money.cap,
            cap_nano: money.cap.map(|cap| cap.0),
            left,
            left_nano: left.map(|left| left.0),
            spent: money.spent(),
            spent_nano: money.spent().0,
            confirmed: Sum::of(&money.confirmed),
            wasted: Sum::of(&money.wasted),
            in_doubt: Sum::of(&money.in_doubt),
            reserved: Sum::of(&money.reserved),
            not_billed: Sum::of(&money.not_billed),
        }
    }
}

/// What was sent on the local calendar day.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Today {
    pub day: Day,
    /// When the next day begins.
    pub next_day_at: Option<String>,
    #[serde(flatten)]
    pub money: Money,
}

impl Today {
    pub(crate) fn of(funds: &Funds) -> Self {
        Self {
            day: funds.day,
            next_day_at: funds.next_day.map(|at: UtcMillis| utc(at)),
            money: Money::of(&funds.today),
        }
    }
}

/// What a model charges.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PriceTag {
    /// `1m_chars`, `audio_minute` or `free`.
    pub unit: &'static str,
    pub usd: NanoUsd,
    pub nano: i64,
}

impl PriceTag {
    pub(crate) fn of(price: Price) -> Self {
        let (unit, usd) = match price {
            Price::PerMillionChars(amount) => ("1m_chars", amount),
            Price::PerAudioMinute(amount) => ("audio_minute", amount),
            Price::Free => ("free", NanoUsd::ZERO),
        };
        Self {
            unit,
            usd,
            nano: usd.0,
        }
    }
}
