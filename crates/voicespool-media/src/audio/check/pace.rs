//! Whether a text takes about that long to say.

use crate::audio::check::{CheckError, SpeechCheck};
use crate::audio::level::Levels;
use crate::domain::{AudioMillis, CharCount};

/// What one word, a number written in digits, or a long breath may take more or less.
const SLACK_SECONDS: f64 = 1.5;
/// Silence at each end that is nobody's fault.
const MARGIN: AudioMillis = AudioMillis(2000);

/// The rule stated at [`SpeechCheck`]. Without levels the whole duration counts as audible.
/// A limit that is not a positive number limits nothing.
pub(crate) fn check(
    duration: AudioMillis,
    levels: Option<Levels>,
    chars: CharCount,
    rules: &SpeechCheck,
) -> Result<(), CheckError> {
    let (lead, tail) = levels.map_or((0, 0), |levels| (levels.lead.0, levels.tail.0));
    let audible = AudioMillis(duration.0.saturating_sub(lead).saturating_sub(tail));
    let spent = duration
        .0
        .saturating_sub(lead.min(MARGIN.0))
        .saturating_sub(tail.min(MARGIN.0));
    let length = AudioMillis(chars.0.saturating_mul(1000)).seconds();
    let usable = |rate: f64| rate.is_finite() && rate > 0.0;
    if usable(rules.max_cps) && audible.seconds() < length / rules.max_cps - SLACK_SECONDS {
        return Err(CheckError::TooShort { chars, audible });
    }
    let spent = AudioMillis(spent);
    if usable(rules.min_cps) && spent.seconds() > length / rules.min_cps + SLACK_SECONDS {
        return Err(CheckError::TooLong {
            chars,
            duration: spent,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(chars: u64, duration: u64, lead: u64, tail: u64) -> &'static str {
        let levels = Levels {
            peak: 9000,
            rms: 900,
            lead: AudioMillis(lead),
            tail: AudioMillis(tail),
        };
        let rules = SpeechCheck::default();
        match check(
            AudioMillis(duration),
            Some(levels),
            CharCount(chars),
            &rules,
        ) {
            Ok(()) => "fits",
            Err(CheckError::TooShort { .. }) => "too short",
            Err(CheckError::TooLong { .. }) => "too long",
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_text_takes_about_as_long_as_it_has_characters() {
        let cases = [
            // 1,000 characters: 34.2 s to 168.2 s
            (1000, 65_000, 0, 0, "fits"),
            (1000, 34_300, 0, 0, "fits"),
            (1000, 34_100, 0, 0, "too short"),
            (1000, 168_100, 0, 0, "fits"),
            (1000, 168_300, 0, 0, "too long"),
            // padding hides no loss and is no speech
            (1000, 60_000, 1000, 30_000, "too short"),
            (1000, 171_000, 1500, 1500, "fits"),
            (100, 40_000, 0, 30_000, "too long"),
            // short texts
            (3, 400, 0, 0, "fits"),
            (1, 1600, 0, 0, "fits"),
            (2, 4800, 1500, 1500, "fits"),
            (3, 8000, 0, 0, "too long"),
            (0, 1500, 0, 0, "fits"),
        ];

        for (chars, duration, lead, tail, expected) in cases {
            assert_eq!(
                verdict(chars, duration, lead, tail),
                expected,
                "{chars} {duration}"
            );
        }
    }

    #[test]
    fn a_senseless_limit_limits_nothing() {
        let rules = SpeechCheck {
            min_cps: f64::NAN,
            max_cps: 0.0,
        };

        assert!(check(AudioMillis(1), None, CharCount(u64::MAX), &rules).is_ok());
        assert!(check(AudioMillis(u64::MAX), None, CharCount(0), &rules).is_ok());
    }
}
