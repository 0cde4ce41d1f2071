//! Values as providers write them: numbers as text, text as numbers, and what is of no use passed
//! over instead of failing the whole answer.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use crate::domain::AudioMillis;

/// No audio is longer, in seconds (a year); a larger time is a mistake.
const MAX_SECONDS: f64 = 366.0 * 86_400.0;

/// A value of type `T`, or one of another type, which says nothing.
#[derive(Debug, Clone)]
pub(super) struct Lenient<T>(pub(super) Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire<T> {
            Good(T),
            Other(IgnoredAny),
        }
        Ok(Self(match Wire::deserialize(deserializer)? {
            Wire::Good(value) => Some(value),
            Wire::Other(_) => None,
        }))
    }
}

/// A time in seconds: any finite number below a year, also written as text (`"12.0"`, `"12.0s"`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Seconds(f64);

impl Seconds {
    pub(super) fn millis(self) -> AudioMillis {
        AudioMillis::from_seconds(self.0)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Number(f64),
            Text(String),
        }
        let seconds = match Wire::deserialize(deserializer)? {
            Wire::Number(number) => Some(number),
            Wire::Text(text) => text.trim().trim_end_matches('s').parse().ok(),
        };
        let is_possible = |seconds: &f64| seconds.is_finite() && seconds.abs() <= MAX_SECONDS;
        seconds
            .filter(is_possible)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("no time below a year"))
    }
}

/// A text, or a number or a truth value in its place.
#[derive(Debug, Clone)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Text(String),
            Whole(i64),
            Number(f64),
        }
        Ok(Self(match Wire::deserialize(deserializer)? {
            Wire::Text(text) => text,
            Wire::Whole(number) => number.to_string(),
            Wire::Number(number) => number.to_string(),
        }))
    }
}
