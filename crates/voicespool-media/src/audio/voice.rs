//! Where somebody speaks in a recording.
//!
//! A small neural network (`earshot`) looks at every 16 ms. What it says is smoothed: a short silence inside speech is
//! speech, a short sound inside silence is none. It tells voices from noise and most music; it does not tell who speaks,
//! or what.

use std::path::Path;

use earshot::Detector;

use crate::audio::decode::{DecodeError, Shape, decode_tolerant};
use crate::audio::resample::Resampler;
use crate::audio::sample::mix;
use crate::domain::{AudioMillis, Stretch};

/// What the detector takes: frames a second, and in one look.
const RATE: u32 = 16_000;
const LOOK: usize = 256;
const LOOK_MS: u64 = 16;
/// From here on a look is a voice.
const SURE: f32 = 0.5;
/// Silences up to this, between two words or sentences, are part of speech.
const BREATH: u64 = 300;
/// Shorter sounds are clicks and coughs.
const SHORTEST: u64 = 120;

/// Where somebody speaks in the recording at `path`, in order, and how long it is.
///
/// # Errors
/// [`DecodeError`] as for any recording.
pub fn voices(path: &Path) -> Result<(Vec<Stretch>, AudioMillis), DecodeError> {
    let mut listener: Option<Listener> = None;
    let decoded = decode_tolerant::<DecodeError>(path, |shape, samples| {
        let listener = match &mut listener {
            Some(listener) => listener,
            None => listener.insert(Listener::new(shape)?),
        };
        listener.add(samples);
        Ok(())
    })?;
    let heard = listener.map(Listener::finish).unwrap_or_default();
    Ok((heard, decoded.duration()))
}

struct Listener {
    channels: u16,
    resampler: Resampler,
    detector: Box<Detector>,
    mono: Vec<i16>,
    /// At 16 kHz, not looked at yet.
    pending: Vec<f32>,
    looks: u64,
    /// Stretches with nothing smoothed.
    raw: Vec<Stretch>,
}

impl Listener {
    fn new(shape: Shape) -> Result<Self, DecodeError> {
        let resampler = Resampler::new(shape.sample_rate, RATE).ok_or(DecodeError::NoTrack)?;
        Ok(Self {
            channels: shape.channels,
            resampler,
            detector: Detector::default_boxed(),
            mono: Vec::new(),
            pending: Vec::new(),
            looks: 0,
            raw: Vec::new(),
        })
    }

    fn add(&mut self, samples: &[i16]) {
        mix(samples, self.channels, &mut self.mono);
        self.resampler.add(&self.mono, &mut self.pending);
        self.look();
    }

    fn look(&mut self) {
        let whole = self.pending.len() - self.pending.len() % LOOK;
        for frame in self.pending[..whole].chunks_exact(LOOK) {
            let is_voice = self.detector.predict_f32(frame) >= SURE;
            let (start, end) = (self.looks * LOOK_MS, (self.looks + 1) * LOOK_MS);
            self.looks += 1;
            if !is_voice {
                continue;
            }
            match self.raw.last_mut().filter(|last| last.end.0 == start) {
                Some(last) => last.end = AudioMillis(end),
                None => self.raw.push(Stretch {
                    start: AudioMillis(start),
                    end: AudioMillis(end),
                }),
            }
        }
        self.pending.drain(..whole);
    }

    fn finish(mut self) -> Vec<Stretch> {
        self.resampler.finish(&mut self.pending);
        let padding = self.pending.len().next_multiple_of(LOOK);
        self.pending.resize(padding, 0.0);
        self.look();
        smoothed(self.raw)
    }
}

/// Without breaths in speech and clicks in silence.
fn smoothed(raw: Vec<Stretch>) -> Vec<Stretch> {
    let mut smooth: Vec<Stretch> = Vec::new();
    for next in raw {
        match smooth
            .last_mut()
            .filter(|last| next.start.0 - last.end.0 <= BREATH)
        {
            Some(last) => last.end = next.end,
            None => smooth.push(next),
        }
    }
    smooth.retain(|stretch| stretch.length().0 >= SHORTEST);
    smooth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaths_are_speech_and_clicks_are_none() {
        let stretch = |start, end| Stretch {
            start: AudioMillis(start),
            end: AudioMillis(end),
        };
        let raw = vec![
            stretch(0, 48),
            stretch(1_000, 1_500),
            stretch(1_800, 2_000),
            stretch(2_320, 2_500),
        ];

        assert_eq!(
            smoothed(raw),
            [stretch(1_000, 2_000), stretch(2_320, 2_500)]
        );
    }
}
