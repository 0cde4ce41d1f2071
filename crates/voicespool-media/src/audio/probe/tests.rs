use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::audio::container::Container;
use crate::audio::join::{Clip, Mastering, Tags, join};
use crate::audio::probe::{Measured, ProbeError, probe};
use crate::audio::sample::SampleFormat;
use crate::audio::wav::WavSpec;
use crate::domain::{AudioMillis, FileFormat};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures")
        .join(name)
}

fn file_of(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn every_container_is_measured() {
    use Measured::{Header, PacketWalk};
    // Lengths: the source's (1.5 s, 1.1 s, 0.5 s), plus what the format adds and does not state.
    let cases = [
        (
            "speech-24k-mono.mp3",
            Container::Mp3,
            "mp3",
            24_000,
            74_664,
            PacketWalk,
        ),
        (
            "no-xing-vbr.mp3",
            Container::Mp3,
            "mp3",
            24_000,
            1560,
            PacketWalk,
        ),
        ("gapless.mp3", Container::Mp3, "mp3", 24_000, 1100, Header),
        ("short.opus", Container::Ogg, "opus", 48_000, 1500, Header),
        ("short.webm", Container::WebM, "opus", 48_000, 1508, Header),
        (
            "streamed.webm",
            Container::WebM,
            "opus",
            48_000,
            1521,
            PacketWalk,
        ),
        ("short.ogg", Container::Ogg, "vorbis", 24_000, 1500, Header),
        ("short.m4a", Container::Mp4, "aac", 24_000, 1500, Header),
        (
            "fragmented.m4a",
            Container::Mp4,
            "aac",
            24_000,
            1543,
            PacketWalk,
        ),
        (
            "short.aac",
            Container::Adts,
            "aac",
            24_000,
            1579,
            PacketWalk,
        ),
        ("short.flac", Container::Flac, "flac", 8000, 500, PacketWalk),
        ("short.aiff", Container::Aiff, "pcm_alaw", 8000, 500, Header),
        ("short.caf", Container::Caf, "pcm_s16be", 8000, 500, Header),
    ];

    for (name, container, codec, rate, millis, how) in cases {
        let facts = probe(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            (
                facts.container,
                facts.codec.as_str(),
                facts.sample_rate,
                facts.channels
            ),
            (container, codec, rate, 1),
            "{name}"
        );
        assert_eq!((facts.duration.0, facts.how), (millis, how), "{name}");
    }
}

#[test]
fn what_is_no_audio_is_refused_with_a_reason() {
    let reason = |bytes: &[u8]| probe(file_of(bytes).path()).unwrap_err().to_string();

    assert_eq!(reason(b""), "the file is empty");
    assert_eq!(
        reason(b"{\"error\": {\"message\": \"no credit left\"}}"),
        "it is no audio but JSON: `{\"error\": {\"message\": \"no credit left\"}}`"
    );
    assert_eq!(
        reason(b"<!DOCTYPE html>\n<title>502 Bad Gateway</title>"),
        "it is no audio but HTML or XML: `<!DOCTYPE html> <title>502 Bad Gateway</title>`"
    );
    assert_eq!(
        reason(&[0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0]),
        "it begins like no audio that is known here (89504e470d0a1a0a)"
    );
    assert!(matches!(
        probe(&std::env::temp_dir()),
        Err(ProbeError::NotAFile)
    ));
    assert!(matches!(
        probe(Path::new("/nonexistent/x.wav")),
        Err(ProbeError::Io(_))
    ));
}

#[test]
fn no_sound_is_an_error_not_zero() {
    let wav = WavSpec {
        channels: 1,
        sample_rate: 24_000,
        format: SampleFormat::S16,
    };
    let error = probe(file_of(&wav.header(0).unwrap()).path()).unwrap_err();

    assert!(
        matches!(
            error,
            ProbeError::ZeroDuration {
                container: Container::Wav
            }
        ),
        "{error}"
    );
}

#[test]
fn a_cut_mp3_is_measured_by_what_is_there() {
    let whole = std::fs::read(fixture("gapless.mp3")).unwrap();
    let mut padded = whole.clone();
    padded.truncate(whole.len() / 4);

    let facts = probe(file_of(&padded).path()).unwrap();

    assert_eq!(
        facts.how,
        Measured::PacketWalk,
        "the Xing frame promises too much"
    );
    assert!(facts.duration.0 < 500, "{facts:?}");
}

#[test]
fn a_cut_or_flipped_file_gives_an_error_or_a_length_but_no_panic() {
    for entry in std::fs::read_dir(fixture("")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let whole = std::fs::read(&path).unwrap();
        if whole.len() > 20_000 {
            continue;
        }
        let scratch = NamedTempFile::new().unwrap();
        for round in 0..60usize {
            let mut bytes = whole.clone();
            if round % 2 == 0 {
                bytes.truncate(whole.len() * round / 60);
            } else {
                let at = (round * round * 7) % whole.len().min(600);
                bytes[at] ^= 1 << (round % 8);
                bytes[at + 1] = 0xff;
            }
            File::create(scratch.path())
                .unwrap()
                .write_all(&bytes)
                .unwrap();
            if let Ok(facts) = probe(scratch.path()) {
                assert!(facts.duration.0 > 0);
            }
        }
    }
}

#[test]
fn ogg_files_one_after_another_are_as_long_as_all_of_them() {
    for name in ["short.opus", "short.ogg"] {
        let one = std::fs::read(fixture(name)).unwrap();
        let length = probe(&fixture(name)).unwrap().duration.0;

        let chained = probe(file_of(&[&*one, &*one, &*one].concat()).path()).unwrap();

        assert!(
            chained.duration.0.abs_diff(3 * length) <= 3,
            "{name}: {chained:?}"
        );
        // Cut in the second: what is there counts.
        let cut = [&*one, &one[..one.len() / 2]].concat();
        let cut = probe(file_of(&cut).path()).unwrap().duration.0;
        assert!(cut >= length && cut < 2 * length, "{name}: {cut}");
    }
}

#[test]
fn zeros_before_the_first_frame_hide_no_mp3() {
    let bytes = std::fs::read(fixture("no-xing-vbr.mp3")).unwrap();
    let length = probe(&fixture("no-xing-vbr.mp3")).unwrap().duration;
    for zeros in [17, 700, 3000] {
        let with_zeros = [vec![0; zeros], bytes.clone()].concat();
        assert_eq!(probe(file_of(&with_zeros).path()).unwrap().duration, length);
    }
    let nothing = probe(file_of(&[0; 9000]).path());
    assert!(matches!(nothing, Err(ProbeError::Unknown { .. })));
}

#[test]
fn a_flac_and_a_wav_that_end_early_are_measured_by_what_is_there_and_say_so() {
    let spec = WavSpec {
        sample_rate: 8_000,
        channels: 1,
        format: SampleFormat::S16,
    };
    let noise: Vec<u8> = (0..64_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let wav = [&spec.header(64_000).unwrap()[..], &noise].concat();
    let source = file_of(&wav);
    let clip = Clip {
        path: source.path().to_owned(),
        pause_after: AudioMillis(0),
        chapter: None,
    };
    let mut joined = tempfile::tempfile().unwrap();
    join(
        &[clip],
        FileFormat::Flac,
        Mastering::default(),
        &Tags::default(),
        &mut joined,
    )
    .unwrap();
    let mut flac = Vec::new();
    joined.rewind().unwrap();
    joined.read_to_end(&mut flac).unwrap();
    for whole in [wav, flac] {
        let stated = probe(file_of(&whole).path()).unwrap();
        assert_eq!(stated.cut_from, None);

        let cut = probe(file_of(&whole[..whole.len() * 3 / 5]).path()).unwrap();

        assert!(cut.duration < stated.duration, "{cut:?}");
        assert_eq!(cut.cut_from, Some(stated.duration));
    }
}
