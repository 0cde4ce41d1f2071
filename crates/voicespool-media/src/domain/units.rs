//! Quantities with their units in the type: money, characters, audio time, clock time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC. Read by `worker::clock` alone and passed on.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UtcMillis(pub i64);

impl UtcMillis {
    /// This instant plus `wait`; saturates at the end of time.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Time from `earlier` to this instant; zero if the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Unicode scalar values of the exact text sent: the unit speech is billed in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct CharCount(pub u64);

impl CharCount {
    /// Counts `text` as it would be billed.
    pub fn of(text: &str) -> Self {
        Self(u64::try_from(text.chars().count()).unwrap_or(u64::MAX))
    }
}

/// A stretch of audio in milliseconds: the unit transcription is billed in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct AudioMillis(pub u64);

impl AudioMillis {
    /// `0:12:05`.
    pub fn clock(self) -> String {
        let seconds = self.0 / 1_000;
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        format!("{hours}:{minutes:02}:{:02}", seconds % 60)
    }

    /// Length of `frames` at `rate` frames a second, rounded to the nearest millisecond.
    /// Zero when the rate is zero.
    pub fn of_frames(frames: u64, rate: u32) -> Self {
        if rate == 0 {
            return Self(0);
        }
        let exact = u128::from(frames) * 1000 + u128::from(rate) / 2;
        Self(u64::try_from(exact / u128::from(rate)).unwrap_or(u64::MAX))
    }

    /// Nearest millisecond to `seconds`; zero for negative or non-finite input.
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to int saturates, and the sign is checked"
    )]
    pub fn from_seconds(seconds: f64) -> Self {
        if seconds.is_finite() && seconds > 0.0 {
            Self((seconds * 1000.0).round() as u64)
        } else {
            Self(0)
        }
    }

    /// As seconds, exact to the millisecond below 285,000 years.
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "exact below 2^53 ms"
    )]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

/// What a job is billed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "unit", content = "quantity", rename_all = "snake_case")]
pub enum Quantity {
    /// Characters of text to speak.
    Chars(CharCount),
    /// Audio to transcribe.
    Audio(AudioMillis),
    /// Work that sends nothing.
    Nothing,
}

/// Money in thousand-millionths of a US dollar (1 USD = 1,000,000,000).
///
/// Integer, so a report's total equals the sum of its rows; checked, because a
/// wrapped bill is worse than a failed one. Reaches 9.2 thousand million dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    pub const ZERO: Self = Self(0);

    /// Sum, or `None` if it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Sum that stays at the largest amount: for displays and for caps, where
    /// too much is still too much.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `self * numerator / denominator` rounded up to the next nano-dollar; `None` if
    /// it does not fit or the denominator is zero.
    #[must_use]
    pub fn scaled(self, numerator: u64, denominator: u64) -> Option<Self> {
        let product = u128::from(u64::try_from(self.0).ok()?).checked_mul(u128::from(numerator))?;
        if denominator == 0 {
            return None;
        }
        i64::try_from(product.div_ceil(u128::from(denominator)))
            .ok()
            .map(Self)
    }

    /// `$1,234.56` for people: cents, more places when the amount is below ten cents.
    pub fn display(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let places: u32 = if nanos == 0 || nanos >= 100_000_000 {
            2
        } else {
            6
        };
        let step = 10u64.pow(9 - places);
        let rounded = (nanos + step / 2) / step;
        let unit = 10u64.pow(places);
        let width = usize::try_from(places).unwrap_or(2);
        format!(
            "{sign}${}.{:0width$}",
            grouped(rounded / unit),
            rounded % unit
        )
    }
}

/// `1 file`, `1,234 files`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Always nine decimals, no sign for positive amounts: `1.234500000`. What files and JSON carry.
impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        write!(
            f,
            "{sign}{}.{:09}",
            nanos / 1_000_000_000,
            nanos % 1_000_000_000
        )
    }
}

/// Why a text is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseMoneyError(String);

impl fmt::Display for ParseMoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no amount in US dollars; write it like 25, 0.0015 or \"25.00 USD\"",
            self.0
        )
    }
}

impl std::error::Error for ParseMoneyError {}

/// `25`, `25.00`, `$25`, `25.00 USD`, at most nine decimals, not negative.
impl FromStr for NanoUsd {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseMoneyError(text.to_owned());
        let number = text.trim();
        let number = number.strip_prefix('$').unwrap_or(number);
        let number = number
            .strip_suffix("USD")
            .or_else(|| number.strip_suffix("usd"))
            .unwrap_or(number)
            .trim();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty())
            || !digits(whole)
            || !digits(fraction)
            || fraction.len() > 9
        {
            return Err(bad());
        }
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| bad())?
        };
        let nanos: i64 = format!("{fraction:0<9}").parse().map_err(|_| bad())?;
        whole
            .checked_mul(1_000_000_000)
            .and_then(|nanos_whole| nanos_whole.checked_add(nanos))
            .map(Self)
            .ok_or_else(bad)
    }
}

