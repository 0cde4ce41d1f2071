//! Loops that nobody could have said in their time: they stand together, however much they are.
//!
//! A model that has lost its way says the same sentence hundreds of times in no time. All of it stays
//! in the file; but it must not push away the cues of what was really said before it.

use std::ops::Range;

use crate::subtitle::breaks::Break;
use crate::subtitle::units::Unit;

/// Fewest units that make a crowd.
const MANY: usize = 40;
/// Milliseconds a unit takes at least: two hundred words a second are no speech.
const FASTEST: u64 = 5;

/// Longest loop in units.
const LONGEST_LOOP: usize = 30;

/// Longest runs of units that have less than [`FASTEST`] each and say the same again and again.
pub(super) fn crowds(units: &[Unit<'_>]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < units.len() {
        let begin = units[at].start;
        let fits = |(idx, unit): &(usize, &Unit<'_>)| {
            let count = u64::try_from(*idx).unwrap_or(u64::MAX).saturating_add(1);
            unit.end <= begin.saturating_add(count.saturating_mul(FASTEST))
        };
        let count = units[at..].iter().enumerate().take_while(fits).count();
        if count >= MANY && is_loop(&units[at..at + count]) {
            found.push(at..at + count);
        }
        at += count.max(1);
    }
    found
}

/// Whether `units` say the same four times or more.
fn is_loop(units: &[Unit<'_>]) -> bool {
    (1..=LONGEST_LOOP.min(units.len() / 4)).any(|period| {
        let again = units.iter().zip(&units[period..]);
        again.into_iter().all(|(one, next)| one.text == next.text)
    })
}

/// Ends a cue before and after each crowd.
pub(super) fn part(crowds: &[Range<usize>], breaks: &mut [Break]) {
    for crowd in crowds {
        for last in [crowd.start.checked_sub(1), crowd.end.checked_sub(1)] {
            if let Some(place) = last.and_then(|last| breaks.get_mut(last)) {
                place.must = true;
            }
        }
    }
}

/// `groups` with those of each crowd put together.
pub(super) fn gather(crowds: &[Range<usize>], groups: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::with_capacity(groups.len());
    for group in groups {
        let is_inside = |crowd: &&Range<usize>| crowd.contains(&group.start);
        let crowd = crowds.iter().find(is_inside);
        match out.last_mut() {
            Some(last) if crowd.is_some_and(|crowd| crowd.contains(&last.start)) => {
                last.end = group.end;
            }
            _ => out.push(group),
        }
    }
    out
}
