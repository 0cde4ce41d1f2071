//! Which units stand together in a cue: the cheapest way through the text, found exactly
//! (dynamic programming), not greedily, so that one cue does not eat the good end of the next.
//!
//! Time and memory grow with the number of units, not with its square: a cue holds at
//! most [`MOST_UNITS`].

use std::ops::Range;

use crate::subtitle::breaks::Break;
use crate::subtitle::rules::CueRules;
use crate::subtitle::units::Unit;

/// Units in one cue at most: more than two lines hold, and a bound for text without width.
pub(super) const MOST_UNITS: usize = 256;

/// Any cue at all: fewer, fuller cues are better.
const CUE: u64 = 100;
/// A cue of very few columns.
const SCANTY: u64 = 40;
/// A cue that has no time to stand, in proportion to what is missing.
const SHORT: u64 = 400;
/// A cue that has no time to be read, in proportion to what is missing.
const FAST: u64 = 300;

/// The units of each cue. Every unit is in exactly one, in order; there are at most
/// `limit` of them (a cue lasts a millisecond at least), whatever that does to the layout.
pub(super) fn group(
    units: &[Unit<'_>],
    breaks: &[Break],
    rules: &CueRules,
    limit: u64,
) -> Vec<Range<usize>> {
    let widths = Widths::of(units);
    let mut groups = Vec::new();
    let mut start = 0;
    while start < units.len() {
        let ahead = breaks[start..].iter().position(|place| place.must);
        let end = ahead.map_or(units.len(), |ahead| start + ahead + 1);
        let layout = Layout {
            units,
            breaks,
            widths: &widths,
            rules,
            block: start..end,
            limit,
        };
        groups.extend(layout.cheapest());
        start = end;
    }
    merge(groups, usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Neighbours put together until there are at most `most`.
fn merge(groups: Vec<Range<usize>>, most: usize) -> Vec<Range<usize>> {
    if groups.len() <= most {
        return groups;
    }
    let size = groups.len().div_ceil(most.max(1));
    groups
        .chunks(size)
        .filter_map(|chunk| Some(chunk.first()?.start..chunk.last()?.end))
        .collect()
}

/// Columns of any range of units at once.
#[derive(Debug)]
pub(super) struct Widths {
    sums: Vec<usize>,
    spaced: Vec<bool>,
}

impl Widths {
    pub(super) fn of(units: &[Unit<'_>]) -> Self {
        let mut sum = 0;
        let mut sums = vec![0];
        for unit in units {
            sum += unit.columns + usize::from(unit.spaced);
            sums.push(sum);
        }
        let spaced = units.iter().map(|unit| unit.spaced).collect();
        Self { sums, spaced }
    }

    /// Columns of units `from..to` on one line; there is no space before the first.
    pub(super) fn columns(&self, from: usize, to: usize) -> usize {
        let space = self.spaced.get(from).copied().unwrap_or(false);
        (self.sums[to] - self.sums[from]).saturating_sub(usize::from(space && to > from))
    }
}

/// One stretch of units that has no forced break inside.
struct Layout<'a> {
    units: &'a [Unit<'a>],
    breaks: &'a [Break],
    widths: &'a Widths,
    rules: &'a CueRules,
    block: Range<usize>,
    limit: u64,
}

impl Layout<'_> {
    fn cheapest(&self) -> Vec<Range<usize>> {
        let Range { start, end } = self.block;
        // Cheapest cost of laying out everything before a unit, and where its last cue starts.
        let mut best: Vec<(u64, usize)> = vec![(u64::MAX, start); end - start + 1];
        best[0].0 = 0;
        for from in start..end {
            let (before, _) = best[from - start];
            for (idx, lines) in self.line_costs(from).into_iter().enumerate() {
                let to = from + idx + 1;
                let Some(lines) = lines else { continue };
                if to > from + 1
                    && self.units[to - 1]
                        .end
                        .saturating_sub(self.units[from].start)
                        > self.rules.longest()
                {
                    break;
                }
                let cost = before
                    .saturating_add(u64::from(lines))
                    .saturating_add(self.cost(from, to));
                if cost < best[to - start].0 {
                    best[to - start] = (cost, from);
                }
            }
        }
        let mut groups = Vec::new();
        let mut to = end;
        while to > start {
            let from = best[to - start].1;
            groups.push(from..to);
            to = from;
        }
        groups.reverse();
        groups
    }

    /// What the cue `from..to` costs, apart from its lines.
    fn cost(&self, from: usize, to: usize) -> u64 {
        let start = self.units[from].start;
        let next = self.units.get(to).map_or(self.limit, |next| next.start);
        let stands = next.saturating_sub(start).min(self.rules.longest());
        let columns = self.widths.columns(from, to);
        let run_on: u32 = self.breaks[from..to - 1]
            .iter()
            .map(|place| place.run_on)
            .sum();
        let scanty = self.rules.columns() / 3;
        let missing = scanty.saturating_sub(columns);
        CUE + u64::from(self.breaks[to - 1].cost)
            + u64::from(run_on)
            + SCANTY * u64::try_from(missing).unwrap_or(0)
                / u64::try_from(scanty.max(1)).unwrap_or(1)
            + lack(SHORT, self.rules.min_duration.0, stands)
            + lack(FAST, self.rules.reading_time(columns), stands)
    }

    /// For each length of a cue that starts at `from`: the least cost of its line ends, or
    /// `None` where it fits no number of lines. One unit always fits.
    fn line_costs(&self, from: usize) -> Vec<Option<u32>> {
        let most = self.block.end.min(from + MOST_UNITS) - from;
        let fits =
            |a: usize, b: usize| self.widths.columns(from + a, from + b) <= self.rules.columns();
        let one = (1..=most).take_while(|&to| to == 1 || fits(0, to)).count();
        // `ends[n]`: least cost of filling the lines so far with the first n units.
        let mut ends: Vec<Option<u32>> = vec![Some(0); one + 1];
        ends[0] = None;
        let mut costs = ends.clone();
        for _ in 1..self.rules.lines() {
            let mut longer: Vec<Option<u32>> = vec![None; ends.len()];
            for (idx, cost) in ends.iter().enumerate() {
                let Some(cost) = cost else { continue };
                let cost = cost.saturating_add(self.breaks[from + idx - 1].cost);
                for to in idx + 1..=most {
                    if to > idx + 1 && !fits(idx, to) {
                        break;
                    }
                    if to >= longer.len() {
                        longer.resize(to + 1, None);
                    }
                    longer[to] = Some(longer[to].map_or(cost, |least| least.min(cost)));
                }
            }
            for (to, cost) in longer.iter().enumerate() {
                if to >= costs.len() {
                    costs.push(*cost);
                } else if costs[to].is_none() {
                    costs[to] = *cost;
                }
            }
            ends = longer;
        }
        costs.remove(0);
        costs
    }
}

/// `weight` in proportion to what `has` lacks of `needs`.
fn lack(weight: u64, needs: u64, has: u64) -> u64 {
    let lacking = u128::from(weight) * u128::from(needs.saturating_sub(has));
    u64::try_from(lacking / u128::from(needs.max(1))).unwrap_or(weight)
}
