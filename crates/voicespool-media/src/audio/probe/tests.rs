use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::audio::container::Container;
use crate::audio::probe::{Measured, ProbeError, probe};
use crate::audio::sample::SampleFormat;
use crate::audio::wav::WavSpec;

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
        ("short.flac", Container::Flac, "flac", 8000, 500, Header),
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
