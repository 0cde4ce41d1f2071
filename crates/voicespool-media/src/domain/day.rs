//! The calendar day that money is counted by.

use std::fmt;

use serde::{Serialize, Serializer};

/// A calendar day where the program runs, as the number `YYYYMMDD`. Made by
/// `worker::clock` alone and passed on; two days compare in order of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// The day of a date: `year` from 0, `month` and `day` from 1. A year before 0 is 0.
    pub fn of(year: i16, month: i8, day: i8) -> Self {
        let part = |number: i64, place: i64| number.max(0).saturating_mul(place);
        Self(
            part(year.into(), 10_000)
                .saturating_add(part(month.into(), 100))
                .saturating_add(part(day.into(), 1)),
        )
    }
}

/// `2026-11-22`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = (self.0 / 10_000, self.0 / 100 % 100, self.0 % 100);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_people_write_them_and_compare_by_the_calendar() {
        assert_eq!(Day::of(2026, 11, 2).to_string(), "2026-11-02");
        assert!(Day::of(2026, 12, 31) < Day::of(2027, 1, 1));
        assert!(Day::of(2026, 9, 30) < Day::of(2026, 10, 1));
        assert_eq!(Day::of(-1, 1, 1), Day::of(0, 1, 1));
    }
}
