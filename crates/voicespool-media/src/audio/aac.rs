//! An encoder of AAC-LC, for books: samples in, the frames of an M4B out.
//!
//! What it promises: every frame is one that any decoder takes, of at most 6,144 bits a channel; the sound of
//! hop `n` (1,024 samples) is complete when frame `n + 1` is decoded, so that a player skips [`PRIMING`] samples
//! first. Mono or stereo, at the twelve rates of the format. The bit rate is an average over what is spoken;
//! silence takes nearly nothing.
//!
//! What it does not do: noise substitution, temporal noise shaping, intensity stereo, prediction. For speech at
//! 48 kbit/s and more, the figures in `docs/audiobooks.md` say what that costs.

mod attack;
mod bands;
mod bits;
mod frame;
mod huffman;
mod masking;
mod mdct;
mod quantise;
mod rate;
mod sections;
mod write;

use crate::audio::decode::Shape;

use attack::Detector;
use frame::{LINES, Layout, SHORT_LINES, Sequence};
use masking::Spread;
use mdct::Mdct;
use quantise::Quantised;
use rate::Rate;
use write::Channel;

/// Samples of a frame, of each channel.
pub(crate) const FRAME: usize = LINES;
/// Samples that a decoder makes before the first one that was put in.
pub(crate) const PRIMING: u32 = 1024;
/// The most bits a frame may have, of each channel: the buffer that every decoder has.
const LARGEST_FRAME: u32 = 6_144;
/// Where the short windows of a frame begin among its samples.
const FIRST_SHORT: usize = 448;
/// The samples whose attacks are those of a frame: the middles of its short windows.
const LISTENED: std::ops::Range<usize> = 512..1536;

/// Why a sound cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    #[error("AAC has no sample rate of {0} Hz")]
    Rate(u32),
    #[error("{0} channels are not encoded, only mono and stereo")]
    Channels(u16),
}

/// Turns samples into frames.
#[derive(Debug)]
pub(crate) struct Encoder {
    rate_index: usize,
    inputs: Vec<Input>,
    /// Interleaved samples that do not fill a hop yet.
    pending: Vec<i16>,
    hops: u64,
    last: Sequence,
    /// The first attack of the frame to come, found when the one before was coded.
    attack: Option<usize>,
    long: Mdct,
    short: Mdct,
    long_spread: Spread,
    short_spread: Spread,
    cutoff: f32,
    rate: Rate,
}

/// What is kept of one channel: the hop before the one that is coded, that one, and the next.
#[derive(Debug)]
struct Input {
    samples: Vec<f32>,
    detector: Detector,
    windowed: Vec<f32>,
    spectrum: Vec<f32>,
}

impl Encoder {
    /// `bit_rate` is in bits a second, of all channels.
    pub(crate) fn new(shape: Shape, bit_rate: u32) -> Result<Self, Unsupported> {
        let rate = shape.sample_rate;
        let rate_index = bands::rate_index(rate).ok_or(Unsupported::Rate(rate))?;
        let channels = match shape.channels {
            channels @ 1..=2 => usize::from(channels),
            other => return Err(Unsupported::Channels(other)),
        };
        let rate_control = Rate::new(bit_rate, rate, shape.channels);
        let cutoff = rate_control.cutoff();
        let layout = Layout::long(Sequence::OnlyLong, rate_index, cutoff);
        let short_layout = Layout::short(rate_index, vec![8], cutoff);
        Ok(Self {
            rate_index,
            inputs: (0..channels).map(|_| Input::new()).collect(),
            pending: Vec::with_capacity(FRAME * channels),
            hops: 0,
            last: Sequence::OnlyLong,
            attack: None,
            long: Mdct::new(LINES),
            short: Mdct::new(SHORT_LINES),
            long_spread: Spread::new(&layout, rate),
            short_spread: Spread::new(&short_layout, rate),
            cutoff,
            rate: rate_control,
        })
    }

    /// `AudioSpecificConfig`: AAC-LC, the rate, the channels, frames of 1,024 samples.
    pub(crate) fn config(&self) -> [u8; 2] {
        let rate = u16::try_from(self.rate_index).unwrap_or(0);
        let channels = u16::try_from(self.inputs.len()).unwrap_or(0);
        ((2 << 11) | (rate << 7) | (channels << 3)).to_be_bytes()
    }

