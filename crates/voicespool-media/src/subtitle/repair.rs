//! Times that cannot be, made possible. The order of the text is never changed; the times
//! are, by the rules below, and every one that is changed is counted.
//!
//! 1. An end before its start: the two are swapped (`reversed`).
//! 2. A time after the end of the audio: moved to the end (`clamped`).
//! 3. A start out of line with the rest: the longest run of growing starts is believed, and
//!    what contradicts it is laid out after the believed one before it, at the pace of speech,
//!    in the room that is there (`out_of_order`; `overlaps` if it only starts together with it).
//! 4. An end after the next start: cut there (`overlaps`).
//! 5. No length: as long as its text takes to say, if there is room (`zero_length`).

use serde::Serialize;

/// Milliseconds of speech per column of text: 15 characters a second, a brisk reader.
pub(super) const PACE: u64 = 65;

/// How many times were repaired, by reason; and what of the layout could not be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Repairs {
    /// Started or ended after the end of the audio.
    pub clamped: u32,
    /// Ran into the next one, or started together with it.
    pub overlaps: u32,
    /// Ended before it started.
    pub reversed: u32,
    /// Had no length.
    pub zero_length: u32,
    /// Started before the one before it.
    pub out_of_order: u32,
    /// Text that came without any time and was given one at the pace of speech.
    pub untimed: u32,
    /// Cues that must be read faster than the rules allow. No repair: the speaker is fast.
    pub too_fast: u32,
    /// Cues that stand shorter than the rules allow. No repair.
    pub too_short: u32,
}

impl Repairs {
    /// Repaired times. One word can be counted under more than one reason.
    pub fn total(&self) -> u32 {
        [
            self.clamped,
            self.overlaps,
            self.reversed,
            self.zero_length,
            self.out_of_order,
            self.untimed,
        ]
        .into_iter()
        .fold(0, u32::saturating_add)
    }

    /// Whether there is nothing to tell: no repair, and every cue within the rules.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A stretch of time with the weight of its text, in milliseconds from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) weight: Weight,
}

/// How long a text takes to say, in columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) spoken: u64,
    /// The pause its punctuation makes after it.
    pub(super) pause: u64,
}

impl Weight {
    fn total(self) -> u64 {
        self.spoken.saturating_add(self.pause)
    }
}

/// Applies the rules of this module. Afterwards starts do not fall, no span ends before it
/// starts or after the next one starts, and none ends after `limit`.
pub(super) fn repair(spans: &mut [Span], limit: u64, repairs: &mut Repairs) {
    for span in spans.iter_mut() {
        if span.end < span.start {
            std::mem::swap(&mut span.start, &mut span.end);
            repairs.reversed = repairs.reversed.saturating_add(1);
        } else if span.end == span.start {
            repairs.zero_length = repairs.zero_length.saturating_add(1);
        }
        if span.end > limit {
            span.start = span.start.min(limit);
            span.end = limit;
            repairs.clamped = repairs.clamped.saturating_add(1);
        }
    }
    let anchors = believed(spans);
    let first = anchors.first().copied().unwrap_or(0);
    if first > 0 {
        let until = spans[first].start;
        let from = until.saturating_sub(needed(&spans[..first]));
        repairs.out_of_order = repairs.out_of_order.saturating_add(count(first));
        lay_out(&mut spans[..first], from, until);
    }
    for (idx, &anchor) in anchors.iter().enumerate() {
        let next = anchors.get(idx + 1).copied();
        let until = next.map_or(limit, |next| spans[next].start);
        let end = next.unwrap_or(spans.len());
        settle(&mut spans[anchor..end], until, repairs);
    }
}

/// Settles a believed span and those after it that are not, before `until`.
fn settle(group: &mut [Span], until: u64, repairs: &mut Repairs) {
    let Some((&anchor, followers)) = group.split_first() else {
        return;
    };
    if followers.is_empty() {
        let span = &mut group[0];
        if span.end > until {
            span.end = until;
            repairs.overlaps = repairs.overlaps.saturating_add(1);
        } else if span.end == span.start {
            let spoken = span.weight.spoken.saturating_mul(PACE);
            span.end = span.start.saturating_add(spoken).min(until);
        }
        return;
    }
    let together = followers.iter().filter(|span| span.start == anchor.start);
    let together = count(together.count());
    repairs.overlaps = repairs.overlaps.saturating_add(together);
    repairs.out_of_order = repairs
        .out_of_order
        .saturating_add(count(followers.len()).saturating_sub(together));
    let end = anchor.start.saturating_add(needed(group)).min(until);
    lay_out(group, anchor.start, end);
}

