//! How loud a finished file is to be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
