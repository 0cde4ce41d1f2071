//! The record of `check`: what a finished file sounds like, and whether that is what is asked.

use serde::Serialize;

use crate::audio::measure::{BitRateMode, Measurements};
use crate::audio::requirements::Judged;

/// One file of audio, measured. Numbers are null if the file could not be read.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sound {
    pub path: String,
    /// It could be read, and every rule holds.
    pub ok: bool,
    /// Why it could not be read.
    pub error: Option<String>,
    pub container: Option<String>,
    pub codec: Option<String>,
    pub duration_s: Option<f64>,
    pub sample_rate: Option<u32>,
    pub channels: Option<u16>,
    /// Bits per second.
    pub bit_rate: Option<u64>,
    /// `constant` or `variable`, of an MP3.
    pub bit_rate_mode: Option<&'static str>,
    pub rms_db: Option<f64>,
    pub peak_db: Option<f64>,
    pub true_peak_db: Option<f64>,
    pub floor_db: Option<f64>,
    pub lufs: Option<f64>,
    /// Samples at full scale.
    pub clipped: Option<u64>,
    pub head_s: Option<f64>,
    pub tail_s: Option<f64>,
    /// Whose rules were asked for.
    pub profile: Option<&'static str>,
    /// Where they are written.
    pub source: Option<&'static str>,
    pub rules: Vec<Limit>,
}

impl Sound {
    /// Fills in the numbers.
    pub(crate) fn measure(&mut self, file: &Measurements) {
        self.container = Some(file.container.to_string());
        self.codec = Some(file.codec.clone());
        self.duration_s = Some(file.duration.seconds());
        self.sample_rate = Some(file.sample_rate);
        self.channels = Some(file.channels);
        self.bit_rate = Some(file.bit_rate);
        self.bit_rate_mode = file.bit_rate_mode.map(|mode| match mode {
            BitRateMode::Constant => "constant",
            BitRateMode::Variable => "variable",
        });
        self.rms_db = rounded(file.rms);
        self.peak_db = rounded(file.peak);
        self.true_peak_db = rounded(file.true_peak);
        self.floor_db = rounded(file.floor);
        self.lufs = rounded(file.lufs);
        self.clipped = Some(file.clipped);
        self.head_s = Some(file.head.seconds());
        self.tail_s = Some(file.tail.seconds());
    }
}

/// To a thousandth of a decibel.
fn rounded(level: Option<f64>) -> Option<f64> {
    level.map(|level| (level * 1000.0).round() / 1000.0)
}

/// One rule and what the file has.
#[derive(Debug, Serialize)]
pub(crate) struct Limit {
    pub rule: &'static str,
    pub wanted: String,
    pub found: String,
    pub ok: bool,
}

impl Limit {
    pub(crate) fn of(judged: &Judged) -> Self {
        Self {
            rule: judged.rule,
            wanted: judged.wanted.clone(),
            found: judged.found.clone(),
            ok: judged.ok,
        }
    }
}
