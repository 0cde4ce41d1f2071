//! How long the provider asks us to wait, from whichever header it uses.
//!
//! `retry-after-ms`, `Retry-After` (seconds or any of the three HTTP dates) and `x-ratelimit-reset`
//! (seconds, or seconds since 1970) are read; the longest wins. A date is compared with
//! the answer's own `Date`, so no clock is read and a wrong one does no harm. Nonsense
//! (negative, NaN, infinite) is no wish at all.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::domain::UtcMillis;
use crate::engine::retry_after::http_date;

/// No provider is obeyed for longer than this in one go.
const LONGEST: Duration = Duration::from_mins(15);

/// From here on a number of seconds is a date, not a wait: 2001-09-09.
const FIRST_EPOCH_SECONDS: f64 = 1e9;

/// The wait the answer's headers ask for, clamped to 0–15 min.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let now = text(DATE.as_str()).and_then(epoch_seconds);
    let wishes = [
        text("retry-after-ms")
            .and_then(number)
            .map(|millis| millis / 1000.0),
        text(RETRY_AFTER.as_str())
            .and_then(|value| number(value).or_else(|| Some(epoch_seconds(value)? - now?))),
        text("x-ratelimit-reset")
            .and_then(number)
            .and_then(|value| {
                if value >= FIRST_EPOCH_SECONDS {
                    Some(value - now?)
                } else {
                    Some(value)
                }
            }),
    ];
    let longest = wishes.into_iter().flatten().reduce(f64::max)?;
    let bounded = longest.clamp(0.0, LONGEST.as_secs_f64());
    Some(Duration::from_secs_f64(bounded))
}

/// A finite number that is not negative.
fn number(text: &str) -> Option<f64> {
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite() && *value >= 0.0)
}

/// An HTTP date as seconds since 1970.
fn epoch_seconds(text: &str) -> Option<f64> {
    let since = http_date(text)?.since(UtcMillis(0));
    Some(since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn asked(lines: &[(&str, &str)]) -> Option<Duration> {
        let headers = lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect();
        wait(&headers)
    }

    #[test]
    fn every_spelling_of_a_wait_is_understood() {
        let seconds = |seconds| Some(Duration::from_secs_f64(seconds));
        let now = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        for (lines, expected) in [
            (vec![], None),
            (vec![("retry-after", "7")], seconds(7.0)),
            (vec![("retry-after", " 0.25 ")], seconds(0.25)),
            (vec![("retry-after-ms", "1500")], seconds(1.5)),
            (vec![("x-ratelimit-reset", "2.5")], seconds(2.5)),
            (
                vec![("retry-after", "1"), ("x-ratelimit-reset", "3")],
                seconds(3.0),
            ),
            (
                vec![now, ("retry-after", "Sun, 22 Nov 2026 10:00:30 GMT")],
                seconds(30.0),
            ),
            (
                vec![now, ("retry-after", "Sun, 22 Nov 2026 09:00:00 GMT")],
                seconds(0.0),
            ),
            (vec![now, ("x-ratelimit-reset", "1795341605")], seconds(5.0)),
            (
                vec![now, ("retry-after", "Sunday, 22-Nov-26 10:00:30 GMT")],
                seconds(30.0),
            ),
            (
                vec![now, ("retry-after", "Sun Nov 22 10:00:30 2026")],
                seconds(30.0),
            ),
            (
                vec![now, ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")],
                Some(LONGEST),
            ),
        ] {
            assert_eq!(asked(&lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn absurd_wishes_are_bounded_or_ignored() {
        for (value, expected) in [
            ("1000000000000", Some(LONGEST)),
            ("900.5", Some(LONGEST)),
            ("-3", None),
            ("NaN", None),
            ("inf", None),
            ("1e999", None),
            ("soon", None),
            ("", None),
            // A date without a `Date` to compare it with.
            ("Sun, 22 Nov 2026 10:00:30 GMT", None),
        ] {
            assert_eq!(asked(&[("retry-after", value)]), expected, "{value}");
        }
    }
}
