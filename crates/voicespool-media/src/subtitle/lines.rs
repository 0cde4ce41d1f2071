//! The lines of one cue: as few as hold it, ended where a reader would pause, of about
//! equal width, rather longer below than above.

use std::ops::Range;

use crate::subtitle::breaks::Break;
use crate::subtitle::clean;
use crate::subtitle::group::{MOST_UNITS, Widths};
use crate::subtitle::rules::CueRules;
use crate::subtitle::units::Unit;

/// The text of `units[cue]`, line by line. Lines that would be empty are left out.
pub(super) fn lines(
    units: &[Unit<'_>],
    breaks: &[Break],
    widths: &Widths,
    cue: Range<usize>,
    rules: &CueRules,
) -> Vec<String> {
    let ranges = (1..=rules.lines())
        .find_map(|n_lines| balanced(breaks, widths, cue.clone(), n_lines, rules.columns()))
        .unwrap_or_else(|| filled(widths, cue, rules.columns()));
    ranges
        .into_iter()
        .map(|range| join(&units[range]))
        .filter(|line| !line.is_empty())
        .collect()
}

fn join(units: &[Unit<'_>]) -> String {
    let mut line = String::new();
    for unit in units {
        if unit.spaced && !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&unit.text);
    }
    // `--` and `>` of two units make an arrow only now.
    clean::line(&line).into_owned()
}

/// The cheapest way to part `cue` into `n_lines`, or `None` if it does not fit.
fn balanced(
    breaks: &[Break],
    widths: &Widths,
    cue: Range<usize>,
    n_lines: usize,
    max_columns: usize,
) -> Option<Vec<Range<usize>>> {
    if cue.len() > MOST_UNITS || n_lines > cue.len().max(1) {
        return None;
    }
    let target = widths.columns(cue.start, cue.end) / n_lines;
    let fits = |from: usize, to: usize| widths.columns(from, to) <= max_columns || to == from + 1;
    // For each number of units laid out so far: the cost, and where the last line starts.
    let mut ends: Vec<Vec<Option<(u32, usize)>>> = vec![vec![None; cue.len() + 1]];
    ends[0][0] = Some((0, 0));
    for nth in 1..=n_lines {
        let mut row = vec![None; cue.len() + 1];
        for (at, cost) in ends[nth - 1].iter().enumerate() {
            let Some((cost, _)) = cost else { continue };
            for to in at + 1..=cue.len() {
                if !fits(cue.start + at, cue.start + to) {
                    break;
                }
                let columns = widths.columns(cue.start + at, cue.start + to);
                let end = if nth == n_lines {
                    0
                } else {
                    breaks[cue.start + to - 1].cost
                };
                let top_heavy = nth < n_lines && columns > target;
                let uneven =
                    columns.abs_diff(target) * 100 / target.max(1) + usize::from(top_heavy) * 5;
                let cost = cost
                    .saturating_add(end)
                    .saturating_add(u32::try_from(uneven).unwrap_or(u32::MAX));
                if row[to].is_none_or(|(least, _)| cost < least) {
                    row[to] = Some((cost, at));
                }
            }
        }
        ends.push(row);
    }
    let mut ranges = Vec::with_capacity(n_lines);
    let mut to = cue.len();
    for row in ends[1..].iter().rev() {
        let (_, at) = row[to]?;
        ranges.push(cue.start + at..cue.start + to);
        to = at;
    }
    ranges.reverse();
    Some(ranges)
}

/// Lines filled one after the other, as many as it takes: for cues that had to be merged.
fn filled(widths: &Widths, cue: Range<usize>, max_columns: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = cue.start;
    for to in cue.start + 1..=cue.end {
        if to > start + 1 && widths.columns(start, to) > max_columns {
            ranges.push(start..to - 1);
            start = to - 1;
        }
    }
    ranges.push(start..cue.end);
    ranges
}
