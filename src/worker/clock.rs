//! The only reader of the wall clock.
//!
//! It is read once a process. From then on time is what it was then and what has gone by
//! since, also while the machine slept: who sets the clock during a run moves no lease, no
//! retry and no limit, and the next run has the new time.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use crate::domain::{Day, UtcMillis};

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

    /// Now; of the machine's clock, as it was when it was first asked. One set before 1970
    /// reads as 1970.
    pub fn now(self) -> UtcMillis {
        static START: OnceLock<(UtcMillis, Duration)> = OnceLock::new();
        if let Some((start, at)) = self.follows {
            return start.after(at.elapsed());
        }
        let (then, started) = *START.get_or_init(|| (wall(), since_boot()));
        then.after(since_boot().saturating_sub(started))
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

    /// The calendar day of `now` in the zone of this machine: what money is counted by.
    pub fn day(now: UtcMillis) -> Day {
        let date = zoned(now).date();
        Day::of(date.year(), date.month(), date.day())
    }

    /// When the calendar day after that of `now` begins here; `None` at the end of time.
    pub fn next_day(now: UtcMillis) -> Option<UtcMillis> {
        let next = zoned(now).tomorrow().ok()?.start_of_day().ok()?;
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

/// `now` where the program runs; the epoch for a time no calendar reaches.
fn zoned(now: UtcMillis) -> jiff::Zoned {
    Timestamp::from_millisecond(now.0)
        .unwrap_or_default()
        .to_zoned(TimeZone::system())
}

/// What the clock on the wall says.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
fn wall() -> UtcMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UtcMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Time since some fixed moment, sleep included.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

/// Time since some fixed moment. Whether sleep counts is for the system to say.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_from_the_clock_on_the_wall() {
        let (before, shown) = (wall(), Clock::system().now());
        std::thread::yield_now();

        assert!(shown.0.abs_diff(before.0) < 60_000, "{shown:?} {before:?}");
        assert!(Clock::system().now() >= shown);
    }

    #[test]
    fn the_next_day_begins_when_the_date_changes() {
        let now = UtcMillis(1_795_000_000_000);

        let next = Clock::next_day(now).unwrap();

        assert!(Clock::day(next) > Clock::day(now));
        assert_eq!(Clock::day(UtcMillis(next.0 - 1)), Clock::day(now));
        assert!(next.since(now) <= Duration::from_hours(25));
    }

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