impl Serialize for NanoUsd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NanoUsd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn money_is_read_and_written_exactly() {
        for (text, nanos) in [
            ("25", 25_000_000_000),
            ("25.00 USD", 25_000_000_000),
            ("$0.0015", 1_500_000),
            ("0.000000001", 1),
            (".5", 500_000_000),
        ] {
            assert_eq!(text.parse(), Ok(NanoUsd(nanos)), "{text}");
        }
        for text in [
            "",
            ".",
            "-1",
            "1e3",
            "1.0000000001",
            "ten",
            "1,000",
            "99999999999",
        ] {
            assert!(text.parse::<NanoUsd>().is_err(), "{text}");
        }
        assert_eq!(NanoUsd(1_234_500_000).to_string(), "1.234500000");
        assert_eq!(NanoUsd(1_234_567_890_000_000).display(), "$1,234,567.89");
        assert_eq!(NanoUsd(1_500_000).display(), "$0.001500");
        assert_eq!(NanoUsd::ZERO.display(), "$0.00");
    }

    #[test]
    fn a_price_is_rounded_up_never_down() {
        assert_eq!(
            NanoUsd(4_000_000_000).scaled(1, 1_000_000),
            Some(NanoUsd(4_000))
        );
        assert_eq!(NanoUsd(1).scaled(1, 1_000_000), Some(NanoUsd(1)));
        assert_eq!(NanoUsd(i64::MAX).scaled(u64::MAX, 1), None);
        assert_eq!(NanoUsd(1).scaled(1, 0), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_amount_is_read_back_as_it_was_written(nanos in 0..=i64::MAX) {
            let written = NanoUsd(nanos).to_string();

            prop_assert_eq!(written.parse(), Ok(NanoUsd(nanos)));
            prop_assert_eq!(format!(" ${written} USD ").parse(), Ok(NanoUsd(nanos)));
            let json = serde_json::to_string(&NanoUsd(nanos)).unwrap();
            prop_assert_eq!(serde_json::from_str::<NanoUsd>(&json).unwrap(), NanoUsd(nanos));
        }

        #[test]
        fn any_text_is_an_amount_or_refused(text in "[-+$0-9. ]{0,14}(USD|usd|€)?[0-9]{0,3}") {
            if let Ok(amount) = text.parse::<NanoUsd>() {
                prop_assert!(amount >= NanoUsd::ZERO);
                prop_assert_eq!(amount.to_string().parse(), Ok(amount));
            }
        }

        #[test]
        fn what_people_see_is_within_half_a_step(nanos in any::<i64>()) {
            let shown = NanoUsd(nanos).display();

            let number: f64 = shown.replace(['$', ','], "").parse().unwrap();
            let digits = shown.split_once('.').unwrap().1.len();
            let exact = NanoUsd(nanos).to_string().parse::<f64>().unwrap();
            // Half a step, and what a float cannot tell apart at this size.
            let slack = 0.500_001 * 0.1_f64.powi(i32::try_from(digits).unwrap()) + exact.abs() * 1e-15;
            prop_assert!((number - exact).abs() <= slack, "{shown} for {nanos}");
            prop_assert!(nanos.unsigned_abs() >= 100_000_000 || nanos == 0 || digits == 6);
        }

        #[test]
        fn a_share_is_rounded_up_by_less_than_one_and_grows_with_its_parts(
            (price, n, more) in (0..=i64::MAX, any::<u64>(), any::<u32>()),
            denominator in 1..u64::from(u32::MAX),
        ) {
            let share = |n| NanoUsd(price).scaled(n, denominator);

            match share(n) {
                Some(cost) => {
                    let exact = u128::try_from(price).unwrap() * u128::from(n);
                    let cost = u128::try_from(cost.0).unwrap();
                    prop_assert!(cost * u128::from(denominator) >= exact);
                    prop_assert!(cost.saturating_sub(1) * u128::from(denominator) < exact.max(1));
                }
                None => prop_assert!(price > 0 && share(n.saturating_add(more.into())).is_none()),
            }
            if let (Some(less), Some(more)) = (share(n), share(n.saturating_add(more.into()))) {
                prop_assert!(less <= more);
            }
        }
    }

    #[test]
    fn frames_become_the_nearest_millisecond() {
        assert_eq!(AudioMillis::of_frames(16_000, 16_000), AudioMillis(1000));
        assert_eq!(AudioMillis::of_frames(1, 0), AudioMillis(0));
        assert_eq!(AudioMillis::from_seconds(f64::NAN), AudioMillis(0));
        assert_eq!(AudioMillis::from_seconds(-3.0), AudioMillis(0));
        assert_eq!(AudioMillis::from_seconds(1.2345), AudioMillis(1235));
    }
}
