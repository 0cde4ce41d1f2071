//! Who speaks: any function from a voice and a text to 16 kHz samples.

use std::fmt;

/// The function that speaks: voice (`en-US`, `en-GB`, `de-DE`, `es-ES`, `fr-FR`, `it-IT`)
/// and text in, 16 kHz mono samples or the reason why not out.
pub(crate) struct Voice(Box<VoiceFn>);

type VoiceFn = dyn Fn(&str, &str) -> Result<Vec<i16>, String> + Send + Sync;

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Voice")
    }
}

impl Voice {
    pub(crate) const SAMPLE_RATE: u32 = 16_000;

    pub(crate) fn new(
        speak: impl Fn(&str, &str) -> Result<Vec<i16>, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(speak))
    }

    pub(crate) fn speak(&self, voice: &str, text: &str) -> Result<Vec<i16>, String> {
        (self.0)(voice, text)
    }
}

/// A voice for tests: one burst of tone a word, about 14 characters a second, different
/// for different texts and voices, the same every time.
///
/// # Errors
/// Never; the type is that of any voice.
pub fn tones(voice: &str, text: &str) -> Result<Vec<i16>, String> {
    /// Samples per character: 16,000 / 14.
    const PER_CHAR: usize = 1143;
    let seed = voice.bytes().fold(7_u32, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let mut samples = vec![0; PER_CHAR];
    for word in text.split_whitespace() {
        let hash = word.bytes().fold(seed, |hash, byte| {
            hash.wrapping_mul(16_777_619) ^ u32::from(byte)
        });
        let period = usize::try_from(40 + hash % 160).unwrap_or(40);
        let peak = i16::try_from(6_000 + hash / 160 % 8_000).unwrap_or(6_000);
        let length = beats(word) * PER_CHAR;
        samples.extend((0..length).map(|idx| triangle(idx % period, period, peak)));
        samples.resize(samples.len() + PER_CHAR, 0);
    }
    Ok(samples)
}

/// How many letters take as long to say: an ideograph, a kana or a Hangul syllable as long as five
/// letters in two (what is said of such voices: about 5.5 characters a second).
pub(crate) fn beats(text: &str) -> usize {
    let is_syllable = |c: &char| {
        matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}'
            | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
    };
    let syllables = text.chars().filter(is_syllable).count();
    text.chars().count() + syllables * 3 / 2
}

/// A triangle wave between `-peak` and `peak`.
fn triangle(position: usize, period: usize, peak: i16) -> i16 {
    let half = period / 2;
    let rising = position.min(period - position);
    let share = |value: usize| i32::try_from(value).unwrap_or(0);
    let value = i32::from(peak) * (2 * share(rising) - share(half)) / share(half).max(1);
    i16::try_from(value.clamp(-32_767, 32_767)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_has_its_pace() {
        // Samples a character, at 16,000 a second.
        let pace = |text: &str| tones("x", text).unwrap().len() / text.chars().count();

        assert!((1_000..1_500).contains(&pace(
            "The boats came in before the storm, and nobody spoke."
        )));
        for text in [
            "船在暴风雨来临之前进港了，没有人说话。",
            "船は嵐の前に入ってきて、誰も話さなかった。",
            "배들은 폭풍이 오기 전에 들어왔고 아무도 말하지 않았다.",
        ] {
            assert!(
                (2_000..4_000).contains(&pace(text)),
                "{text}: {}",
                pace(text)
            );
        }
    }
}
