//! How well a line or a cue ends between two units.

use crate::subtitle::language::Language;
use crate::subtitle::pieces::may_part;
use crate::subtitle::stops::{Stop, stop};
use crate::subtitle::units::Unit;

/// Silence after which a new cue starts whatever the text, in milliseconds.
const LONG_PAUSE: u64 = 1_000;
/// Silence that makes an end better, in milliseconds.
const SHORT_PAUSE: u64 = 300;

/// The place after a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Break {
    /// What it costs to end a line here: 0 after a sentence, [`Break::BAD`] after an article.
    pub(super) cost: u32,
    /// What it costs to run on: two sentences or a pause in one cue.
    pub(super) run_on: u32,
    /// A new cue starts here: another speaker, a long pause, the end.
    pub(super) must: bool,
}

impl Break {
    const CLAUSE: u32 = 15;
    const BEFORE_CONJUNCTION: u32 = 35;
    const PLAIN: u32 = 80;
    /// After an article and the like: only where nothing else is possible.
    pub(super) const BAD: u32 = 1_000;
    /// Inside a word or a number.
    const TORN: u32 = 3_000;
}

/// The places after each of `units`, the last one included.
pub(super) fn breaks(units: &[Unit<'_>], language: Language) -> Vec<Break> {
    let after = |idx: usize| match units.get(idx + 1) {
        Some(next) => between(&units[idx], next, language),
        None => Break {
            cost: 0,
            run_on: 0,
            must: true,
        },
    };
    (0..units.len()).map(after).collect()
}

fn between(unit: &Unit<'_>, next: &Unit<'_>, language: Language) -> Break {
    let pause = next.start.saturating_sub(unit.end);
    let stop = match stop(&unit.text) {
        Some(Stop::Sentence) if next.text.starts_with(char::is_lowercase) => Some(Stop::Clause),
        stop => stop,
    };
    let cost = if !next.spaced && !parts(&unit.text, &next.text) {
        Break::TORN
    } else if stop == Some(Stop::Sentence) {
        0
    } else if stop == Some(Stop::Clause) {
        Break::CLAUSE
    } else if is_one_of(&unit.text, language.clinging) {
        Break::BAD
    } else if is_one_of(&next.text, language.opening) {
        Break::BEFORE_CONJUNCTION
    } else {
        Break::PLAIN
    };
    let paused = pause >= SHORT_PAUSE;
    Break {
        cost: if paused { cost / 2 } else { cost },
        run_on: 40 * u32::from(stop == Some(Stop::Sentence)) + 30 * u32::from(paused),
        must: pause > LONG_PAUSE || unit.speaker != next.speaker,
    }
}

/// Whether two units without a space between them may stand on two lines.
fn parts(before: &str, after: &str) -> bool {
    match (before.chars().next_back(), after.chars().next()) {
        (Some('-' | '–' | '—' | '/'), Some(_)) | (None, _) | (_, None) => true,
        (Some(before), Some(after)) => may_part(before, after),
    }
}

fn is_one_of(text: &str, words: &[&str]) -> bool {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    let lower = bare.to_lowercase();
    words.contains(&lower.as_str())
}
