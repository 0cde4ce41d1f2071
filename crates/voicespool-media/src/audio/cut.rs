//! Where a recording that is too long for one request is cut.
//!
//! In a pause, wherever there is one: no voice for a third of a second, and quiet. A pause that is not quiet (music,
//! noise) may hide words from the detector, so there, and where nobody stops talking, the clips overlap, and the words
//! tell later where one goes over into the next ([`crate::subtitle::seam`]).

use std::path::Path;

use crate::audio::decode::DecodeError;
use crate::audio::voice::{LOOK_MS, Listened, listen};
use crate::domain::{AudioMillis, Stretch};

/// Of two clips that meet in speech or noise.
pub const OVERLAP: AudioMillis = AudioMillis(4_000);
/// A pause between two sentences; between two words there is less.
const PAUSE: u64 = 300;
/// Quiet wherever it is, in dBFS.
const QUIET: f32 = -60.0;
/// How far above the quietest places of its surroundings a quiet one may be, and how far above that the loud ones
/// have to be, for quiet to mean anything. In decibels.
const ABOVE_FLOOR: f32 = 6.0;
const CONTRAST: f32 = 12.0;
/// Shorter clips are not made.
pub const SHORTEST: AudioMillis = AudioMillis(30_000);

/// Why a recording could not be cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    #[error("it cannot be decoded to its end")]
    Decode(#[from] DecodeError),
    #[error("it was called off")]
    Stopped,
}

/// The clips of the recording at `path`, in order, none longer than `most`: all of it, and nothing twice but where two
/// overlap. `is_stopped` is asked now and then.
pub fn cut(
    path: &Path,
    most: AudioMillis,
    is_stopped: impl Fn() -> bool,
) -> Result<Vec<Stretch>, CutError> {
    let listened = listen(path, || {
        if is_stopped() {
            return Err(CutError::Stopped);
        }
        Ok(())
    })?;
    Ok(places(&listened, most))
}

/// As many clips as a recording of `length` may be cut into, and how long they are together, overlaps counted.
pub fn at_most(length: AudioMillis, most: AudioMillis) -> (u64, AudioMillis) {
    let most = most.max(SHORTEST);
    if length <= most {
        return (1, length);
    }
    // No clip but the last two is shorter than half of the window less an overlap, and those two fill it together.
    let least = most.0 / 2 - OVERLAP.0;
    let clips = (length.0 / least).max(2);
    (clips, AudioMillis(length.0 + (clips - 1) * OVERLAP.0))
}

/// Where a recording is cut of which `listened` was heard.
fn places(listened: &Listened, most: AudioMillis) -> Vec<Stretch> {
    let most = most.max(SHORTEST).0;
    let length = listened.length.0;
    let mut clips = Vec::new();
    let mut start = 0;
    while length - start > most {
        let left = length - start;
        // The last cut leaves no crumb behind it.
        let (from, to) = if left * 2 <= most * 3 {
            (
                start + (left - most).max(left / 4),
                start + most.min(left / 4 * 3),
            )
        } else {
            (start + most / 2, start + most)
        };
        let (end, next) = match pause_in(listened, from, to) {
            Some(at) => (at, at),
            None => (to, to - OVERLAP.0),
        };
        clips.push(stretch(start, end));
        start = next;
    }
    clips.push(stretch(start, length));
    clips
}

fn stretch(start: u64, end: u64) -> Stretch {
    Stretch {
        start: AudioMillis(start),
        end: AudioMillis(end),
    }
}

/// The middle of the longest pause between `from` and `to`.
fn pause_in(listened: &Listened, from: u64, to: u64) -> Option<u64> {
    let index = |time: u64| usize::try_from(time / LOOK_MS).unwrap_or(usize::MAX);
    let levels = &listened.levels;
    let (first, last) = (index(from).min(levels.len()), index(to).min(levels.len()));
    let quiet = quiet_below(levels.get(first..last)?);
    let voices = &listened.voices;
    let mut voice = voices.partition_point(|voice| voice.end.0 <= from);
    let mut longest: Option<(u64, u64)> = None;
    let mut begun: Option<u64> = None;
    for (at, level) in (first..).zip(&levels[first..last]) {
        let time = LOOK_MS * u64::try_from(at).unwrap_or(u64::MAX);
        while voices.get(voice).is_some_and(|voice| voice.end.0 <= time) {
            voice += 1;
        }
        let is_voice = voices
            .get(voice)
            .is_some_and(|voice| voice.start.0 < time + LOOK_MS);
        if is_voice || *level > quiet {
            begun = None;
            continue;
        }
        let start = *begun.get_or_insert(time);
        let end = time + LOOK_MS;
        let is_longest = longest.is_none_or(|(first, last)| end - start > last - first);
        if end - start >= PAUSE && is_longest {
            longest = Some((start, end));
        }
    }
    longest.map(|(start, end)| start.midpoint(end))
}

