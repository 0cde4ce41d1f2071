//! Audio: measured, decoded, checked and joined, or refused in words.

use std::fs::File;
use std::io::Cursor;
use std::panic::{self, Location};
use std::path::{Path, PathBuf};
use std::sync::Once;

use voicespool::audio::check::SpeechCheck;
use voicespool::audio::container::sniff;
use voicespool::audio::decode::{DecodeError, Decoded, decode};
use voicespool::audio::mp3::{FrameError, Info, Scanner, frames};
use voicespool::audio::wav::{Extent, read_frames, read_header};
use voicespool::audio::{
    Clip, Mastering, SpokenLength, Tags, check_speech, join as join_clips, probe, verify_joined,
};
use voicespool::domain::{AudioFormat, AudioMillis, CharCount, FileFormat};

use super::input::{Input, assert_one_line, on_disk};

/// Any bytes as a WAV.
pub fn wav(data: &[u8]) {
    let mut file = Cursor::new(data);
    match read_header(&mut file) {
        Err(error) => assert_one_line(&error.to_string()),
        Ok(header) => {
            assert!(header.data_start.saturating_add(header.data_bytes) <= length(data.len()));
            let frame = u64::from(header.spec.frame_bytes());
            assert_eq!(
                header.frames() * frame + header.partial_frame(),
                header.data_bytes
            );
            if let Extent::Missing { stated } = header.extent {
                assert!(stated > header.data_bytes);
            }
            let mut samples = 0;
            let read = read_frames::<std::io::Error>(&mut file, &header, |block| {
                samples += length(block.len());
                Ok(())
            });
            assert!(read.is_ok(), "{read:?}");
            assert_eq!(samples, header.frames() * u64::from(header.spec.channels));
            check_header(data, &header);
        }
    }
    check_file(data, AudioFormat::Wav);
}

/// A header that is written again means the same.
fn check_header(data: &[u8], header: &voicespool::audio::wav::WavHeader) {
    let start = usize::try_from(header.data_start).expect("it lies in the file");
    let samples = &data[start..][..usize::try_from(header.data_bytes).expect("so does its end")];
    let mut whole = header
        .spec
        .header(header.data_bytes)
        .expect("small")
        .to_vec();
    whole.extend_from_slice(samples);
    let again = read_header(&mut Cursor::new(whole)).expect("our own header");
    assert_eq!(
        (again.spec, again.data_bytes),
        (header.spec, header.data_bytes)
    );
}

/// Any bytes as an MP3.
pub fn mp3(data: &[u8]) {
    let mut scanner = Scanner::new(Cursor::new(data)).expect("memory can be read");
    let body = scanner.body_bytes();
    let mut at = 0;
    for (idx, step) in frames(data).enumerate() {
        let also = scanner.next_frame().expect("memory can be read");
        assert_eq!(also, Some(step), "in memory and through a reader");
        match step {
            Ok(frame) => {
                assert_eq!((frame.offset, frame.bytes.len()), (at, frame.header.len));
                assert!(frame.main_data_begin() < 512);
                let info = (idx == 0).then(|| Info::of(&frame)).flatten();
                assert!(info.is_none_or(|info| info.delay < 4096 && info.padding < 4096));
                at += length(frame.bytes.len());
            }
            Err(FrameError::Junk { offset, len }) => {
                assert_eq!(offset, at);
                assert!(len > 0, "a step that goes nowhere");
                at += len;
            }
            Err(FrameError::Truncated { offset, missing }) => {
                assert_eq!(offset, at);
                assert!(missing > 0, "nothing is missing");
                at = body;
            }
        }
    }
    assert_eq!(scanner.next_frame().expect("memory can be read"), None);
    assert_eq!(at, body, "every byte belongs to a frame or is reported");
    check_file(data, AudioFormat::Mp3);
}

/// Any bytes as whatever they begin like.
pub fn media(data: &[u8]) {
    let container = sniff(&data[..data.len().min(4096)]);
    let formats = [
        AudioFormat::Wav,
        AudioFormat::Mp3,
        AudioFormat::Flac,
        AudioFormat::Opus,
        AudioFormat::Aac,
    ];
    let answers = |format: &AudioFormat| container.is_some_and(|found| found.answers(*format));
    let format = formats.into_iter().find(answers);
    check_file(data, format.unwrap_or(AudioFormat::Raw));
}

