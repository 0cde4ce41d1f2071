//! When cues come and go: with the speech, long enough to be read, never two at once.
//!
//! A cue may stay a while after its words, and come a moment early, where there is
//! silence. What silence cannot give is left, and counted.

use crate::subtitle::repair::Repairs;
use crate::subtitle::rules::CueRules;

/// The most a cue may come before its first word, in milliseconds.
const LEAD: u64 = 500;
/// The most a cue may be late so that the one before it can be read, in milliseconds.
const LATE: u64 = 250;

/// One cue's times in milliseconds, and how much there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) columns: usize,
}

/// Moves `slots`, which are in order and at most `limit` many, so that each ends after it
/// starts, before the next one and at `limit` at the latest, by the rules where possible.
pub(super) fn place(slots: &mut [Slot], rules: &CueRules, limit: u64, repairs: &mut Repairs) {
    push_apart(slots, rules.longest());
    push_back(slots, rules.min_duration.0, limit);
    for idx in 0..slots.len() {
        give_time(slots, idx, rules, limit);
        let stands = slots[idx].end - slots[idx].start;
        if stands < rules.min_duration.0 {
            repairs.too_short = repairs.too_short.saturating_add(1);
        }
        if stands < rules.reading_time(slots[idx].columns) {
            repairs.too_fast = repairs.too_fast.saturating_add(1);
        }
    }
}

/// No overlap, no empty slot, none longer than `longest`.
fn push_apart(slots: &mut [Slot], longest: u64) {
    let mut free = 0;
    for slot in slots {
        slot.start = slot.start.max(free);
        slot.end = slot.end.clamp(slot.start + 1, slot.start + longest);
        free = slot.end;
    }
}

/// Nothing after `limit`: the last slots share what is left, `least` each if there is so much.
fn push_back(slots: &mut [Slot], least: u64, mut limit: u64) {
    for (idx, slot) in slots.iter_mut().enumerate().rev() {
        let n_left = u64::try_from(idx).unwrap_or(u64::MAX).saturating_add(1);
        let fair = least.min(limit / n_left).max(1);
        if slot.end <= limit && (slot.end - slot.start >= fair || slot.end < limit) {
            break;
        }
        slot.end = limit;
        slot.start = slot.start.min(limit - fair);
        limit = slot.start;
    }
}

/// Lets a slot stand as long as its text wants, with the gap of the rules after it: it stays
/// on, comes early, makes the next one late, in this order and as far as there is room. What
/// is still missing then takes the gap, so that the two are chained.
fn give_time(slots: &mut [Slot], idx: usize, rules: &CueRules, limit: u64) {
    let gap = rules.min_gap.0;
    let free = idx.checked_sub(1).map_or(0, |before| slots[before].end);
    let free = if free == 0 {
        0
    } else {
        free.saturating_add(gap)
    };
    let Slot {
        start,
        end,
        columns,
    } = slots[idx];
    let wanted = rules.wanted(columns);
    let next = slots.get(idx + 1).map(|next| next.start);
    let until = next
        .map_or(limit, |next| next.saturating_sub(gap))
        .max(start + 1);
    let end = end.max(start + wanted).min(until);
    let early = end
        .saturating_sub(wanted)
        .max(start.saturating_sub(LEAD))
        .max(free);
    let start = start.min(early);
    slots[idx] = Slot {
        start,
        end,
        columns,
    };
    let Some(next) = next else { return };
    let missing = wanted.saturating_sub(end - start);
    let late = missing.min(LATE).min(spare(slots, idx + 1, rules, limit));
    let later = &mut slots[idx + 1];
    later.start = next + late;
    later.end = later.end.max(later.start + 1);
    let end = end + late;
    let chained = missing > late && later.start - start <= rules.longest();
    slots[idx].end = if chained { later.start } else { end };
}

/// Time a slot does not need up to the one after it.
fn spare(slots: &[Slot], idx: usize, rules: &CueRules, limit: u64) -> u64 {
    let until = slots
        .get(idx + 1)
        .map_or(limit, |next| next.start.saturating_sub(rules.min_gap.0));
    until
        .saturating_sub(slots[idx].start)
        .saturating_sub(rules.wanted(slots[idx].columns).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(times: &[(u64, u64)], limit: u64, expected: &[(u64, u64)]) {
        let mut slots: Vec<_> = times
            .iter()
            .map(|&(start, end)| Slot {
                start,
                end,
                columns: 10,
            })
            .collect();
        place(
            &mut slots,
            &CueRules::default(),
            limit,
            &mut Repairs::default(),
        );
        let times: Vec<_> = slots.iter().map(|slot| (slot.start, slot.end)).collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn a_short_cue_stays_into_the_silence_after_it() {
        check(&[(1_000, 1_100)], 60_000, &[(1_000, 1_833)]);
    }

    #[test]
    fn a_short_cue_before_speech_comes_early_and_makes_the_next_one_late() {
        check(
            &[(5_000, 5_400), (5_400, 9_000)],
            60_000,
            &[(4_500, 5_333), (5_416, 9_000)],
        );
    }

    #[test]
    fn cues_that_nearly_touch_get_the_gap() {
        check(
            &[(0, 2_000), (2_010, 4_000)],
            60_000,
            &[(0, 1_927), (2_010, 4_000)],
        );
    }

    #[test]
    fn what_lies_past_the_end_shares_the_last_seconds() {
        check(
            &[(0, 9_500), (10_000, 10_000), (10_000, 10_000)],
            10_000,
            &[(0, 7_000), (8_251, 9_084), (9_167, 10_000)],
        );
    }

    #[test]
    fn where_there_is_no_room_cues_are_chained_and_counted() {
        let mut slots = [(0, 400), (400, 800), (800, 5_000)].map(|(start, end)| Slot {
            start,
            end,
            columns: 10,
        });
        let mut repairs = Repairs::default();

        place(&mut slots, &CueRules::default(), 60_000, &mut repairs);

        assert_eq!(
            slots.map(|slot| (slot.start, slot.end)),
            [(0, 400), (400, 1_050), (1_050, 5_000)]
        );
        assert_eq!(repairs.too_short, 2);
    }
}
