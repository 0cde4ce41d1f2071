//! How loud a finished file is to be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::AudioMillis;
use crate::named;

/// Loudness of a whole file after ITU-R BS.1770, in tenths of LUFS: from -36.0 to -10.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Loudness(pub i16);

impl Loudness {
    const QUIETEST: f64 = -36.0;
    const LOUDEST: f64 = -10.0;

    pub fn lufs(self) -> f64 {
        f64::from(self.0) / 10.0
    }
}

named!(
    /// Whom a file is made for: how loud, how coded, with how much quiet at its ends. `audio::requirements` has their rules;
    /// here is what is aimed at within them.
    Standard {
        /// Audible, through ACX.
        Acx = "acx",
        LibriVox = "librivox",
    }
);

/// What a level is measured in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// Loudness after ITU-R BS.1770.
    Lufs(f64),
    /// Root mean square of the whole file, in dB of full scale.
    Rms(f64),
}

impl Aim {
    pub fn value(self) -> f64 {
        match self {
            Self::Lufs(value) | Self::Rms(value) => value,
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Lufs(_) => "LUFS",
            Self::Rms(_) => "dB RMS",
        }
    }
}

impl Standard {
    /// The middle of what is taken, a little to the quiet side: there peaks have room.
    pub fn aim(self) -> Aim {
        match self {
            Self::Acx => Aim::Rms(-20.5),
            Self::LibriVox => Aim::Lufs(-18.5),
        }
    }

    /// How far a level may be from what is aimed at.
    pub fn tolerance(self) -> f64 {
        2.5
    }

    /// The largest sample, in dB of full scale. Coding adds to peaks: half a decibel is left for that.
    pub fn ceiling(self) -> f64 {
        match self {
            Self::Acx => -3.5,
            Self::LibriVox => -1.5,
        }
    }

    /// Quiet before the first sound and after the last one.
    pub fn ends(self) -> (AudioMillis, AudioMillis) {
        match self {
            Self::Acx => (AudioMillis(750), AudioMillis(2_000)),
            Self::LibriVox => (AudioMillis(750), AudioMillis(6_000)),
        }
    }

    /// Of an MP3, frames and bits a second.
    pub fn mp3(self) -> (u32, u32) {
        match self {
            Self::Acx => (44_100, 192_000),
            Self::LibriVox => (44_100, 128_000),
        }
    }
}

impl fmt::Display for Loudness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} LUFS", self.lufs())
    }
}

/// `-19 LUFS`, and `-19` alone.
impl FromStr for Loudness {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = text.trim().trim_end_matches("LUFS").trim();
        let lufs: f64 = number.parse().map_err(|_| ())?;
        if !(Self::QUIETEST..=Self::LOUDEST).contains(&lufs) {
            return Err(());
        }
        tenths(lufs).map(Self).ok_or(())
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "between -360 and -100"
)]
fn tenths(lufs: f64) -> Option<i16> {
    lufs.is_finite().then_some((lufs * 10.0).round() as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loudness_is_read_with_and_without_its_unit() {
        assert_eq!("-19 LUFS".parse(), Ok(Loudness(-190)));
        assert_eq!("-18.5".parse(), Ok(Loudness(-185)));
        for wrong in ["19", "-5", "-40", "loud", "NaN", ""] {
            assert_eq!(wrong.parse::<Loudness>(), Err(()), "{wrong}");
        }
        assert_eq!(Loudness(-190).to_string(), "-19.0 LUFS");
    }
}