/// libFuzzer ends at a panic even where it is caught. Symphonia's are caught by those who call it.
fn let_symphonia_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map_or("", Location::file);
            if !place.contains("/symphonia-") {
                usual(info);
            }
        }));
    });
}

/// Measured, decoded and checked.
fn check_file(data: &[u8], format: AudioFormat) {
    let_symphonia_panic();
    let file = on_disk(data);
    match probe(file.path()) {
        Err(error) => assert_one_line(&error.to_string()),
        Ok(facts) => {
            assert!(facts.duration > AudioMillis(0) && facts.sample_rate > 0 && facts.channels > 0);
            assert!(!facts.codec.is_empty());
        }
    }
    let decoded = check_decoded(file.path());
    let rules = SpeechCheck::default();
    match check_speech(
        file.path(),
        format,
        &SpokenLength::of_unknown(CharCount(40)),
        &rules,
    ) {
        Err(error) => assert_one_line(&error.to_string()),
        Ok(facts) => {
            assert!(facts.frames > 0 && facts.format == format);
            // What passed as speech decodes, and to what was said; Opus has no decoder here.
            if format != AudioFormat::Opus {
                assert_eq!(decoded.map(|decoded| decoded.frames), Some(facts.frames));
            }
        }
    }
}

/// Decoding hands on what it says it handed on.
fn check_decoded(path: &Path) -> Option<Decoded> {
    let mut frames = 0;
    let decoded = decode::<DecodeError>(path, |shape, samples| {
        let channels = usize::from(shape.channels);
        assert!(samples.len().is_multiple_of(channels), "half a frame");
        frames += length(samples.len() / channels);
        Ok(())
    });
    match decoded {
        Err(error) => {
            assert_one_line(&error.to_string());
            None
        }
        Ok(decoded) => {
            assert_eq!(decoded.frames, frames);
            Some(decoded)
        }
    }
}

/// Between two clips of an input.
const NEXT_CLIP: &[u8] = b"\0|\0|";

/// A byte for the format, one for the pauses, one for the chapters; then up to four clips.
pub fn join(data: &[u8]) {
    let_symphonia_panic();
    let mut input = Input::new(data);
    let formats = [
        FileFormat::Wav,
        FileFormat::Flac,
        FileFormat::Mp3,
        FileFormat::M4b,
    ];
    let format = formats[usize::from(input.byte()) % formats.len()];
    let (pause, chapters) = (input.byte(), input.byte());
    let files: Vec<_> = clips_of(input.rest()).into_iter().map(on_disk).collect();
    let clips: Vec<Clip> = files
        .iter()
        .enumerate()
        .map(|(idx, file)| Clip {
            path: PathBuf::from(file.path()),
            pause_after: AudioMillis((pause % 50).into()),
            chapter: (chapters >> idx & 1 == 1).then(|| format!("{idx}\u{e9}\n")),
        })
        .collect();
    let tags = Tags {
        title: Some("T".repeat(usize::from(chapters >> 4))),
        track: Some(chapters.into()),
        ..Tags::default()
    };
    let out = on_disk(b"what was there before");
    let mut file = File::options()
        .write(true)
        .open(out.path())
        .expect("it is there");
    let joined = match join_clips(&clips, format, Mastering::default(), &tags, &mut file) {
        Err(error) => return assert_one_line(&error.to_string()),
        Ok(joined) => joined,
    };
    let verified = verify_joined(out.path(), &joined, format);
    // An MP3 is copied frame by frame, so clips that do not decode make a file that does not.
    let is_sound =
        format != FileFormat::Mp3 || clips.iter().all(|clip| check_decoded(&clip.path).is_some());
    match verified {
        Ok(_) => {
            assert_eq!(joined.clips.len(), clips.len());
            assert!(joined.frames > 0 && joined.duration >= last_end(&joined.clips));
        }
        Err(error) if is_sound => panic!("{error:?} of sound clips"),
        Err(error) => assert_one_line(&error.to_string()),
    }
}

fn last_end(spans: &[voicespool::audio::Span]) -> AudioMillis {
    spans.last().map_or(AudioMillis(0), |span| span.end)
}

fn clips_of(mut data: &[u8]) -> Vec<&[u8]> {
    let mut clips = Vec::new();
    while clips.len() < 3 {
        let Some(at) = data
            .windows(NEXT_CLIP.len())
            .position(|part| part == NEXT_CLIP)
        else {
            break;
        };
        clips.push(&data[..at]);
        data = &data[at + NEXT_CLIP.len()..];
    }
    clips.push(data);
    clips
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a length fits")
}
