//! A recording made small enough for one upload: one channel, AAC in MP4.
//!
//! Nothing is cut and nothing is resampled: what is heard is all there, at fewer bits. Speech stays as easy to
//! understand (STOI 0.98 at 24,000 bits a second; `docs/audiobooks.md` has the figures of the encoder).

use std::fs::File;
use std::path::Path;

use crate::audio::aac;
use crate::audio::decode::{Shape, decode_tolerant};
use crate::audio::join::m4b::M4bSink;
use crate::audio::join::{Clip, JoinError, Joined, SampleSink, Stop, Tags, decoding};
use crate::audio::probe::AudioFacts;
use crate::audio::sample::mix;
use crate::domain::{AudioMillis, Stretch};

/// Fewer bits a second make words hard to tell.
const LOWEST: u64 = 24_000;
/// More bits tell a listener nothing new.
const HIGHEST: u64 = 64_000;
/// Of what may be uploaded, the part that is aimed at: an average is no promise, and a form has headers.
const AIM: (u64, u64) = (9, 10);

/// Why a recording could not be made smaller.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    #[error("it cannot be decoded to its end")]
    Decode(#[source] JoinError),
    #[error("the smaller file cannot be written")]
    Write(#[source] JoinError),
    #[error("it was called off")]
    Stopped,
}

/// The bits a second at which `duration` of speech fits into `most` bytes; `None` if it cannot be understood at so few.
pub fn fitting_rate(duration: AudioMillis, most: u64) -> Option<u32> {
    let (part, whole) = AIM;
    let bits = u128::from(most) * 8 * u128::from(part) / u128::from(whole);
    let rate = bits * 1000 / u128::from(duration.0.max(1));
    let rate = u64::try_from(rate).unwrap_or(u64::MAX).min(HIGHEST);
    u32::try_from(rate).ok().filter(|_| rate >= LOWEST)
}

/// The longest speech that fits into `most` bytes.
pub fn longest_in(most: u64) -> AudioMillis {
    let (part, whole) = AIM;
    let bits = u128::from(most) * 8 * u128::from(part) / u128::from(whole);
    AudioMillis(u64::try_from(bits * 1000 / u128::from(LOWEST)).unwrap_or(u64::MAX))
}

/// Whether a recording can be decoded and coded again here.
pub fn can_shrink(facts: &AudioFacts) -> bool {
    let mono = Shape {
        sample_rate: facts.sample_rate,
        channels: 1,
    };
    let is_decoded = facts.codec != "opus" || facts.channels <= 2;
    is_decoded && aac::Encoder::new(mono, 64_000).is_ok()
}

/// Writes the recording at `path`, or the `part` of it, to `out` at about `bit_rate`. `is_stopped` is asked now and then.
pub fn shrink(
    path: &Path,
    part: Option<Stretch>,
    bit_rate: u32,
    out: &mut File,
    is_stopped: impl Fn() -> bool,
) -> Result<Joined, ShrinkError> {
    let tags = Tags::default();
    let clips = [Clip {
        path: path.to_owned(),
        pause_after: AudioMillis(0),
        chapter: None,
    }];
    let mut sink = M4bSink::new(out, &tags, &clips, Some(bit_rate));
    let mut reach: Option<Reach> = None;
    let mut mono = Vec::new();
    let mut ended = None;
    let decoded = decode_tolerant::<Stop>(path, |shape, samples| {
        if is_stopped() {
            ended = Some(Ended::Stopped);
            return Err(Stop::Join(JoinError::NoClips));
        }
        let reach = match &mut reach {
            Some(reach) => reach,
            None => {
                let mono = Shape {
                    channels: 1,
                    ..shape
                };
                sink.begin(mono).map_err(Stop::Join)?;
                reach.insert(Reach::new(part, shape.sample_rate))
            }
        };
        mix(samples, shape.channels, &mut mono);
        sink.add(reach.take(&mono)).map_err(Stop::Join)?;
        if reach.is_past() {
            ended = Some(Ended::Past);
            return Err(Stop::Join(JoinError::NoClips));
        }
        Ok(())
    });
    match (decoded, ended) {
        (Ok(_), _) | (_, Some(Ended::Past)) => {}
        (_, Some(Ended::Stopped)) => return Err(ShrinkError::Stopped),
        (Err(Stop::Decode(error)), None) => {
            return Err(ShrinkError::Decode(decoding(&clips[0], error)));
        }
        (Err(Stop::Join(error)), None) => return Err(ShrinkError::Write(error)),
    }
    let (frames, sample_rate) = reach.map_or((0, 1), |reach| (reach.taken, reach.sample_rate));
    let joined = joined_of(frames, sample_rate);
    sink.finish(&joined).map_err(ShrinkError::Write)?;
    Ok(joined)
}

/// So many frames of one channel.
fn joined_of(frames: u64, sample_rate: u32) -> Joined {
    Joined {
        sample_rate,
        channels: 1,
        frames,
        duration: AudioMillis::of_frames(frames, sample_rate),
        clips: Vec::new(),
        muted: 0,
        level: None,
        coded_rate: None,
        coder: None,
    }
}

/// Why decoding was ended before the end of the file.
enum Ended {
    Stopped,
    /// What is behind the part is not needed.
    Past,
}

/// The frames of a part, and those that went by.
struct Reach {
    sample_rate: u32,
    from: u64,
    to: u64,
    passed: u64,
    taken: u64,
}

impl Reach {
    fn new(part: Option<Stretch>, sample_rate: u32) -> Self {
        let frames = |time: AudioMillis| {
            let frames = u128::from(time.0) * u128::from(sample_rate) / 1_000;
            u64::try_from(frames).unwrap_or(u64::MAX)
        };
        let (from, to) = part.map_or((0, u64::MAX), |part| (frames(part.start), frames(part.end)));
        Self {
            sample_rate,
            from,
            to,
            passed: 0,
            taken: 0,
        }
    }

    /// What of the next `samples` of one channel is of the part.
    fn take<'a>(&mut self, samples: &'a [i16]) -> &'a [i16] {
        let count = u64::try_from(samples.len()).unwrap_or(u64::MAX);
        let within = |at: u64| usize::try_from(at.saturating_sub(self.passed).min(count));
        let part = match (within(self.from), within(self.to)) {
            (Ok(from), Ok(to)) => samples.get(from..to).unwrap_or_default(),
            _ => &[],
        };
        self.passed += count;
        self.taken += u64::try_from(part.len()).unwrap_or(u64::MAX);
        part
    }

    fn is_past(&self) -> bool {
        self.passed >= self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An MP3 with junk in its middle and half a frame at its end, as interrupted downloads leave them.
    #[test]
    fn a_damaged_recording_keeps_what_is_whole_in_it() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
        let whole = std::fs::read(fixtures.join("no-xing-vbr.mp3")).unwrap();
        let length = |bytes: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            std::io::Write::write_all(&mut file, bytes).unwrap();
            let mut out = tempfile::tempfile().unwrap();
            shrink(file.path(), None, 32_000, &mut out, || false)
                .unwrap()
                .frames
        };
        let frames = length(&whole);
        let middle = whole.len() / 2;
        let mut damaged = whole[..middle].to_vec();
        damaged.extend([0x55; 3_000]);
        damaged.extend_from_slice(&whole[middle..whole.len() - 20]);

        let kept = length(&damaged);

        // The frame that was cut through, those around the junk, and the last one.
        assert!(
            kept < frames && kept + 6 * 1_152 >= frames,
            "{kept} of {frames}"
        );
        let stopped = shrink(
            &fixtures.join("no-xing-vbr.mp3"),
            None,
            32_000,
            &mut tempfile::tempfile().unwrap(),
            || true,
        );
        assert!(matches!(stopped, Err(ShrinkError::Stopped)), "{stopped:?}");
    }

    /// A clip ends where the next one begins, to the frame.
    #[test]
    fn parts_of_a_recording_are_all_of_it() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
        let frames = |part| {
            let mut out = tempfile::tempfile().unwrap();
            shrink(&fixtures.join("short.ogg"), part, 32_000, &mut out, || {
                false
            })
            .unwrap()
            .frames
        };
        let part = |start, end| {
            Some(Stretch {
                start: AudioMillis(start),
                end: AudioMillis(end),
            })
        };

        assert_eq!(frames(None), 36_000);
        let parts = [(0, 333), (333, 334), (334, 5_000)];
        let parts = parts.map(|(start, end)| frames(part(start, end)));
        assert_eq!(parts.iter().sum::<u64>(), 36_000, "{parts:?}");
        assert!(parts[1] <= 48, "{parts:?}");
    }

    #[test]
    fn the_rate_is_what_fits_and_no_more_than_helps() {
        let minutes = |minutes: u64| AudioMillis(minutes * 60_000);
        let most = 25_000_000;

        assert_eq!(fitting_rate(minutes(10), most), Some(64_000));
        let hour_and_a_half = fitting_rate(minutes(90), most).unwrap();
        assert!(
            (33_000..34_000).contains(&hour_and_a_half),
            "{hour_and_a_half}"
        );
        assert_eq!(fitting_rate(minutes(180), most), None);
        assert!(fitting_rate(longest_in(most), most).is_some());
        assert_eq!(
            fitting_rate(AudioMillis(longest_in(most).0 + 1_000), most),
            None
        );
    }
}
