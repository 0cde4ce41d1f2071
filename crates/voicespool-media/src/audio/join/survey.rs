//! A look at all clips before they are joined: the silence at their ends, and how loud they are together.
//!
//! A pause is what a listener hears. So the silence that a clip brings along counts: if it is shorter than the
//! pause, the rest is added; if it is longer, what is too much is cut off its far end, never nearer to a sound
//! than [`GUARD`]. What counts as silence follows the clip (40 dB below its loudest 10 ms).

use crate::audio::decode::{DecodeError, Shape, decode};
use crate::audio::join::{Clip, JoinError, Mastering, decoding};
use crate::audio::level::Meter;
use crate::audio::loudness::{self, LoudnessMeter};
use crate::domain::AudioMillis;

/// Silence that is never cut off a sound: it may fade into it.
const GUARD: u64 = 30;
/// Of the silence between two clips, the part that is left to the first: sounds die away more slowly than they set in.
const LEFT_TO_THE_FIRST: (u64, u64) = (2, 3);
/// The largest sample after loudness was set: -1.5 dB, so that no peak between samples exceeds -1 dB by much.
const CEILING: f64 = 0.841 * 32_768.0;

/// What becomes of one clip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Edges {
    /// Silence before its first sound and after its last one, where it was measured.
    pub(super) lead: AudioMillis,
    pub(super) tail: AudioMillis,
    /// What is cut off them.
    pub(super) cut_lead: AudioMillis,
    pub(super) cut_tail: AudioMillis,
    /// What is added behind it.
    pub(super) pause: AudioMillis,
}

impl Edges {
    /// The same for a clip that is taken whole.
    pub(super) fn uncut(self) -> Self {
        Self {
            cut_lead: AudioMillis(0),
            cut_tail: AudioMillis(0),
            ..self
        }
    }
}

/// What the survey found.
#[derive(Debug, Clone)]
pub(super) struct Survey {
    pub(super) edges: Vec<Edges>,
    /// What samples are multiplied with.
    pub(super) gain: f32,
    pub(super) level: Option<Level>,
}

/// How the loudness was set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Of the clips as they came, in LUFS.
    pub before: f64,
    /// In decibels.
    pub gain: f64,
    /// Peaks did not allow as much as was asked for.
    pub is_limited: bool,
}

/// Looks at `clips`, as far as `mastering` needs it.
pub(super) fn survey(clips: &[Clip], mastering: Mastering) -> Result<Survey, JoinError> {
    if !mastering.heard && mastering.loudness.is_none() {
        return Ok(Survey {
            edges: clips.iter().map(as_it_is).collect(),
            gain: 1.0,
            level: None,
        });
    }
    let mut loudness: Option<LoudnessMeter> = None;
    let mut peak = 0;
    let mut silences = Vec::with_capacity(clips.len());
    for clip in clips {
        let mut meter: Option<Meter> = None;
        let decoded = decode::<DecodeError>(&clip.path, |shape, samples| {
            meter.get_or_insert_with(|| Meter::new(shape)).add(samples);
            if mastering.loudness.is_some() {
                measure(&mut loudness, shape, samples);
            }
            Ok(())
        });
        decoded.map_err(|source| decoding(clip, source))?;
        let levels = meter.map(Meter::finish);
        peak = peak.max(levels.map_or(0, |levels| levels.peak));
        silences.push(levels.map_or_else(Default::default, |levels| (levels.lead, levels.tail)));
    }
    let mut edges: Vec<Edges> = clips.iter().map(as_it_is).collect();
    if mastering.heard {
        for (edges, (lead, tail)) in edges.iter_mut().zip(&silences) {
            (edges.lead, edges.tail) = (*lead, *tail);
        }
        for at in 1..edges.len() {
            if let [before, after] = &mut edges[at - 1..=at] {
                meet(before, after);
            }
        }
    }
    let level = mastering.loudness.and_then(|wanted| {
        let before = loudness.as_ref().and_then(LoudnessMeter::integrated)?;
        let asked = wanted.lufs() - before;
        let most = 20.0 * (CEILING / f64::from(peak.max(1))).log10();
        Some(Level {
            before,
            gain: asked.min(most),
            is_limited: asked > most,
        })
    });
    Ok(Survey {
        edges,
        gain: level.map_or(1.0, |level| loudness::factor(level.gain)),
        level,
    })
}

fn as_it_is(clip: &Clip) -> Edges {
    Edges {
        pause: clip.pause_after,
        ..Edges::default()
    }
}

fn measure(meter: &mut Option<LoudnessMeter>, shape: Shape, samples: &[i16]) {
    meter
        .get_or_insert_with(|| LoudnessMeter::new(shape))
        .add(samples);
}

/// Settles the silence between two clips.
fn meet(before: &mut Edges, after: &mut Edges) {
    let wanted = before.pause.0;
    let (tail, lead) = (before.tail.0, after.lead.0);
    before.pause = AudioMillis(wanted.saturating_sub(tail + lead));
    if tail + lead <= wanted {
        return;
    }
    let (part, whole) = LEFT_TO_THE_FIRST;
    let share = wanted * part / whole;
    // What one of them does not have, the other may keep.
    let kept_tail = share.max(wanted.saturating_sub(lead)).max(GUARD).min(tail);
    let kept_lead = wanted.saturating_sub(kept_tail).max(GUARD).min(lead);
    before.cut_tail = AudioMillis(tail - kept_tail);
    after.cut_lead = AudioMillis(lead - kept_lead);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(lead: u64, tail: u64, pause: u64) -> Edges {
        Edges {
            lead: AudioMillis(lead),
            tail: AudioMillis(tail),
            pause: AudioMillis(pause),
            ..Edges::default()
        }
    }

    #[test]
    fn the_silence_between_two_clips_is_the_pause() {
        for (tail, lead, pause) in [
            (0, 0, 600),
            (570, 100, 600),
            (570, 100, 250),
            (200, 500, 250),
            (10, 700, 900),
            (900, 0, 250),
            (0, 900, 100),
        ] {
            let (mut before, mut after) = (edges(0, tail, pause), edges(lead, 0, 0));

            meet(&mut before, &mut after);

            let heard = tail - before.cut_tail.0 + before.pause.0 + lead - after.cut_lead.0;
            assert_eq!(heard, pause, "{tail} and {lead} for {pause}");
        }
    }

    #[test]
    fn nothing_is_cut_where_a_sound_may_fade() {
        let (mut before, mut after) = (edges(0, 300, 0), edges(300, 0, 0));

        meet(&mut before, &mut after);

        assert_eq!(before.cut_tail, AudioMillis(300 - GUARD));
        assert_eq!(after.cut_lead, AudioMillis(300 - GUARD));
    }
}
