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
pub const LOOK_MS: u64 = 16;
/// Quieter than this is silence.
const SILENCE: f32 = -120.0;
/// From here on a look is a voice.
const SURE: f32 = 0.5;
/// Silences up to this, between two words or sentences, are part of speech.
const BREATH: u64 = 300;
/// Shorter sounds are clicks and coughs.
const SHORTEST: u64 = 120;

/// What was heard in a recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listened {
    /// Where somebody speaks, in order.
    pub voices: Vec<Stretch>,
    /// How loud each [`LOOK_MS`] is, in dBFS of the mean square; -120 is silence.
    pub levels: Vec<f32>,
    /// How long the recording is.
    pub length: AudioMillis,
}

/// Where somebody speaks in the recording at `path`, in order, and how long it is.
///
/// # Errors
/// [`DecodeError`] as for any recording.
pub fn voices(path: &Path) -> Result<(Vec<Stretch>, AudioMillis), DecodeError> {
    let Listened { voices, length, .. } = listen::<DecodeError>(path, || Ok(()))?;
    Ok((voices, length))
}

/// Listens to the recording at `path`. `go_on` is asked at each block, and its error ends it.
pub(super) fn listen<E: From<DecodeError>>(
    path: &Path,
    go_on: impl Fn() -> Result<(), E>,
) -> Result<Listened, E> {
    let mut listener: Option<Listener> = None;
    let decoded = decode_tolerant::<E>(path, |shape, samples| {
        go_on()?;
        let listener = match &mut listener {
            Some(listener) => listener,
            None => listener.insert(Listener::new(shape)?),
        };
        listener.add(samples);
        Ok(())
    })?;
    let length = decoded.duration();
    Ok(match listener {
        None => Listened {
            length,
            ..Listened::default()
        },
        Some(listener) => listener.finish(length),
    })
}

struct Listener {
    channels: u16,
    resampler: Resampler,
    detector: Box<Detector>,
    mono: Vec<i16>,
    /// At 16 kHz, not looked at yet.
    pending: Vec<f32>,
    looks: u64,
    levels: Vec<f32>,
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
            levels: Vec::new(),
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
            self.levels.push(level(frame));
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

    fn finish(mut self, length: AudioMillis) -> Listened {
        self.resampler.finish(&mut self.pending);
        let padding = self.pending.len().next_multiple_of(LOOK);
        self.pending.resize(padding, 0.0);
        self.look();
        Listened {
            voices: smoothed(self.raw),
            levels: self.levels,
            length,
        }
    }
}

/// The mean square of `samples`, in dBFS.
fn level(samples: &[f32]) -> f32 {
    let squares: f32 = samples.iter().map(|sample| sample * sample).sum();
    let mean = squares / f32::from(u16::try_from(samples.len().max(1)).unwrap_or(u16::MAX));
    (10.0 * mean.log10()).max(SILENCE)
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
