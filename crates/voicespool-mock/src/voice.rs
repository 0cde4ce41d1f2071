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
        let length = word.chars().count() * PER_CHAR;
        samples.extend((0..length).map(|idx| triangle(idx % period, period, peak)));
        samples.resize(samples.len() + PER_CHAR, 0);
    }
    Ok(samples)
}

/// A triangle wave between `-peak` and `peak`.
fn triangle(position: usize, period: usize, peak: i16) -> i16 {
    let half = period / 2;
    let rising = position.min(period - position);
    let share = |value: usize| i32::try_from(value).unwrap_or(0);
    let value = i32::from(peak) * (2 * share(rising) - share(half)) / share(half).max(1);
    i16::try_from(value.clamp(-32_767, 32_767)).unwrap_or(0)
}
