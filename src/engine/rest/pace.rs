//! What an answer's headers say about pace: how long to wait, and how fast is allowed.
//!
//! The only reader of these headers. Pure: a date is compared with the answer's own
//! `Date`, so no clock is read and a wrong one does no harm.
//!
//! How the wait is found ([`wait`]):
//! - `retry-after-ms` is the finer spelling of `Retry-After`, so where it can be read it
//!   replaces it. (The providers' SDKs read them in this order.)
//! - `x-ratelimit-reset` is another statement, of when the window ends; the longer of the
//!   two holds. Waiting a little too long costs seconds, coming back too early is
//!   throttled again.
//! - A header that is there twice counts with its longest value.
//! - What cannot be read, is negative or is no number is no wish at all, never zero: a
//!   provider that writes rubbish did not ask to be called again at once. A date in the
//!   past is a wish, and means now.
//! - No wish is obeyed for longer than [`MAX_RETRY_AFTER`].

use std::ops::Range;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use crate::engine::StatedLimit;
use crate::engine::delay::MAX_RETRY_AFTER;

/// A number of seconds in here is a date (2001 to 2096), not a wait.
const EPOCH_SECONDS: Range<f64> = 1e9..4e9;

/// The same in milliseconds (2008 to 2096).
const EPOCH_MILLIS: Range<f64> = 1.2e12..4e12;

/// The three date formats of HTTP (RFC 9110, 5.6.7): IMF-fixdate, RFC 850, asctime.
const DATE_FORMATS: [&str; 3] = [
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

/// Limits counted per second: Together's, until late 2025 and (`-dynamic`) early 2026. Its
/// unit for the dynamic one was never published; per second is the looser reading, and a
/// bound that is too loose does no harm.
const PER_SECOND: [&str; 2] = ["x-ratelimit-limit", "x-ratelimit-limit-dynamic"];

/// Limits counted per minute: OpenAI's. (Groq counts the same name per day, which this
/// reads too loosely and so harmlessly.)
const PER_MINUTE: [&str; 1] = ["x-ratelimit-limit-requests"];

/// What is left of the limit in this window.
const REMAINING: [&str; 3] = [
    "x-ratelimit-remaining",
    "x-ratelimit-remaining-dynamic",
    "x-ratelimit-remaining-requests",
];

/// When the window ends; the second is OpenAI's (`6m0s`).
const RESET: [&str; 2] = ["x-ratelimit-reset", "x-ratelimit-reset-requests"];

/// The wait that headers ask for, 0 to 15 min; of headers as name and value; what no header can hold is left out.
pub fn read_wait(lines: &[(&str, &str)]) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    wait(&headers)
}

/// The wait the answer's headers ask for, 0 to 15 min.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let now = date_of(headers);
    let retry = longest(headers, "retry-after-ms", |text| {
        Some(number(text)? / 1000.0)
    })
    .or_else(|| longest(headers, RETRY_AFTER.as_str(), |text| wish(text, now)));
    let reset = longest(headers, RESET[0], |text| wish(text, now));
    let seconds = retry.into_iter().chain(reset).reduce(f64::max)?;
    Some(Duration::from_secs_f64(
        seconds.clamp(0.0, MAX_RETRY_AFTER.as_secs_f64()),
    ))
}

/// The limit the answer's headers state: an upper bound for the pace. The smallest of
/// several holds; zeros and rubbish are no limit.
pub(super) fn stated(headers: &HeaderMap) -> StatedLimit {
    let limits = |names: &'static [&'static str], seconds: f64| {
        names
            .iter()
            .flat_map(|name| texts(headers, name))
            .filter_map(number)
            .filter(|limit| *limit > 0.0)
            .map(move |limit| limit / seconds)
    };
    let per_second = limits(&PER_SECOND, 1.0)
        .chain(limits(&PER_MINUTE, 60.0))
        .reduce(f64::min);
    let is_used_up = REMAINING
        .iter()
        .flat_map(|name| texts(headers, name))
        .filter_map(number)
        .any(|left| left < 1.0);
    let now = date_of(headers);
    let reset = RESET
        .iter()
        .filter_map(|name| longest(headers, name, |text| wish(text, now)))
        .reduce(f64::max)
        .filter(|_| is_used_up);
    StatedLimit {
        per_second,
        used_up_for: reset.map(|seconds| {
            Duration::from_secs_f64(seconds.clamp(0.0, MAX_RETRY_AFTER.as_secs_f64()))
        }),
    }
}

