use std::fs::File;
use std::io::Write;
use std::path::Path;

use proptest::prelude::{ProptestConfig, any, proptest};
use tempfile::NamedTempFile;

use crate::audio::SpokenLength;
use crate::audio::check::{CheckError, ClipFacts, SpeechCheck, check_speech};
use crate::audio::join::{Clip, Mastering, Tags, join};
use crate::audio::mp3::frames;
use crate::audio::sample::SampleFormat;
use crate::audio::wav::WavSpec;
use crate::domain::{AudioFormat, AudioMillis, FileFormat};

fn check(bytes: &[u8], format: AudioFormat, chars: u64) -> Result<ClipFacts, CheckError> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    check_speech(
        file.path(),
        format,
        &SpokenLength::of(&"a".repeat(chars.try_into().unwrap())),
        &SpeechCheck::default(),
    )
}

fn reason(bytes: &[u8], format: AudioFormat, chars: u64) -> String {
    check(bytes, format, chars).unwrap_err().to_string()
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path.join("../../tests/fixtures").join(name)).unwrap()
}

/// Something with the loudness of speech.
fn wav(frames: u32, format: SampleFormat, level: i32) -> Vec<u8> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: 8000,
        format,
    };
    let mut data = Vec::new();
    for n in 0..frames {
        let sample = (n as i32 * 7919 % 2001 - 1000) * level / 1000;
        match format {
            SampleFormat::F32 => data.extend((sample as f32 / 32768.0).to_le_bytes()),
            SampleFormat::MuLaw => data.push(n.to_le_bytes()[0]),
            _ => data.extend((sample as i16).to_le_bytes()),
        }
    }
    [&spec.header(data.len() as u64).unwrap()[..], &data].concat()
}

fn flac(frames: u32) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let (path, out) = (dir.path().join("a.wav"), dir.path().join("a.flac"));
    File::create(&path)
        .unwrap()
        .write_all(&wav(frames, SampleFormat::S16, 9000))
        .unwrap();
    let clip = Clip {
        path,
        pause_after: AudioMillis(0),
        chapter: None,
    };
    let mut file = File::create(&out).unwrap();
    join(
        &[clip],
        FileFormat::Flac,
        Mastering::default(),
        &Tags::default(),
        &mut file,
    )
    .unwrap();
    std::fs::read(out).unwrap()
}

#[test]
fn speech_in_every_format_passes() {
    let cases = [
        (
            fixture("speech-24k-mono.mp3"),
            AudioFormat::Mp3,
            1197,
            74_664,
        ),
        (fixture("gapless.mp3"), AudioFormat::Mp3, 15, 1100),
        (fixture("short.flac"), AudioFormat::Flac, 8, 500),
        (fixture("short.opus"), AudioFormat::Opus, 20, 1500),
        (fixture("short.aac"), AudioFormat::Aac, 20, 1579),
        (
            wav(16_000, SampleFormat::S16, 9000),
            AudioFormat::Wav,
            30,
            2000,
        ),
        (
            wav(16_000, SampleFormat::F32, 9000),
            AudioFormat::Wav,
            30,
            2000,
        ),
        (
            wav(16_000, SampleFormat::MuLaw, 0),
            AudioFormat::Wav,
            30,
            2000,
        ),
    ];

    for (bytes, format, chars, millis) in cases {
        let facts =
            check(&bytes, format, chars).unwrap_or_else(|error| panic!("{format}: {error:?}"));
        assert_eq!((facts.format, facts.duration.0), (format, millis));
        assert_eq!(facts.channels, 1);
    }
}

#[test]
fn a_streamed_wav_is_taken_to_its_end() {
    let mut bytes = wav(16_000, SampleFormat::S16, 9000);
    bytes[4..8].copy_from_slice(&[0xff; 4]);
    bytes[40..44].copy_from_slice(&[0xff; 4]);

    assert_eq!(check(&bytes, AudioFormat::Wav, 30).unwrap().frames, 16_000);
    bytes.pop();
    assert!(matches!(
        check(&bytes, AudioFormat::Wav, 30),
        Err(CheckError::Truncated(_))
    ));
}

#[test]
fn what_is_no_speech_is_named() {
    let wav_format = AudioFormat::Wav;
    assert_eq!(reason(b"", wav_format, 9), "the answer is empty");
    assert_eq!(
        reason(b"{\"error\":\"insufficient credit\"}", wav_format, 9),
        "the answer is no audio but JSON: `{\"error\":\"insufficient credit\"}`"
    );
    assert_eq!(
        reason(b"upstream connect error", AudioFormat::Mp3, 9),
        "the answer is no audio but text: `upstream connect error`"
    );
    assert_eq!(
        reason(&fixture("gapless.mp3"), wav_format, 9),
        "the answer is mp3 where wav was asked for"
    );
    assert_eq!(
        reason(&[7; 100], wav_format, 9),
        "the answer is no wav and begins like nothing known (0707070707070707)"
    );
    assert!(matches!(
        check(b"abc", AudioFormat::Raw, 9),
        Err(CheckError::Headerless)
    ));
    assert_eq!(
        reason(&wav(0, SampleFormat::S16, 0), wav_format, 9),
        "the answer holds no sound"
    );
    assert_eq!(
        reason(&wav(9000, SampleFormat::S16, 100), wav_format, 9),
        "the answer is silent (peak 100 of 32768, mean 57)"
    );
    assert_eq!(
        reason(&wav(8000, SampleFormat::S16, 9000), wav_format, 200),
        "200 characters cannot be said in 1 s"
    );
    assert_eq!(
        reason(&wav(80_000, SampleFormat::S16, 9000), wav_format, 20),
        "10 s are too long for 20 characters"
    );
    assert!(matches!(
        check_speech(
            Path::new("/nonexistent"),
            wav_format,
            &SpokenLength::of("a"),
            &SpeechCheck::default()
        ),
        Err(CheckError::Io(_))
    ));
}

