//! The only reader of the wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use crate::domain::UtcMillis;

/// Wall-clock time. A copyable value, so that whoever needs the time says so in its
/// signature.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// The time it showed at an instant of tokio's, if it moves with tokio.
    follows: Option<(UtcMillis, Instant)>,
}

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self { follows: None }
    }

    /// A clock that shows `start` now and moves with tokio's time, which can be moved: for a
    /// whole run in virtual time.
    pub fn moved_by_tokio(start: UtcMillis) -> Self {
        Self {
            follows: Some((start, Instant::now())),
        }
    }

    /// Now. A clock set before 1970 reads as 1970.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    pub fn now(self) -> UtcMillis {
        if let Some((start, at)) = self.follows {
            return start.after(at.elapsed());
        }
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UtcMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// When it is next `time` of day after `now`, in the zone of this machine. A time that
    /// daylight saving skips is the moment it is skipped at.
    pub fn next(now: UtcMillis, time: Time) -> Option<UtcMillis> {
        let now = Timestamp::from_millisecond(now.0)
            .ok()?
            .to_zoned(TimeZone::system());
        let today = now
            .date()
            .to_datetime(time)
            .to_zoned(now.time_zone().clone())
            .ok()?;
        let next = if today > now {
            today
        } else {
            now.date()
                .tomorrow()
                .ok()?
                .to_datetime(time)
                .to_zoned(now.time_zone().clone())
                .ok()?
        };
        Some(UtcMillis(next.timestamp().as_millisecond()))
    }

    /// `at` as a time of day in the zone of this machine, for people: `02:14`, with seconds
    /// (`02:14:05`) when it is less than ten minutes from `now`, with the date when it is more
    /// than half a day.
    pub fn time_of_day(at: UtcMillis, now: UtcMillis) -> String {
        let Ok(time) = Timestamp::from_millisecond(at.0) else {
            return format!("{} ms", at.0);
        };
        let away = at.since(now).max(now.since(at));
        let format = match away.as_secs() {
            0..600 => "%H:%M:%S",
            600..43_200 => "%H:%M",
            _ => "%Y-%m-%d %H:%M",
        };
        time.to_zoned(TimeZone::system())
            .strftime(format)
            .to_string()
    }

    /// A number in `0.0..1.0` for jitter: unpredictable enough to spread retries, and no
    /// secret depends on it.
    pub fn jitter(self) -> f64 {
        use std::hash::{BuildHasher, RandomState};
        let random = RandomState::new().hash_one(0u8);
        f64::from(u32::try_from(random >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_clock_moved_by_tokio_shows_virtual_time() {
        let clock = Clock::moved_by_tokio(UtcMillis(5));

        tokio::time::advance(Duration::from_hours(6)).await;

        assert_eq!(clock.now(), UtcMillis(5 + 6 * 3_600_000));
        assert!(Clock::system().now() > clock.now());
    }

    #[test]
    fn a_time_is_told_as_exactly_as_its_distance_asks_for() {
        let now = UtcMillis(1_795_000_000_000);
        for (seconds, length) in [(5, 8), (3600, 5), (86_400, 16)] {
            let at = now.after(Duration::from_secs(seconds));
            assert_eq!(Clock::time_of_day(at, now).len(), length);
            assert_eq!(Clock::time_of_day(now, at).len(), length);
        }
    }

    #[test]
    fn the_next_seven_o_clock_is_at_most_a_day_away_and_is_seven_o_clock() {
        let now = UtcMillis(1_795_000_000_000);

        let next = Clock::next(now, Time::constant(7, 0, 0, 0)).unwrap();

        let wait = next.since(now);
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_hours(25),
            "{wait:?}"
        );
        let local = Timestamp::from_millisecond(next.0)
            .unwrap()
            .to_zoned(TimeZone::system());
        assert_eq!((local.hour(), local.minute()), (7, 0));
        assert!(Clock::next(next, Time::constant(7, 0, 0, 0)).unwrap() > next);
    }
}