fn texts<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .map(str::trim)
}

fn longest(headers: &HeaderMap, name: &str, read: impl Fn(&str) -> Option<f64>) -> Option<f64> {
    texts(headers, name).filter_map(read).reduce(f64::max)
}

/// Seconds from now: a number of them (`120`, `0.5`), a span as OpenAI writes it (`6m0s`,
/// `250ms`), seconds or milliseconds since 1970, or a date of HTTP or of RFC 3339.
fn wish(text: &str, now: Option<f64>) -> Option<f64> {
    if let Some(seconds) = number(text) {
        return if EPOCH_SECONDS.contains(&seconds) {
            Some((seconds - now?).max(0.0))
        } else if EPOCH_MILLIS.contains(&seconds) {
            Some((seconds / 1000.0 - now?).max(0.0))
        } else {
            Some(seconds)
        };
    }
    let span = humantime::parse_duration(text).ok();
    let at = || {
        let stamp = text.parse::<jiff::Timestamp>().ok();
        let seconds = stamp.map(|stamp| stamp.as_duration().as_secs_f64());
        Some((seconds.or_else(|| date(text))? - now?).max(0.0))
    };
    span.map(|span| span.as_secs_f64()).or_else(at)
}

/// A number that is finite and not negative, written in digits.
fn number(text: &str) -> Option<f64> {
    // `f64` also reads words like `inf` and `nan`.
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    if !text.chars().all(digits) {
        return None;
    }
    // A number too large for any type is a number, and is bounded like every large one.
    text.parse::<f64>()
        .ok()
        .map(|value| value.min(f64::MAX))
        .filter(|value| *value >= 0.0 && !value.is_sign_negative())
}

fn date_of(headers: &HeaderMap) -> Option<f64> {
    texts(headers, DATE.as_str()).find_map(date)
}

