//! Money for people, with the same words everywhere:
//!
//! - **spent**: everything that was or may have been billed. What caps count.
//! - **wasted**, of it: paid for answers that were unusable.
//! - **in doubt**, of it: sent and never answered; it may be on the bill.
//! - **reserved**, besides: set aside for requests in flight.

use crate::cli::term;
use crate::config::Budget;
use crate::domain::{Day, NanoUsd, UtcMillis};
use crate::store::{self, Money, Store};
use crate::worker::Clock;

/// What the queue has cost and may cost, with the caps of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Funds {
    /// Over all runs.
    pub queue: Money,
    pub day: Day,
    /// What was sent on `day`.
    pub today: Money,
    pub next_day: Option<UtcMillis>,
}

impl Funds {
    /// As `store` stands now; all zero when there is no queue yet.
    pub(crate) async fn of(
        budget: &Budget,
        store: Option<&Store>,
        clock: Clock,
    ) -> Result<Self, store::Error> {
        let now = clock.now();
        let day = Clock::day(now);
        let (mut queue, mut today) = match store {
            Some(store) => (store.money().await?, store.money_of_day(day).await?),
            None => (Money::default(), Money::default()),
        };
        queue.cap = budget.max_cost;
        today.cap = budget.max_cost_per_day;
        Ok(Self {
            queue,
            day,
            today,
            next_day: Clock::next_day(now),
        })
    }

    /// What the next requests may cost at most; `None` without a cap.
    pub(crate) fn left(&self, run: Option<NanoUsd>) -> Option<NanoUsd> {
        [room(&self.queue), room(&self.today), run]
            .into_iter()
            .flatten()
            .min()
    }

    /// Under a plan: what is spent already, and whether `cost` more fits under the caps.
    pub(crate) fn plan_lines(&self, cost: NanoUsd) -> Vec<String> {
        let mut lines = Vec::new();
        if self.queue.spent() > NanoUsd::ZERO {
            lines.push(format!(
                "spent   {} already{}",
                self.queue.spent().display(),
                parts(&self.queue)
            ));
        }
        let over = |left: NanoUsd| NanoUsd(cost.0.saturating_sub(left.0));
        if let Some(left) = room(&self.queue) {
            let over = over(left);
            lines.push(format!(
                "budget  {} left of [budget] max_cost{}",
                left.display(),
                if over > NanoUsd::ZERO {
                    format!(": OVER BY {}", over.display())
                } else {
                    String::new()
                }
            ));
        }
        if let Some(left) = room(&self.today) {
            lines.push(format!(
                "today   {} left of [budget] max_cost_per_day{}",
                left.display(),
                if over(left) > NanoUsd::ZERO {
                    format!(": the rest waits for {}", self.begins())
                } else {
                    String::new()
                }
            ));
        }
        lines
    }

    /// The day's line, where the day has a cap.
    pub(crate) fn today_line(&self) -> Option<String> {
        self.today.cap.map(|cap| {
            format!(
                "today    {} of {}{}",
                self.today.spent().display(),
                cap.display(),
                parts(&self.today)
            )
        })
    }

    /// When the next day begins, local time.
    pub(crate) fn begins(&self) -> String {
        self.next_day.map_or_else(
            || "the next day".to_owned(),
            |at| {
                jiff::Timestamp::from_millisecond(at.0).map_or_else(
                    |_| at.0.to_string(),
                    |time| {
                        time.to_zoned(jiff::tz::TimeZone::system())
                            .strftime("%Y-%m-%d %H:%M")
                            .to_string()
                    },
                )
            },
        )
    }
}

/// What the cap leaves; `None` without a cap.
pub(crate) fn room(money: &Money) -> Option<NanoUsd> {
    let cap = money.cap?;
    Some(NanoUsd(cap.0.saturating_sub(money.spent().0).max(0)))
}

/// `, of it $0.01 wasted, $0.02 in doubt`; nothing when all of it brought results.
fn parts(money: &Money) -> String {
    let parts: Vec<_> = [(&money.wasted, "wasted"), (&money.in_doubt, "in doubt")]
        .into_iter()
        .filter(|(sum, _)| sum.attempts > 0)
        .map(|(sum, word)| format!("{} {word}", sum.cost.display()))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(", of it {}", parts.join(", "))
    }
}

/// Money for people, a line each; lines without money are left out.
pub(crate) fn money_lines(money: &Money) -> Vec<String> {
    let cap = money
        .cap
        .map(|cap| format!(" of {}", cap.display()))
        .unwrap_or_default();
    let mut lines = vec![format!("spent    {}{cap}", money.spent().display())];
    for (label, sum, what) in [
        ("wasted  ", &money.wasted, "of it, for unusable answers"),
        (
            "in doubt",
            &money.in_doubt,
            "of it, sent and never answered: it may be on the bill",
        ),
        (
            "reserved",
            &money.reserved,
            "besides, for requests in flight",
        ),
    ] {
        if sum.attempts > 0 {
            lines.push(format!(
                "{label} {} {what} ({})",
                sum.cost.display(),
                term::count(sum.attempts, "request")
            ));
        }
    }
    lines
}
