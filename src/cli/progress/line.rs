//! A tally as one line: the message beside a bar, and the line for logs.

use std::time::Duration;

use crate::cli::progress::tally::{Expected, Tally};
use crate::cli::term;
use crate::domain::NanoUsd;
use crate::worker::Clock;

/// What stands beside the bar.
pub(super) fn message(tally: &Tally, expected: Expected) -> String {
    let mut text = format!("spent {}", tally.spent.display());
    if tally.reserved > NanoUsd::ZERO {
        text.push_str(&format!(" + {} reserved", tally.reserved.display()));
    }
    if let Some(cap) = expected.cap {
        text.push_str(&format!(" of {}", cap.display()));
    }
    for (number, word) in [
        (tally.files, "files done"),
        (tally.retried, "retried"),
        (tally.failed, "failed"),
    ] {
        if number > 0 {
            text.push_str(&format!("  {word} {number}"));
        }
    }
    for (cost, word) in [(tally.wasted, "wasted"), (tally.doubted, "in doubt")] {
        if cost > NanoUsd::ZERO {
            text.push_str(&format!("  {word} {}", cost.display()));
        }
    }
    if !tally.paused.is_empty() {
        text.push_str(&format!(
            "  PAUSED: {}",
            term::clean(&tally.paused.join(", "))
        ));
    }
    let why = why_not_faster(tally);
    if !why.is_empty() {
        text.push_str(&format!("\n{why}"));
    }
    text
}

/// Why it is not faster, for all gates on one line.
fn why_not_faster(tally: &Tally) -> String {
    let lines = tally.pulse.as_ref().map(|pulse| {
        let lines = pulse.lines(|at| Clock::time_of_day(at, pulse.at));
        lines.join("  |  ")
    });
    term::clean(&lines.unwrap_or_default())
}

/// The line for logs: everything on it, nothing redrawn.
pub(super) fn line(tally: &Tally, expected: Expected, elapsed: Duration) -> String {
    let done = tally.requests;
    let percent = (done.min(expected.requests) * 100)
        .checked_div(expected.requests)
        .unwrap_or(100);
    let eta = (done > 0 && done < expected.requests).then(|| {
        let left = f64::from(u32::try_from(expected.requests - done).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(done).unwrap_or(u32::MAX));
        format!(
            " eta={}",
            term::span(elapsed.mul_f64(left)).replace(' ', "")
        )
    });
    format!(
        "{} {done}/{} {percent}% files={} retried={} failed={} doubt={} spent={} reserved={}{}{}{}{}{}",
        clock(elapsed),
        expected.requests,
        tally.files,
        tally.retried,
        tally.failed,
        tally.in_doubt,
        tally.spent.display(),
        tally.reserved.display(),
        part(" wasted=", tally.wasted),
        part(" in_doubt=", tally.doubted),
        expected
            .cap
            .map(|cap| format!(" cap={}", cap.display()))
            .unwrap_or_default(),
        eta.unwrap_or_default(),
        if tally.paused.is_empty() {
            ""
        } else {
            " PAUSED"
        },
    ) + &match why_not_faster(tally) {
        why if why.is_empty() => why,
        why => format!("  {why}"),
    }
}

fn part(word: &str, cost: NanoUsd) -> String {
    if cost > NanoUsd::ZERO {
        format!("{word}{}", cost.display())
    } else {
        String::new()
    }
}

fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds % 3600 / 60,
        seconds % 60
    )
}