/// A date of HTTP as seconds since 1970. The end of the year 9999, which some send for
/// "never", is one that no timestamp holds.
fn date(text: &str) -> Option<f64> {
    let at: DateTime = DATE_FORMATS.iter().find_map(|format| {
        let fields = BrokenDownTime::parse(format, text).ok()?;
        fields.to_datetime().ok()
    })?;
    let seconds = at.to_zoned(TimeZone::UTC).map_or(f64::MAX, |zoned| {
        zoned.timestamp().as_duration().as_secs_f64()
    });
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: (&str, &str) = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        headers
    }

    #[track_caller]
    fn check(lines: &[(&str, &str)], seconds: Option<f64>) {
        let expected = seconds.map(Duration::from_secs_f64);
        assert_eq!(wait(&headers(lines)), expected, "{lines:?}");
    }

    #[test]
    fn every_spelling_of_a_wait_is_understood() {
        for (value, seconds) in [
            ("0", 0.0),
            ("7", 7.0),
            (" 0.25 ", 0.25),
            ("1e1", 10.0),
            ("1s", 1.0),
            ("6m0s", 360.0),
            ("250ms", 0.25),
            ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
            ("Sunday, 22-Nov-26 10:00:30 GMT", 30.0),
            ("Sun Nov 22 10:00:30 2026", 30.0),
            // The past: now.
            ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
            // Seconds since 1970.
            ("1795341605", 5.0),
            ("1795341605250", 5.25),
            ("2026-11-22T10:00:05Z", 5.0),
            ("2026-11-22T11:00:05.5+01:00", 5.5),
        ] {
            check(&[NOW, ("retry-after", value)], Some(seconds));
            check(&[NOW, ("x-ratelimit-reset", value)], Some(seconds));
        }
        check(&[("retry-after-ms", "1500")], Some(1.5));
        check(&[], None);
    }

    #[test]
    fn the_finer_spelling_replaces_the_coarse_one_and_the_longer_statement_holds() {
        check(
            &[("retry-after", "2"), ("retry-after-ms", "1250")],
            Some(1.25),
        );
        check(
            &[("retry-after", "2"), ("retry-after-ms", "soon")],
            Some(2.0),
        );
        check(
            &[("retry-after", "1"), ("x-ratelimit-reset", "3")],
            Some(3.0),
        );
        check(
            &[("retry-after", "5"), ("x-ratelimit-reset", "3")],
            Some(5.0),
        );
        check(
            &[("retry-after-ms", "200"), ("x-ratelimit-reset", "3")],
            Some(3.0),
        );
        check(&[("retry-after", "1"), ("retry-after", "4")], Some(4.0));
    }

    #[test]
    fn absurd_wishes_are_bounded_to_a_quarter_of_an_hour() {
        for value in [
            "900.5",
            "999999999",
            "1000000000000",
            "99999999999999999999999999",
            "1e400",
            "48h",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            check(&[NOW, ("retry-after", value)], Some(900.0));
        }
    }

    #[test]
    fn nonsense_is_no_wish_at_all() {
        for value in [
            "",
            " ",
            "soon",
            "-3",
            "-0.0",
            "nan",
            "NaN",
            "inf",
            "-inf",
            "infinity",
            "e",
            "1,5",
            "0x10",
            "5 minutes ago",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "\u{661}\u{662}",
            "\u{ff}",
        ] {
            check(&[NOW, ("retry-after", value)], None);
            check(&[NOW, ("retry-after-ms", value)], None);
            check(&[NOW, ("x-ratelimit-reset", value)], None);
        }
        // A date without a `Date` to compare it with.
        check(&[("retry-after", "Sun, 22 Nov 2026 10:00:30 GMT")], None);
        check(&[("retry-after", "1795341605")], None);
        check(
            &[
                ("date", "yesterday"),
                ("retry-after", "Sun, 22 Nov 2026 10:00:30 GMT"),
            ],
            None,
        );
    }

    #[track_caller]
    fn check_stated(lines: &[(&str, &str)], per_second: Option<f64>, used_up_for: Option<f64>) {
        let expected = StatedLimit {
            per_second,
            used_up_for: used_up_for.map(Duration::from_secs_f64),
        };
        assert_eq!(stated(&headers(lines)), expected, "{lines:?}");
    }

    #[test]
    fn a_stated_limit_is_read_in_its_unit_and_the_smallest_holds() {
        check_stated(&[], None, None);
        check_stated(&[("x-ratelimit-limit", "10")], Some(10.0), None);
        check_stated(&[("x-ratelimit-limit-requests", "300")], Some(5.0), None);
        check_stated(
            &[
                ("x-ratelimit-limit", "10"),
                ("x-ratelimit-limit-dynamic", "4.5"),
            ],
            Some(4.5),
            None,
        );
    }

    #[test]
    fn a_used_up_window_says_until_when() {
        let limit = ("x-ratelimit-limit", "10");
        check_stated(
            &[
                limit,
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "2.5"),
            ],
            Some(10.0),
            Some(2.5),
        );
        check_stated(
            &[
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "1m30s"),
            ],
            None,
            Some(90.0),
        );
        check_stated(
            &[
                limit,
                ("x-ratelimit-remaining", "3"),
                ("x-ratelimit-reset", "2.5"),
            ],
            Some(10.0),
            None,
        );
        check_stated(&[limit, ("x-ratelimit-remaining", "0")], Some(10.0), None);
    }

    #[test]
    fn a_nonsensical_limit_bounds_nothing() {
        for value in [
            "0",
            "-1",
            "nan",
            "inf",
            "many",
            "",
            "10 per second",
            "\u{ff}",
        ] {
            check_stated(
                &[
                    ("x-ratelimit-limit", value),
                    ("x-ratelimit-limit-requests", value),
                    ("x-ratelimit-reset", "junk"),
                ],
                None,
                None,
            );
        }
    }
}
