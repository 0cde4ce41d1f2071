//! Whether a text takes about that long to say.

use crate::audio::check::{CheckError, SpeechCheck};
use crate::audio::level::Levels;
use crate::domain::{AudioMillis, CharCount};

/// What one word, a number written in digits, or a long breath may take more or less.
const SLACK_SECONDS: f64 = 1.5;
/// Silence at each end that is nobody's fault.
const MARGIN: AudioMillis = AudioMillis(2000);

/// What a text is made of, as far as it decides how long it takes to say.
///
/// One written character is not one sound: "7" is a word, "$" two, an ideograph a syllable or two.
/// Weights are in letters of prose; measured on the built-in voice's figures and prices (3.4 to
/// 4.6 characters a second) and on what is said of Chinese, Japanese and Korean voices (about
/// 5.5 characters a second: <https://github.com/MicrosoftDocs/azure-docs/pull/45219>).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpokenLength {
    chars: CharCount,
    /// Letters of prose that take as long at the slowest.
    slowest: f64,
    /// Letters of prose that take as long at the fastest.
    fastest: f64,
}

impl SpokenLength {
    /// Of exactly what is spoken.
    pub fn of(text: &str) -> Self {
        let mut length = Self {
            chars: CharCount::of(text),
            slowest: 0.0,
            fastest: 0.0,
        };
        let mut spelled = 0_usize;
        for c in text.chars() {
            let (slow, fast) = weights(c);
            length.slowest += slow;
            length.fastest += fast;
            // Capitals in a row may be spelled: "ISBN".
            spelled = if c.is_uppercase() { spelled + 1 } else { 0 };
            if spelled > 1 {
                length.slowest += SPELLED;
            }
        }
        length
    }

    /// How long a voice takes for it, about: 15 letters of prose a second.
    pub fn usual(&self) -> AudioMillis {
        AudioMillis::from_seconds(f64::midpoint(self.slowest, self.fastest) / 15.0)
    }

    /// Of a text that is not at hand: whatever it may be made of.
    pub fn of_unknown(chars: CharCount) -> Self {
        let letters = AudioMillis(chars.0.saturating_mul(1000)).seconds();
        Self {
            chars,
            slowest: letters * SIGN,
            fastest: letters,
        }
    }
}

/// A sign that is said as a word or two.
const SIGN: f64 = 5.5;
/// A digit: "1,204,331" takes 6 s.
const DIGIT: f64 = 4.5;
/// What a capital takes more when it is spelled.
const SPELLED: f64 = 2.5;

/// How many letters of prose take as long as `c`: at the slowest, at the fastest.
fn weights(c: char) -> (f64, f64) {
    match c {
        // Hangul, kana, ideographs.
        '\u{1100}'..='\u{11FF}'
        | '\u{3040}'..='\u{30FF}'
        | '\u{3400}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}' => (2.4, 2.0),
        _ if c.is_numeric() => (DIGIT, 1.0),
        _ if c.is_alphabetic() || c.is_whitespace() => (1.0, 1.0),
        '.' | ',' | '!' | '?' | ';' | ':' | '\'' | '"' | '’' | '‘' | '“' | '”' => {
            (1.5, 1.0)
        }
        '。' | '，' | '、' | '！' | '？' | '；' | '：' | '「' | '」' => (3.0, 1.0),
        '-' | '–' | '—' | '…' | '(' | ')' | '«' | '»' | '„' => (3.0, 1.0),
        _ => (SIGN, 1.0),
    }
}

/// The rule stated at [`SpeechCheck`]. Without levels the whole duration counts as audible.
/// A limit that is not a positive number limits nothing.
pub(crate) fn check(
    duration: AudioMillis,
    levels: Option<Levels>,
    length: &SpokenLength,
    rules: &SpeechCheck,
) -> Result<(), CheckError> {
    let (lead, tail) = levels.map_or((0, 0), |levels| (levels.lead.0, levels.tail.0));
    let audible = AudioMillis(duration.0.saturating_sub(lead).saturating_sub(tail));
    let spent = duration
        .0
        .saturating_sub(lead.min(MARGIN.0))
        .saturating_sub(tail.min(MARGIN.0));
    let chars = length.chars;
    let usable = |rate: f64| rate.is_finite() && rate > 0.0;
    if usable(rules.max_cps) && audible.seconds() < length.fastest / rules.max_cps - SLACK_SECONDS {
        return Err(CheckError::TooShort { chars, audible });
    }
    let spent = AudioMillis(spent);
    if usable(rules.min_cps) && spent.seconds() > length.slowest / rules.min_cps + SLACK_SECONDS {
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
            length: AudioMillis(0),
            peak: 9000,
            rms: 900,
            lead: AudioMillis(lead),
            tail: AudioMillis(tail),
        };
        let rules = SpeechCheck::default();
        match check(
            AudioMillis(duration),
            Some(levels),
            &SpokenLength::of(&"a".repeat(chars.try_into().unwrap())),
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

    /// Seconds that are long enough and short enough for `text`.
    fn bounds(text: &str) -> (f64, f64) {
        let (length, rules) = (SpokenLength::of(text), SpeechCheck::default());
        (
            length.fastest / rules.max_cps - SLACK_SECONDS,
            length.slowest / rules.min_cps + SLACK_SECONDS,
        )
    }

    #[test]
    fn figures_signs_and_ideographs_take_longer_than_letters() {
        // Text, and seconds that a voice takes for it.
        for (text, seconds) in [
            (
                "Rent $2,450.75, heat $310.40, water $98.15, phone $41.99.",
                15.0,
            ),
            ("12 °C, 54 °F, 30′, 15″.", 5.0),
            ("ISBN 978-0-7475-3269-9. ISBN 978-0-452-28423-4.", 14.5),
            ("From 2,310,554 in 1951 to 3,871,209 in 2020.", 15.0),
            (
                "夜の汽車は静かに駅を離れ、町の灯りが霧の中に消えていった。",
                5.5,
            ),
            ("밤이 깊었고 산속은 아주 조용했다.", 3.5),
        ] {
            let (least, most) = bounds(text);
            assert!(
                least < seconds && seconds < most,
                "{text}: {least} to {most}"
            );
            // Silence of three times the length is no speech of it.
            assert!(3.0 * seconds > most, "{text}: {most}");
        }
    }

    #[test]
    fn half_a_chinese_page_is_too_short() {
        let text = "夜深了，山里很安静，只有风吹过树林的声音。".repeat(20);
        let (least, most) = bounds(&text);
        let spoken = 420.0 / 5.5;
        assert!(
            least > spoken / 3.0 && most > spoken && most < spoken * 3.0,
            "{least} {most}"
        );
    }

    #[test]
    fn a_senseless_limit_limits_nothing() {
        let rules = SpeechCheck {
            min_cps: f64::NAN,
            max_cps: 0.0,
        };

        assert!(
            check(
                AudioMillis(1),
                None,
                &SpokenLength::of_unknown(CharCount(u64::MAX)),
                &rules
            )
            .is_ok()
        );
        assert!(check(AudioMillis(u64::MAX), None, &SpokenLength::of(""), &rules).is_ok());
    }
}
