//! Loudness after ITU-R BS.1770-4 (EBU R 128).

use ebur128::{EbuR128, Mode};

use crate::audio::decode::Shape;

/// Measures what it is given.
pub(crate) struct LoudnessMeter {
    state: Option<EbuR128>,
}

impl LoudnessMeter {
    pub(crate) fn new(shape: Shape) -> Self {
        Self::with(shape, Mode::I)
    }

    /// With true peaks, which take several times as long.
    pub(crate) fn with_peaks(shape: Shape) -> Self {
        Self::with(shape, Mode::I | Mode::TRUE_PEAK)
    }

    fn with(shape: Shape, mode: Mode) -> Self {
        Self {
            state: EbuR128::new(shape.channels.into(), shape.sample_rate, mode).ok(),
        }
    }

    /// Whole frames, interleaved.
    pub(crate) fn add(&mut self, samples: &[i16]) {
        let taken = self
            .state
            .as_mut()
            .map(|state| state.add_frames_i16(samples));
        if matches!(taken, Some(Err(_))) {
            self.state = None;
        }
    }

    /// LUFS of all of it; `None` if there is too little to measure, or it is silent.
    pub(crate) fn integrated(&self) -> Option<f64> {
        let loudness = self.state.as_ref()?.loudness_global().ok()?;
        loudness.is_finite().then_some(loudness)
    }

    /// The largest true peak of any channel, in dBTP.
    pub(crate) fn true_peak(&self) -> Option<f64> {
        let state = self.state.as_ref()?;
        let peaks = (0..state.channels()).filter_map(|channel| state.true_peak(channel).ok());
        let peak = peaks.fold(0.0, f64::max);
        (peak > 0.0).then(|| 20.0 * peak.log10())
    }
}

impl std::fmt::Debug for LoudnessMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoudnessMeter").finish_non_exhaustive()
    }
}

/// What `decibels` multiply a sample with.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a factor, in the precision of the samples"
)]
pub(crate) fn factor(decibels: f64) -> f32 {
    10f64.powf(decibels / 20.0) as f32
}