    /// Takes interleaved samples, whole frames of all channels, and hands on what is complete.
    pub(crate) fn add<E>(
        &mut self,
        mut samples: &[i16],
        mut frame: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let full = FRAME * self.inputs.len();
        while !samples.is_empty() {
            let take = (full - self.pending.len()).min(samples.len());
            self.pending.extend_from_slice(&samples[..take]);
            samples = &samples[take..];
            if self.pending.len() == full {
                self.take_hop(&mut frame)?;
            }
        }
        Ok(())
    }

    /// Hands on the rest: after it, `frames` of all [`FRAME`]s hold the sound and the priming.
    pub(crate) fn finish<E>(
        mut self,
        mut frame: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let full = FRAME * self.inputs.len();
        if !self.pending.is_empty() {
            self.pending.resize(full, 0);
            self.take_hop(&mut frame)?;
        }
        // One of silence completes the last hop, and one more is what coding looks ahead at.
        for _ in 0..2 {
            self.pending.resize(full, 0);
            self.take_hop(&mut frame)?;
        }
        Ok(())
    }

    fn take_hop<E>(&mut self, frame: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let channels = self.inputs.len();
        for (channel, input) in self.inputs.iter_mut().enumerate() {
            let samples = self.pending.iter().skip(channel).step_by(channels);
            input.shift(samples.copied());
        }
        self.pending.clear();
        self.hops += 1;
        let next = self.find_attack();
        if self.hops > 1 {
            let bytes = self.encode(next.is_some());
            frame(&bytes)?;
        }
        self.attack = next;
        Ok(())
    }

    /// The first attack of any channel in the frame after the one that is coded.
    fn find_attack(&mut self) -> Option<usize> {
        let found = self.inputs.iter_mut().filter_map(|input| {
            let samples = &input.samples[FRAME..];
            input.detector.find(&samples[LISTENED])
        });
        found.min()
    }

    /// The sequence of windows that can follow the last one.
    fn sequence(&self, attack_next: bool) -> Sequence {
        match (self.attack.is_some(), self.last, attack_next) {
            (true, ..) | (false, Sequence::EightShort | Sequence::LongStart, true) => {
                Sequence::EightShort
            }
            (false, Sequence::EightShort, false) => Sequence::LongStop,
            (false, _, true) => Sequence::LongStart,
            (false, _, false) => Sequence::OnlyLong,
        }
    }

    fn encode(&mut self, attack_next: bool) -> Vec<u8> {
        let sequence = self.sequence(attack_next);
        self.last = sequence;
        let layout = if sequence == Sequence::EightShort {
            Layout::short(self.rate_index, grouping(self.attack), self.cutoff)
        } else {
            Layout::long(sequence, self.rate_index, self.cutoff)
        };
        for input in &mut self.inputs {
            input.analyse(sequence, &mut self.long, &mut self.short);
        }
        let mut ordered = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let mut lines = Vec::with_capacity(LINES);
            layout.order(&input.spectrum, &mut lines);
            ordered.push(lines);
        }
        let mid = match &mut ordered[..] {
            [left, right] => share(&layout, left, right),
            _ => Vec::new(),
        };
        let spread = if layout.is_short() {
            &self.short_spread
        } else {
            &self.long_spread
        };
        let largest = LARGEST_FRAME * u32::try_from(ordered.len()).unwrap_or(1);
        let mut quality = self.rate.quality();
        loop {
            let (channels, bits) = code(&layout, spread, &ordered, quality);
            if bits <= largest - 128 {
                self.rate.used(bits);
                return write::frame(&layout, &channels, &mid);
            }
            quality *= 1.5;
        }
    }
}

impl Input {
    fn new() -> Self {
        Self {
            samples: vec![0.0; 3 * FRAME],
            detector: Detector::default(),
            windowed: vec![0.0; 2 * FRAME],
            spectrum: vec![0.0; LINES],
        }
    }

    fn shift(&mut self, hop: impl Iterator<Item = i16>) {
        self.samples.copy_within(FRAME.., 0);
        for (to, from) in self.samples[2 * FRAME..].iter_mut().zip(hop) {
            *to = f32::from(from);
        }
    }