/// Indices of the longest strictly growing run of starts: what the most spans agree on.
pub(super) fn believed(spans: &[Span]) -> Vec<usize> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(spans.len());
    for (idx, span) in spans.iter().enumerate() {
        let place = tails.partition_point(|&tail| spans[tail].start < span.start);
        before.push(place.checked_sub(1).map(|place| tails[place]));
        match tails.get_mut(place) {
            None => tails.push(idx),
            // The earlier of two equal starts stays: what follows is laid out after it.
            Some(tail) if spans[*tail].start > span.start => *tail = idx,
            Some(_) => {}
        }
    }
    let mut run = Vec::with_capacity(tails.len());
    let mut at = tails.last().copied();
    while let Some(idx) = at {
        run.push(idx);
        at = before[idx];
    }
    run.reverse();
    run
}

fn needed(spans: &[Span]) -> u64 {
    let weight = spans
        .iter()
        .fold(0u64, |sum, span| sum.saturating_add(span.weight.total()));
    weight.saturating_mul(PACE)
}

fn lay_out(spans: &mut [Span], from: u64, until: u64) {
    let weights: Vec<_> = spans.iter().map(|span| span.weight).collect();
    for (span, (start, end)) in spans.iter_mut().zip(share(&weights, from, until)) {
        (span.start, span.end) = (start, end);
    }
}

/// The time between `from` and `until` given to texts in proportion to their weights. The
/// pause after the last one is left out.
pub(super) fn share(weights: &[Weight], from: u64, until: u64) -> Vec<(u64, u64)> {
    let sum = weights
        .iter()
        .fold(0u64, |sum, weight| sum.saturating_add(weight.total()));
    let sum = sum.saturating_sub(weights.last().map_or(0, |weight| weight.pause));
    let room = u128::from(until.saturating_sub(from));
    let at = |done: u64| {
        let part = room * u128::from(done.min(sum)) / u128::from(sum.max(1));
        from.saturating_add(u64::try_from(part).unwrap_or(u64::MAX))
    };
    let mut done = 0u64;
    weights
        .iter()
        .map(|weight| {
            let start = at(done);
            let end = at(done.saturating_add(weight.spoken));
            done = done.saturating_add(weight.total());
            (start, end)
        })
        .collect()
}

pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(times: &[(u64, u64)]) -> (Vec<(u64, u64)>, Repairs) {
        let mut spans: Vec<_> = times
            .iter()
            .map(|&(start, end)| Span {
                start,
                end,
                weight: Weight {
                    spoken: 10,
                    pause: 0,
                },
            })
            .collect();
        let mut repairs = Repairs::default();
        repair(&mut spans, 10_000, &mut repairs);
        let times = spans.iter().map(|span| (span.start, span.end)).collect();
        (times, repairs)
    }

    #[test]
    fn sound_times_are_left_alone() {
        let times = [(0, 500), (500, 900), (1_000, 10_000)];

        assert_eq!(repaired(&times), (times.to_vec(), Repairs::default()));
    }

    #[test]
    fn each_rule_repairs_and_counts() {
        let none = Repairs::default();
        for (rule, times, expected, repairs) in [
            (
                "reversed",
                vec![(500, 100)],
                vec![(100, 500)],
                Repairs {
                    reversed: 1,
                    ..none
                },
            ),
            (
                "clamped",
                vec![(9_000, 11_600)],
                vec![(9_000, 10_000)],
                Repairs { clamped: 1, ..none },
            ),
            (
                "overlap",
                vec![(0, 600), (500, 900)],
                vec![(0, 500), (500, 900)],
                Repairs {
                    overlaps: 1,
                    ..none
                },
            ),
            (
                "zero length",
                vec![(0, 0), (5_000, 5_100)],
                vec![(0, 650), (5_000, 5_100)],
                Repairs {
                    zero_length: 1,
                    ..none
                },
            ),
            (
                "together",
                vec![(0, 900), (0, 900), (5_000, 5_100)],
                vec![(0, 650), (650, 1_300), (5_000, 5_100)],
                Repairs {
                    overlaps: 1,
                    ..none
                },
            ),
            (
                "outlier",
                vec![(0, 100), (9_000, 9_100), (200, 300), (400, 500)],
                vec![(0, 100), (100, 200), (200, 300), (400, 500)],
                Repairs {
                    out_of_order: 1,
                    ..none
                },
            ),
            (
                "late first",
                vec![(9_000, 9_100), (1_000, 1_100), (2_000, 2_100)],
                vec![(350, 1_000), (1_000, 1_100), (2_000, 2_100)],
                Repairs {
                    out_of_order: 1,
                    ..none
                },
            ),
        ] {
            assert_eq!(repaired(&times), (expected, repairs), "{rule}");
        }
    }
}
