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

use crate::domain::{Day, UtcMillis};

/// Wall-clock time. A copyable value, so that whoever needs the time says so in its
/// signature.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock;

impl Clock {
    /// Now, by the clock as it was when this was first asked. A clock set before 1970 reads
    /// as 1970.
    pub fn now(self) -> UtcMillis {
        static START: OnceLock<(UtcMillis, Duration)> = OnceLock::new();
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
        let (before, shown) = (wall(), Clock.now());
        std::thread::yield_now();

        assert!(shown.0.abs_diff(before.0) < 60_000, "{shown:?} {before:?}");
        assert!(Clock.now() >= shown);
    }

    #[test]
    fn the_next_day_begins_when_the_date_changes() {
        let now = UtcMillis(1_795_000_000_000);

        let next = Clock::next_day(now).unwrap();

        assert!(Clock::day(next) > Clock::day(now));
        assert_eq!(Clock::day(UtcMillis(next.0 - 1)), Clock::day(now));
        assert!(next.since(now) <= Duration::from_hours(25));
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