    /// The spectrum of the first two hops.
    fn analyse(&mut self, sequence: Sequence, long: &mut Mdct, short: &mut Mdct) {
        if sequence == Sequence::EightShort {
            for window in 0..8 {
                let start = FIRST_SHORT + window * SHORT_LINES;
                let samples = &self.samples[start..start + 2 * SHORT_LINES];
                let windowed = &mut self.windowed[..2 * SHORT_LINES];
                let slope = short.slope.iter().chain(short.slope.iter().rev());
                for ((to, from), factor) in windowed.iter_mut().zip(samples).zip(slope) {
                    *to = from * factor;
                }
                let lines = &mut self.spectrum[window * SHORT_LINES..][..SHORT_LINES];
                short.transform(windowed, lines);
            }
            return;
        }
        let (rise, fall) = self.windowed.split_at_mut(FRAME);
        let (before, after) = self.samples[..2 * FRAME].split_at(FRAME);
        slope(
            before.iter(),
            rise.iter_mut(),
            long,
            short,
            sequence == Sequence::LongStop,
        );
        let starts = sequence == Sequence::LongStart;
        slope(
            after.iter().rev(),
            fall.iter_mut().rev(),
            long,
            short,
            starts,
        );
        long.transform(&self.windowed, &mut self.spectrum);
    }
}

/// One half of a long window, from its outer end: the slope of a long one, or silence, that of a short one, and all.
fn slope<'a>(
    from: impl Iterator<Item = &'a f32>,
    to: impl Iterator<Item = &'a mut f32>,
    long: &Mdct,
    short: &Mdct,
    is_steep: bool,
) {
    for (n, (to, from)) in to.zip(from).enumerate() {
        let factor = match n.checked_sub(FIRST_SHORT) {
            _ if !is_steep => long.slope[n],
            None => 0.0,
            Some(n) => short.slope.get(n).copied().unwrap_or(1.0),
        };
        *to = from * factor;
    }
}

/// The windows before an attack, the two in which it lies, and the rest.
fn grouping(attack: Option<usize>) -> Vec<usize> {
    match attack {
        None => vec![8],
        Some(0) => vec![2, 6],
        Some(attack @ 1..=5) => vec![attack, 2, 6 - attack],
        Some(attack) => vec![attack.min(7), 8 - attack.min(7)],
    }
}

/// Puts half of sum and difference in the place of the channels where that leaves less to code, and says where.
fn share(layout: &Layout, left: &mut [f32], right: &mut [f32]) -> Vec<bool> {
    let bands = layout.bounds.windows(2);
    bands
        .map(|band| {
            let (left, right) = (&mut left[band[0]..band[1]], &mut right[band[0]..band[1]]);
            let (mut apart, mut shared) = ((0.0f32, 0.0f32), (0.0f32, 0.0f32));
            for (l, r) in left.iter().zip(&*right) {
                apart = (apart.0 + l * l, apart.1 + r * r);
                let (m, s) = (f32::midpoint(*l, *r), f32::midpoint(*l, -*r));
                shared = (shared.0 + m * m, shared.1 + s * s);
            }
            // Bits go with the logarithm of the energy of each.
            let is_mid =
                (shared.0 + 1.0) * (shared.1 + 1.0) < (apart.0 + 1.0) * (apart.1 + 1.0) / 2.0;
            if is_mid {
                for (l, r) in left.iter_mut().zip(right) {
                    (*l, *r) = (f32::midpoint(*l, *r), f32::midpoint(*l, -*r));
                }
            }
            is_mid
        })
        .collect()
}

/// All channels with this quality, and about how many bits they take.
fn code(
    layout: &Layout,
    spread: &Spread,
    ordered: &[Vec<f32>],
    quality: f32,
) -> (Vec<Channel>, u32) {
    let mut bits = 0;
    let channels = ordered
        .iter()
        .map(|lines| {
            let mut noise = Vec::with_capacity(layout.bands());
            let energies: Vec<f32> = layout
                .bounds
                .windows(2)
                .map(|band| lines[band[0]..band[1]].iter().map(|line| line * line).sum())
                .collect();
            let widths = |group: usize| {
                let bounds = &layout.bounds[group * layout.per_group..];
                let bounds = bounds[..=layout.per_group].windows(2);
                bounds.map(|band| f32::from(u16::try_from(band[1] - band[0]).unwrap_or(1)))
            };
            for (group, energies) in energies.chunks(layout.per_group.max(1)).enumerate() {
                spread.noise(energies, widths(group), quality, &mut noise);
            }
            let mut quantised = Quantised::default();
            quantised.fill(layout, lines, &noise);
            let (books, lines) = sections::choose(layout, &quantised.lines);
            let factors = quantised.differences(&books);
            bits += lines + factors.map(|(len, _)| u32::from(len)).sum::<u32>() + 24;
            Channel { quantised, books }
        })
        .collect();
    (channels, bits)
}