/// The level up to which it is quiet where it is as loud as `levels`.
fn quiet_below(levels: &[f32]) -> f32 {
    let mut sorted = levels.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let share = |part: usize| sorted.get(sorted.len() * part / 100).copied();
    match (share(5), share(90)) {
        (Some(floor), Some(loud)) if loud - floor >= ABOVE_FLOOR + CONTRAST => {
            QUIET.max(floor + ABOVE_FLOOR)
        }
        _ => QUIET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Speech of `length` with pauses of `pause` at the given times, all at `level` but the pauses.
    fn speech(length: u64, pauses: &[(u64, u64)], level: f32, floor: f32) -> Listened {
        let mut voices = Vec::new();
        let mut start = 0;
        for &(from, to) in pauses {
            voices.push(stretch(start, from));
            start = to;
        }
        voices.push(stretch(start, length));
        let looks = length.div_ceil(LOOK_MS);
        let is_pause = |time: u64| pauses.iter().any(|&(from, to)| (from..to).contains(&time));
        Listened {
            voices,
            levels: (0..looks)
                .map(|look| {
                    if is_pause(look * LOOK_MS) {
                        floor
                    } else {
                        level
                    }
                })
                .collect(),
            length: AudioMillis(length),
        }
    }

    const MINUTE: u64 = 60_000;

    fn all_of_it(clips: &[Stretch], length: u64, most: u64) {
        assert_eq!(clips[0].start.0, 0);
        assert_eq!(clips.last().unwrap().end.0, length);
        assert!(
            clips.iter().all(|clip| clip.length().0 <= most),
            "{clips:?}"
        );
        for pair in clips.windows(2) {
            let overlap = pair[0].end.0 - pair[1].start.0;
            assert!(overlap == 0 || overlap == OVERLAP.0, "{clips:?}");
        }
        let (most_clips, together) = at_most(AudioMillis(length), AudioMillis(most));
        let sum: u64 = clips.iter().map(|clip| clip.length().0).sum();
        assert!(u64::try_from(clips.len()).unwrap() <= most_clips);
        assert!(sum <= together.0);
    }

    #[test]
    fn the_longest_pause_of_the_second_half_is_taken() {
        let pauses = [
            (4 * MINUTE, 4 * MINUTE + 5_000),
            (6 * MINUTE, 6 * MINUTE + 400),
            (8 * MINUTE, 8 * MINUTE + 1_000),
            (9 * MINUTE, 9 * MINUTE + 500),
        ];
        let listened = speech(18 * MINUTE, &pauses, -20.0, -70.0);

        let clips = places(&listened, AudioMillis(10 * MINUTE));

        all_of_it(&clips, 18 * MINUTE, 10 * MINUTE);
        assert_eq!(clips.len(), 2);
        assert!(
            clips[0].end.0.abs_diff(8 * MINUTE + 500) <= LOOK_MS,
            "{clips:?}"
        );
        assert_eq!(clips[1].start, clips[0].end);
    }

    #[test]
    fn a_pause_with_music_in_it_and_speech_without_pauses_overlap() {
        let pauses = [(8 * MINUTE, 8 * MINUTE + 1_000)];
        for listened in [
            speech(18 * MINUTE, &pauses, -20.0, -20.0),
            speech(18 * MINUTE, &[], -20.0, -70.0),
        ] {
            let clips = places(&listened, AudioMillis(10 * MINUTE));

            all_of_it(&clips, 18 * MINUTE, 10 * MINUTE);
            assert_eq!(clips[0].end.0 - clips[1].start.0, OVERLAP.0);
        }
    }

    #[test]
    fn a_pause_under_steady_noise_is_one() {
        // Every ten seconds a second without a voice, in noise of -45 dBFS.
        let pauses: Vec<_> = (1..108)
            .map(|at| (at * 10_000, at * 10_000 + 1_000))
            .collect();
        let listened = speech(18 * MINUTE, &pauses, -20.0, -45.0);

        let clips = places(&listened, AudioMillis(10 * MINUTE));

        assert_eq!(clips[0].end, clips[1].start);
    }

    #[test]
    fn lengths_of_every_kind_are_cut_without_a_rest() {
        let pauses: Vec<_> = (1..500)
            .map(|at| (at * 23_456, at * 23_456 + 700))
            .collect();
        for most in [1, 20, 117] {
            for length in [1, 61, 90, 118, 119, 120, 175, 176, 235, 240, 600] {
                for (pauses, length) in [(&pauses[..], length * MINUTE), (&[], length * MINUTE + 1)]
                {
                    let pauses: Vec<_> = pauses
                        .iter()
                        .copied()
                        .filter(|pause| pause.1 < length)
                        .collect();
                    let listened = speech(length, &pauses, -20.0, -70.0);
                    all_of_it(
                        &places(&listened, AudioMillis(most * MINUTE)),
                        length,
                        most * MINUTE,
                    );
                }
            }
        }
    }

    #[test]
    fn a_recording_that_fits_is_one_clip() {
        let listened = speech(MINUTE, &[], -20.0, -70.0);

        let clips = places(&listened, AudioMillis(MINUTE));

        assert_eq!(clips, [stretch(0, MINUTE)]);
        assert_eq!(at_most(AudioMillis(MINUTE), AudioMillis(MINUTE)).0, 1);
    }
}
