//! A look at all clips before they are joined: the silence at their ends, and how loud they are together.
//!
//! A pause is what a listener hears. So the silence that a clip brings along counts: if it is shorter than the
//! pause, the rest is added; if it is longer, what is too much is cut off its far end, never nearer to a sound
//! than [`GUARD`]. What counts as silence follows the clip (40 dB below its loudest 10 ms).

use crate::audio::decode::{DecodeError, Shape, decode};
use crate::audio::join::{Clip, JoinError, Mastering, decoding};
use crate::audio::level::{Levels, Meter};
use crate::audio::loudness::{self, LoudnessMeter};
use crate::domain::{Aim, AudioMillis};

/// Silence that is never cut off a sound: it may fade into it.
const GUARD: u64 = 30;
/// Of the silence between two clips, the part that is left to the first: sounds die away more slowly than they set in.
const LEFT_TO_THE_FIRST: (u64, u64) = (2, 3);
/// The largest sample.
const FULL: f64 = 32_768.0;

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
    /// Silence before the first clip, where some is asked for.
    pub(super) head: Option<AudioMillis>,
    /// What samples are multiplied with.
    pub(super) gain: f32,
    pub(super) level: Option<Level>,
}

/// How the loudness was set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// What was aimed at.
    pub aim: Aim,
    /// Of the clips as they came, in its unit; RMS with the pauses between them.
    pub before: f64,
    /// In decibels.
    pub gain: f64,
    /// Peaks did not allow as much as was asked for.
    pub is_limited: bool,
}

/// Looks at `clips`, as far as `mastering` needs it.
pub(super) fn survey(clips: &[Clip], mastering: Mastering) -> Result<Survey, JoinError> {
    let aim = mastering.aim();
    if !mastering.heard && aim.is_none() {
        return Ok(Survey {
            edges: clips.iter().map(as_it_is).collect(),
            head: None,
            gain: 1.0,
            level: None,
        });
    }
    let heard = listen(clips, aim.is_some())?;
    let mut edges: Vec<Edges> = clips.iter().map(as_it_is).collect();
    if mastering.heard {
        for (edges, levels) in edges.iter_mut().zip(&heard.clips) {
            (edges.lead, edges.tail) = (levels.lead, levels.tail);
        }
        for at in 1..edges.len() {
            if let [before, after] = &mut edges[at - 1..=at] {
                meet(before, after);
            }
        }
    }
    let ahead = mastering
        .standard
        .map(|standard| ends(standard.ends(), &mut edges, &heard.clips));
    let level = aim.and_then(|(aim, ceiling)| {
        let before = match aim {
            Aim::Lufs(_) => heard.loudness.as_ref()?.integrated()?,
            Aim::Rms(_) => heard.rms(&edges, ahead)?,
        };
        let asked = aim.value() - before;
        let most = ceiling - 20.0 * (f64::from(heard.peak.max(1)) / FULL).log10();
        Some(Level {
            aim,
            before,
            gain: asked.min(most),
            is_limited: asked > most,
        })
    });
    Ok(Survey {
        edges,
        head: ahead,
        gain: level.map_or(1.0, |level| loudness::factor(level.gain)),
        level,
    })
}

/// What was heard in the clips.
struct Heard {
    clips: Vec<Levels>,
    peak: u16,
    loudness: Option<LoudnessMeter>,
}

fn listen(clips: &[Clip], is_loud: bool) -> Result<Heard, JoinError> {
    let mut heard = Heard {
        clips: Vec::with_capacity(clips.len()),
        peak: 0,
        loudness: None,
    };
    for clip in clips {
        let mut meter: Option<Meter> = None;
        let decoded = decode::<DecodeError>(&clip.path, |shape, samples| {
            meter.get_or_insert_with(|| Meter::new(shape)).add(samples);
            if is_loud {
                measure(&mut heard.loudness, shape, samples);
            }
            Ok(())
        });
        decoded.map_err(|source| decoding(clip, source))?;
        let levels = meter.map(Meter::finish).unwrap_or_default();
        heard.peak = heard.peak.max(levels.peak);
        heard.clips.push(levels);
    }
    Ok(heard)
}

impl Heard {
    /// Root mean square of the file to be, in dB of full scale: nothing is louder for the silence in it.
    fn rms(&self, edges: &[Edges], head: Option<AudioMillis>) -> Option<f64> {
        let (mut squares, mut length) = (0.0, seconds(head.unwrap_or_default()));
        for (levels, edges) in self.clips.iter().zip(edges) {
            let cut = AudioMillis(edges.cut_lead.0 + edges.cut_tail.0);
            let rms = f64::from(levels.rms);
            squares += rms * rms * seconds(levels.length);
            length += seconds(levels.length) - seconds(cut) + seconds(edges.pause);
        }
        let mean = squares / length.max(1e-3);
        (mean > 0.0).then(|| 10.0 * mean.log10() - 20.0 * FULL.log10())
    }
}

fn seconds(time: AudioMillis) -> f64 {
    time.seconds()
}

/// Brings the quiet at both ends to `wanted`; returns what is missing before the first clip.
fn ends(wanted: (AudioMillis, AudioMillis), edges: &mut [Edges], clips: &[Levels]) -> AudioMillis {
    let (head, tail) = wanted;
    let mut missing = head;
    if let (Some(first), Some(levels)) = (edges.first_mut(), clips.first()) {
        first.lead = levels.lead;
        first.cut_lead = AudioMillis(levels.lead.0.saturating_sub(head.0));
        missing = AudioMillis(head.0.saturating_sub(levels.lead.0));
    }
    if let (Some(last), Some(levels)) = (edges.last_mut(), clips.last()) {
        last.tail = levels.tail;
        last.cut_tail = AudioMillis(levels.tail.0.saturating_sub(tail.0));
        last.pause = AudioMillis(tail.0.saturating_sub(levels.tail.0));
    }
    missing
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
