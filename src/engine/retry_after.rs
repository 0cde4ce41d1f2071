//! Reads the wait a provider asks for: `Retry-After` and `x-ratelimit-reset`.
//!
//! Pure; the caller says what time it is. What cannot be read is `None`, never zero: a
//! provider that asks for something unreadable asked for a pause, not for none.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use crate::domain::UtcMillis;

/// The longest wait that is obeyed; a longer one is cut to this.
pub const MAX_RETRY_AFTER: Duration = Duration::from_mins(15);

/// The three date formats of HTTP (RFC 9110, 5.6.7): IMF-fixdate, RFC 850, asctime.
const DATE_FORMATS: [&str; 3] = [
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

/// The wait that `value` asks for, 0 to 15 min: a number of seconds (`120`, `0.5`), a
/// span as OpenAI writes it (`6m0s`, `250ms`) or an HTTP date. The past is zero.
pub fn parse_retry_after(value: &str, now: UtcMillis) -> Option<Duration> {
    let value = value.trim();
    let wait = seconds(value)
        .or_else(|| humantime::parse_duration(value).ok())
        .or_else(|| http_date(value).map(|then| then.since(now)))?;
    Some(wait.min(MAX_RETRY_AFTER))
}

fn seconds(value: &str) -> Option<Duration> {
    // `f64` also reads words like `inf` and `nan`.
    if value.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E')) {
        return None;
    }
    let seconds: f64 = value.parse().ok()?;
    Some(Duration::from_secs_f64(
        seconds.clamp(0.0, MAX_RETRY_AFTER.as_secs_f64()),
    ))
}

/// A time in any of the three formats of HTTP. The last day of the year 9999, which some
/// send for "never", is later than every other.
pub fn http_date(value: &str) -> Option<UtcMillis> {
    let at: DateTime = DATE_FORMATS.iter().find_map(|format| {
        let fields = BrokenDownTime::parse(format, value).ok()?;
        fields.to_datetime().ok()
    })?;
    let millis = at
        .to_zoned(TimeZone::UTC)
        .map_or(i64::MAX, |zoned| zoned.timestamp().as_millisecond());
    Some(UtcMillis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06 08:49:00 UTC, 37 s before the example of the RFC.
    const NOW: UtcMillis = UtcMillis(784_111_740_000);

    fn check(value: &str, millis: Option<u64>) {
        assert_eq!(
            parse_retry_after(value, NOW),
            millis.map(Duration::from_millis),
            "{value}"
        );
    }

    #[test]
    fn seconds_are_read_and_clamped() {
        for (value, millis) in [
            ("0", 0),
            ("30", 30_000),
            (" 7 ", 7_000),
            ("0.25", 250),
            ("1e1", 10_000),
            ("-5", 0),
            ("-0.0", 0),
            ("901", 900_000),
            ("1000000000000", 900_000),
            ("1e400", 900_000),
            ("99999999999999999999999999", 900_000),
            ("1s", 1_000),
            ("6m0s", 360_000),
            ("250ms", 250),
            ("48h", 900_000),
        ] {
            check(value, Some(millis));
        }
    }

    #[test]
    fn the_three_dates_of_http_are_read() {
        for value in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            check(value, Some(37_000));
        }
        check("Sun, 06 Nov 1994 08:48:00 GMT", Some(0));
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(900_000));
    }

    #[test]
    fn nonsense_is_no_wait_at_all() {
        for value in [
            "",
            " ",
            "soon",
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
            "2026-11-22T10:00:00Z",
            "\u{661}\u{662}",
            "Sun, 06 Nov 1994",
        ] {
            check(value, None);
        }
    }
}
