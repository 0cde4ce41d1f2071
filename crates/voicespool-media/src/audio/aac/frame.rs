//! One frame's lines, in the order in which they are coded: groups of windows, bands, windows.

use crate::audio::aac::bands;

/// Lines of a frame, all windows together.
pub(super) const LINES: usize = 1024;
pub(super) const SHORT_LINES: usize = 128;
const SHORT_WINDOWS: usize = 8;

/// How the windows of a frame lie, as in `window_sequence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequence {
    OnlyLong,
    LongStart,
    EightShort,
    LongStop,
}

impl Sequence {
    /// As `window_sequence` has it.
    pub(super) fn code(self) -> u32 {
        match self {
            Self::OnlyLong => 0,
            Self::LongStart => 1,
            Self::EightShort => 2,
            Self::LongStop => 3,
        }
    }
}

/// Where the bands of a frame lie among its lines.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) sequence: Sequence,
    /// Windows of each group; one group of one window in a long frame.
    pub(super) groups: Vec<usize>,
    /// Bands that are coded, of each group.
    pub(super) per_group: usize,
    /// First line of each band of each group, and the end of the last.
    pub(super) bounds: Vec<usize>,
    /// The windows' bands, for putting lines in order.
    offsets: &'static [u16],
}

impl Layout {
    pub(super) fn long(sequence: Sequence, rate_index: usize, cutoff: f32) -> Self {
        Self::new(sequence, bands::long(rate_index), vec![1], cutoff)
    }

    /// `groups` holds the windows of each group, eight in all.
    pub(super) fn short(rate_index: usize, groups: Vec<usize>, cutoff: f32) -> Self {
        debug_assert_eq!(groups.iter().sum::<usize>(), SHORT_WINDOWS);
        Self::new(
            Sequence::EightShort,
            bands::short(rate_index),
            groups,
            cutoff,
        )
    }

    /// `cutoff` is the part of the spectrum that is coded, up to 1.
    fn new(sequence: Sequence, offsets: &'static [u16], groups: Vec<usize>, cutoff: f32) -> Self {
        let lines = f32::from(offsets.last().copied().unwrap_or(0));
        let per_group = offsets
            .iter()
            .take_while(|&&start| f32::from(start) < cutoff * lines)
            .count()
            .min(offsets.len() - 1);
        let mut bounds = Vec::with_capacity(groups.len() * per_group + 1);
        let mut at = 0;
        for windows in &groups {
            for band in offsets[..=per_group].windows(2) {
                bounds.push(at);
                at += usize::from(band[1] - band[0]) * windows;
            }
        }
        bounds.push(at);
        Self {
            sequence,
            groups,
            per_group,
            bounds,
            offsets,
        }
    }

    /// Bands of all groups.
    pub(super) fn bands(&self) -> usize {
        self.bounds.len() - 1
    }

    pub(super) fn is_short(&self) -> bool {
        self.sequence == Sequence::EightShort
    }

    /// The lines of a frame's windows, one after another, in the order of this layout.
    pub(super) fn order(&self, lines: &[f32], ordered: &mut Vec<f32>) {
        ordered.clear();
        if !self.is_short() {
            let end = self.bounds.last().copied().unwrap_or(0);
            ordered.extend_from_slice(&lines[..end]);
            return;
        }
        let mut first = 0;
        for &windows in &self.groups {
            for band in self.offsets[..=self.per_group].windows(2) {
                for window in first..first + windows {
                    let start = window * SHORT_LINES;
                    let (from, to) = (usize::from(band[0]), usize::from(band[1]));
                    ordered.extend_from_slice(&lines[start + from..start + to]);
                }
            }
            first += windows;
        }
    }

    /// `scale_factor_grouping`: a bit for each window but the first, set where it goes with the one before.
    pub(super) fn grouping(&self) -> u32 {
        let mut bits = 0;
        for &windows in &self.groups {
            for window in 0..windows {
                bits = (bits << 1) | u32::from(window > 0);
            }
        }
        bits
    }

    /// Middle of each band of one group, in lines of a long window.
    pub(super) fn middles(&self) -> impl Iterator<Item = f32> {
        let scale = if self.is_short() { 8.0 } else { 1.0 };
        self.offsets[..=self.per_group]
            .windows(2)
            .map(move |band| scale * (f32::from(band[0]) + f32::from(band[1])) / 2.0)
    }
}