#[test]
fn a_silent_mp3_is_no_speech() {
    let speech = fixture("speech-24k-mono.mp3");
    let silence = frames(&speech).next().unwrap().unwrap().header.silence();

    let answer = check(&silence.repeat(50), AudioFormat::Mp3, 9);

    assert!(
        matches!(answer, Err(CheckError::Silent { .. })),
        "{answer:?}"
    );
}

#[test]
fn a_click_in_the_silence_is_too_short_for_a_text() {
    let mut bytes = wav(40_000, SampleFormat::S16, 0);
    bytes[20_000..22_000].fill(0x55);

    let answer = check(&bytes, AudioFormat::Wav, 80);

    assert!(
        matches!(answer, Err(CheckError::TooShort { .. })),
        "{answer:?}"
    );
}

/// Cuts `whole` everywhere and says where it passed.
fn cuts_that_pass(whole: &[u8], format: AudioFormat, chars: u64) -> Vec<usize> {
    assert!(check(whole, format, chars).is_ok(), "whole");
    (0..whole.len())
        .filter(|&cut| check(&whole[..cut], format, chars).is_ok())
        .collect()
}

#[test]
fn a_cut_wav_never_passes() {
    let whole = wav(1600, SampleFormat::S16, 9000);

    assert_eq!(cuts_that_pass(&whole, AudioFormat::Wav, 3), [0usize; 0]);
}

#[test]
fn a_cut_flac_never_passes() {
    assert_eq!(
        cuts_that_pass(&flac(900), AudioFormat::Flac, 3),
        [0usize; 0]
    );
    // Three blocks, cut at many places.
    let long = flac(9000);
    for cut in (0..long.len()).step_by(37) {
        assert!(check(&long[..cut], AudioFormat::Flac, 3).is_err(), "{cut}");
    }
}

#[test]
fn a_flac_without_a_checksum_is_counted() {
    let mut whole = flac(9000);
    whole[26..42].fill(0);
    let first_block = flac(4096).len();

    assert!(check(&whole, AudioFormat::Flac, 3).is_ok());
    let cut = check(&whole[..first_block], AudioFormat::Flac, 3);
    assert!(matches!(cut, Err(CheckError::Truncated(_))), "{cut:?}");
}

#[test]
fn a_cut_opus_never_passes() {
    assert_eq!(
        cuts_that_pass(&fixture("short.opus"), AudioFormat::Opus, 3),
        [0usize; 0]
    );
}

#[test]
fn a_cut_mp3_with_an_info_frame_never_passes() {
    assert_eq!(
        cuts_that_pass(&fixture("gapless.mp3"), AudioFormat::Mp3, 3),
        [0usize; 0]
    );
}

// The rest cannot be known: without an info frame a cut between two frames is a whole MP3.
#[test]
fn a_cut_mp3_without_one_passes_only_between_frames() {
    let speech = fixture("speech-24k-mono.mp3");
    let clip = &speech[144 * 20..144 * 36];

    let passed = cuts_that_pass(clip, AudioFormat::Mp3, 3);

    assert!(passed.iter().all(|cut| cut % 144 == 0), "{passed:?}");
    let half = check(
        &speech[..speech.len() / 144 / 3 * 144],
        AudioFormat::Mp3,
        1197,
    );
    assert!(
        matches!(half, Err(CheckError::TooShort { .. })),
        "a third of the text: {half:?}"
    );
}

#[test]
fn a_hole_in_an_mp3_is_seen() {
    let speech = fixture("speech-24k-mono.mp3");
    let torn = [&speech[..144 * 20 - 50], &speech[144 * 21..144 * 60]].concat();

    assert!(check(&torn, AudioFormat::Mp3, 20).is_err());
}

#[test]
fn lying_sizes_cost_no_memory() {
    // A WAV of 65,535 channels, a FLAC of 2^36 - 1 frames, an ID3 tag of 256 MB.
    let mut wide = wav(100, SampleFormat::S16, 9000);
    wide[22..24].fill(0xff);
    let mut long = fixture("short.flac");
    long[21] |= 0x0f;
    long[22..26].fill(0xff);
    let tag = [
        b"ID3\x03\0\0\x7f\x7f\x7f\x7f".to_vec(),
        fixture("gapless.mp3"),
    ]
    .concat();

    assert!(check(&wide, AudioFormat::Wav, 3).is_err());
    assert!(matches!(
        check(&long, AudioFormat::Flac, 3),
        Err(CheckError::Truncated(_))
    ));
    assert!(check(&tag, AudioFormat::Mp3, 3).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_mutation_makes_it_panic(
        which in 0usize..6,
        flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        near_start in any::<bool>(),
    ) {
        let (mut bytes, format) = match which {
            0 => (fixture("short.flac"), AudioFormat::Flac),
            1 => (fixture("gapless.mp3"), AudioFormat::Mp3),
            2 => (fixture("short.opus"), AudioFormat::Opus),
            3 => (fixture("short.aac"), AudioFormat::Aac),
            4 => (wav(800, SampleFormat::F32, 9000), AudioFormat::Wav),
            _ => (wav(800, SampleFormat::S16, 9000), AudioFormat::Wav),
        };
        for (at, value) in flips {
            let range = if near_start { 60 } else { bytes.len() };
            bytes[at % range] = value;
        }
        let _ = check(&bytes, format, 9);
    }
}
