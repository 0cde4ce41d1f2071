use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use id3::TagLike;
use tempfile::TempDir;

use crate::audio::cover::Cover;
use crate::audio::decode::{DecodeError, decode};
use crate::audio::join::{
    Clip, JoinError, Joined, Mastering, Tags, VerifyError, join, verify_joined,
};
use crate::audio::mp3::{Info, frames};
use crate::audio::probe::probe;
use crate::audio::sample::SampleFormat;
use crate::audio::wav::WavSpec;
use crate::domain::{AudioMillis, FileFormat};

/// A folder of clips to join.
struct Desk {
    dir: TempDir,
    clips: Vec<Clip>,
}

impl Desk {
    fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            clips: Vec::new(),
        }
    }

    fn put(&mut self, name: &str, bytes: &[u8], pause: u64) -> &mut Self {
        let path = self.dir.path().join(name);
        File::create(&path).unwrap().write_all(bytes).unwrap();
        self.clips.push(Clip {
            path,
            pause_after: AudioMillis(pause),
            chapter: None,
        });
        self
    }

    fn chapter(&mut self, name: &str) -> &mut Self {
        self.clips.last_mut().unwrap().chapter = Some(name.to_owned());
        self
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("joined")
    }

    fn join(&self, format: FileFormat) -> Result<Joined, JoinError> {
        join(
            &self.clips,
            format,
            Mastering::default(),
            &tags(),
            &mut File::create(self.out()).unwrap(),
        )
    }

    /// Joins, proves and returns the samples.
    fn joined(&self, format: FileFormat) -> (Joined, Vec<i16>) {
        let joined = self
            .join(format)
            .unwrap_or_else(|error| panic!("{error:?}"));
        verify_joined(&self.out(), &joined, format).unwrap();
        (joined, samples(&self.out()))
    }
}

fn tags() -> Tags {
    Tags {
        title: Some("Night train".to_owned()),
        album: Some("Été".to_owned()),
        track: Some(7),
        narrator: Some("Pico".to_owned()),
        series: Some("Trains".to_owned()),
        part: Some("2".to_owned()),
        ..Tags::default()
    }
}

fn samples(path: &Path) -> Vec<i16> {
    let mut all = Vec::new();
    decode::<DecodeError>(path, |_, block| {
        all.extend_from_slice(block);
        Ok(())
    })
    .unwrap();
    all
}

/// Something like speech: a buzz whose loudness comes and goes, never the same for two seeds.
fn speech(frames: u32, channels: u32, seed: u32) -> Vec<i16> {
    let mut noise = seed.wrapping_mul(2_654_435_761) | 1;
    (0..frames * channels)
        .map(|n| {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let t = f64::from(n / channels) / 8000.0;
            let loud = (t * 11.0 + f64::from(seed)).sin().max(0.0) * 9000.0;
            (loud * (t * 900.0).sin() + f64::from(noise % 400)) as i16
        })
        .collect()
}

fn wav(spec: WavSpec, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    [&spec.header(data.len() as u64).unwrap()[..], &data].concat()
}

const MONO: WavSpec = WavSpec {
    channels: 1,
    sample_rate: 8000,
    format: SampleFormat::S16,
};

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures")
        .join(name);
    std::fs::read(path).unwrap()
}

/// `count` frames of the speech fixture from `start` on: a clip as a provider sends it.
fn mp3_clip(start: usize, count: usize) -> Vec<u8> {
    let speech = fixture("speech-24k-mono.mp3");
    frames(&speech)
        .skip(start)
        .take(count)
        .flat_map(|frame| frame.unwrap().bytes.to_vec())
        .collect()
}

#[test]
fn a_joined_wav_is_its_clips_and_pauses_to_the_sample() {
    for channels in [1u16, 2] {
        let spec = WavSpec { channels, ..MONO };
        let parts: Vec<_> = (1..4)
            .map(|n| speech(3001 * n, channels.into(), n))
            .collect();
        let mut desk = Desk::new();
        for (n, part) in parts.iter().enumerate() {
            desk.put(&format!("{n}.wav"), &wav(spec, part), 125 * n as u64);
        }

        let (joined, all) = desk.joined(FileFormat::Wav);

        let pause = |ms: usize| vec![0i16; ms * 8 * usize::from(channels)];
        let expected = [
            &parts[0][..],
            &parts[1],
            &pause(125),
            &parts[2],
            &pause(250),
        ]
        .concat();
        assert_eq!(all, expected);
        assert_eq!(joined.frames, 3001 + 6002 + 1000 + 9003 + 2000);
        assert_eq!(joined.clips[1].start, AudioMillis(375));
        assert_eq!(joined.clips[2].end, AudioMillis(2376));
        assert_eq!(probe(&desk.out()).unwrap().duration, joined.duration);
    }
}

#[test]
fn a_joined_flac_decodes_to_the_same_samples() {
    for channels in [1u16, 2] {
        let spec = WavSpec { channels, ..MONO };
        let loud: Vec<i16> = speech(9000, channels.into(), 2)
            .iter()
            .map(|s| s.saturating_mul(9))
            .collect();
        let quiet = vec![0i16; usize::from(channels) * 4096];
        let mut desk = Desk::new();
        desk.put("a.wav", &wav(spec, &speech(5000, channels.into(), 1)), 0)
            .chapter("One");
        desk.put("b.wav", &wav(spec, &quiet), 333);
        desk.put("c.wav", &wav(spec, &loud), 0)
            .chapter("Zwei – Ende");

        let (_, as_wav) = desk.joined(FileFormat::Wav);
        let (joined, as_flac) = desk.joined(FileFormat::Flac);

        assert_eq!(as_flac, as_wav);
        let bytes = std::fs::read(desk.out()).unwrap();
        let has = |text: &str| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        assert_eq!(joined.clips[2].start, AudioMillis(1470));
        assert!(has("CHAPTER002=00:00:01.470") && has("CHAPTER002NAME=Zwei – Ende"));
        assert!(has("TITLE=Night train") && has("ALBUM=Été") && has("TRACKNUMBER=7"));
    }
}

/// Samples of a voice, a pause and the voice again, coded and decoded: nothing is shifted, and the error is small.
#[test]
fn a_joined_m4b_decodes_to_nearly_the_same_samples() {
    for (channels, rate) in [(1u16, 16_000), (2, 24_000), (1, 44_100)] {
        let spec = WavSpec {
            channels,
            sample_rate: rate,
            ..MONO
        };
        let width = usize::from(channels);
        let mut desk = Desk::new();
        desk.put("a.wav", &wav(spec, &voice(40_000, width)), 700)
            .chapter("One");
        desk.put("b.wav", &wav(spec, &voice(30_001, width)), 0)
            .chapter("Zwei – Ende");

        let (_, as_wav) = desk.joined(FileFormat::Wav);
        let (joined, as_m4b) = desk.joined(FileFormat::M4b);

        assert_eq!(as_m4b.len(), as_wav.len(), "{channels} at {rate}");
        let (mut sound, mut error) = (0.0, 0.0);
        for (was, is) in as_wav.iter().zip(&as_m4b) {
            let (was, is) = (f64::from(*was), f64::from(*is));
            sound += was * was;
            error += (was - is) * (was - is);
        }
        assert!(
            error < sound / 300.0,
            "{channels} at {rate}: {error} of {sound}"
        );
        assert_eq!(probe(&desk.out()).unwrap().duration, joined.duration);
        let bytes = std::fs::read(desk.out()).unwrap();
        let at = |text: &str| {
            let mut windows = bytes.windows(text.len());
            windows.position(|window| window == text.as_bytes())
        };
        assert!(
            at("moov") < at("mdat"),
            "the list of frames stands in front"
        );
        assert!(at("Zwei – Ende").is_some() && at("SERIES-PART").is_some());
    }
}

#[test]
fn any_length_of_an_m4b_comes_back_to_the_sample() {
    for length in [1, 2, 1023, 1024, 1025, 2047, 2048, 2049, 5000] {
        let mut desk = Desk::new();
        desk.put("a.wav", &wav(MONO, &voice(length, 1)), 0);

        assert_eq!(desk.joined(FileFormat::M4b).1.len(), length, "{length}");
    }
}

#[test]
fn a_rate_that_aac_does_not_have_is_said() {
    let mut desk = Desk::new();
    let spec = WavSpec {
        sample_rate: 23_456,
        ..MONO
    };
    desk.put("a.wav", &wav(spec, &voice(2000, 1)), 0);

    let error = desk.join(FileFormat::M4b).unwrap_err();

    let why = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(why, "AAC has no sample rate of 23456 Hz");
}

#[test]
fn every_format_carries_the_cover_and_what_the_book_is() {
    let mut picture = vec![0xff, 0xd8, 0xff, 0xe0];
    picture.extend_from_slice(b"a picture of a train");
    let mut desk = Desk::new();
    desk.put("a.wav", &wav(MONO, &voice(4000, 1)), 0);
    let mut mp3 = Desk::new();
    mp3.put("a.mp3", &mp3_clip(0, 50), 0);
    let tags = Tags {
        cover: Some(Cover::new(picture).unwrap()),
        ..tags()
    };
    for (desk, format) in [
        (&desk, FileFormat::Flac),
        (&desk, FileFormat::M4b),
        (&mp3, FileFormat::Mp3),
    ] {
        let mut out = File::create(desk.out()).unwrap();
        let joined = join(&desk.clips, format, Mastering::default(), &tags, &mut out).unwrap();
        verify_joined(&desk.out(), &joined, format).unwrap();
        let bytes = std::fs::read(desk.out()).unwrap();
        let text: String = bytes
            .iter()
            .filter(|byte| **byte != 0)
            .map(|byte| char::from(*byte))
            .collect();
        for word in ["a picture of a train", "Trains", "Pico", "SERIES-PART"] {
            assert!(text.contains(word), "{word} in {format}");
        }
    }
}

/// Something like vowels: a few harmonics whose strength moves.
fn voice(frames: usize, channels: usize) -> Vec<i16> {
    (0..frames * channels)
        .map(|n| {
            let t = f64::from(u32::try_from(n / channels).unwrap()) / 16_000.0;
            let wave: f64 = (1..12)
                .map(|k| (f64::from(k) * 120.0 * std::f64::consts::TAU * t).sin() / f64::from(k))
                .sum();
            (wave * 5_000.0 * (0.6 + 0.4 * (3.0 * t).sin())) as i16
        })
        .collect()
}

#[test]
fn every_length_of_a_last_block_survives_flac() {
    for length in [1, 2, 15, 16, 17, 31, 33, 63, 65, 4095, 4096, 4097, 8192] {
        let part = speech(length, 1, length);
        let mut desk = Desk::new();
        desk.put("a.wav", &wav(MONO, &part), 0);

        assert_eq!(desk.joined(FileFormat::Flac).1, part, "{length}");
    }
}

#[test]
fn clips_of_other_formats_are_decoded_for_wav_and_flac() {
    let mut desk = Desk::new();
    desk.put("a.ogg", &fixture("short.ogg"), 100);
    desk.put("b.m4a", &fixture("short.m4a"), 0);
    desk.put("c.mp3", &mp3_clip(0, 50), 0);

    let (joined, all) = desk.joined(FileFormat::Flac);

    assert_eq!((joined.sample_rate, joined.channels), (24_000, 1));
    assert_eq!(joined.frames, all.len() as u64);
    assert_eq!(joined.clips[2].end.0 - joined.clips[2].start.0, 1200);
}

#[test]
fn floats_and_telephone_codes_become_sixteen_bits() {
    let mut desk = Desk::new();
    let float = WavSpec {
        format: SampleFormat::F32,
        ..MONO
    };
    let floats: Vec<u8> = [0.5f32, -1.0]
        .iter()
        .flat_map(|f| f.to_le_bytes())
        .collect();
    desk.put(
        "f.wav",
        &[&float.header(8).unwrap()[..], &floats].concat(),
        0,
    );
    let mu = WavSpec {
        format: SampleFormat::MuLaw,
        ..MONO
    };
    desk.put(
        "u.wav",
        &[&mu.header(2).unwrap()[..], &[0x00, 0xff]].concat(),
        0,
    );

    assert_eq!(desk.joined(FileFormat::Wav).1, [16384, -32768, -32124, 0]);
}

#[test]
fn clips_that_differ_are_refused_by_name() {
    let cases = [
        (
            WavSpec {
                sample_rate: 16_000,
                ..MONO
            },
            "mono at 16000 Hz",
        ),
        (
            WavSpec {
                channels: 2,
                ..MONO
            },
            "stereo at 8000 Hz",
        ),
    ];
    for (other, other_is) in cases {
        let mut desk = Desk::new();
        desk.put("first.wav", &wav(MONO, &[1; 80]), 0);
        desk.put("other.wav", &wav(other, &[1; 80]), 0);

        let error = desk.join(FileFormat::Wav).unwrap_err().to_string();

        assert!(
            error.contains("first.wav` is mono at 8000 Hz but"),
            "{error}"
        );
        assert!(
            error.contains(&format!("other.wav` is {other_is}")),
            "{error}"
        );
    }
    let mut desk = Desk::new();
    desk.put("a.mp3", &mp3_clip(0, 5), 0);
    let silence = crate::audio::mp3::FrameHeader::parse(&[0xff, 0xfb, 0x90, 0x64])
        .unwrap()
        .silence();
    desk.put("b.mp3", &silence.repeat(4), 0);
    let error = desk.join(FileFormat::Mp3).unwrap_err().to_string();
    assert!(error.contains("b.mp3` is stereo at 44100 Hz"), "{error}");
}

#[test]
fn mp3_clips_are_joined_frame_by_frame() {
    let parts = [(0, 400), (400, 1), (401, 600)];
    let mut desk = Desk::new();
    for (n, (start, count)) in parts.into_iter().enumerate() {
        desk.put(&format!("{n}.mp3"), &mp3_clip(start, count), [0, 260, 0][n]);
    }

    let (joined, _) = desk.joined(FileFormat::Mp3);

    let bytes = std::fs::read(desk.out()).unwrap();
    let all: Vec<_> = frames(&bytes).map(Result::unwrap).collect();
    let sound: Vec<u8> = [&all[1..402], &all[413..]]
        .concat()
        .iter()
        .flat_map(|f| f.bytes.to_vec())
        .collect();
    assert_eq!(sound, mp3_clip(0, 1001), "every frame, in order");
    let silent =
        |frame: &crate::audio::mp3::Frame<'_>| frame.bytes[4..].iter().all(|&byte| byte == 0);
    assert!(
        all[402..413].iter().all(silent),
        "260 ms are nearest to 11 frames of 24 ms"
    );
    assert_eq!(joined.frames, 1012 * 576);
    assert_eq!(joined.clips[2].start, AudioMillis(412 * 24));
    assert_eq!(joined.muted, 0);
    let info = Info::of(&all[0]).unwrap();
    assert_eq!(info.frames, Some(1012));
    assert_eq!(probe(&desk.out()).unwrap().duration, joined.duration);
}

#[test]
fn the_seek_table_points_at_real_frames() {
    let mut desk = Desk::new();
    desk.put("a.mp3", &mp3_clip(0, 3111), 0);
    desk.joined(FileFormat::Mp3);

    let bytes = std::fs::read(desk.out()).unwrap();
    let all: Vec<_> = frames(&bytes).map(Result::unwrap).collect();
    let toc = &all[0].bytes[4 + 9 + 16..][..100];
    let total = all
        .iter()
        .map(|frame| frame.bytes.len() as u64)
        .sum::<u64>();
    for (percent, &entry) in toc.iter().enumerate() {
        let at = all[1 + percent * 3111 / 100].offset;
        assert_eq!(u64::from(entry), at * 256 / total, "{percent} %");
    }
}

#[test]
fn a_joined_mp3_names_its_chapters() {
    let mut desk = Desk::new();
    desk.put("a.mp3", &mp3_clip(0, 100), 480)
        .chapter("Prologue");
    desk.put("b.mp3", &mp3_clip(100, 100), 0);
    desk.put("c.mp3", &mp3_clip(200, 100), 0)
        .chapter("Глава 1 – 第一章");
    desk.joined(FileFormat::Mp3);

    let tag = id3::Tag::read_from_path(desk.out()).unwrap();

    assert_eq!(
        (tag.title(), tag.album(), tag.track()),
        (Some("Night train"), Some("Été"), Some(7))
    );
    assert_eq!(tag.version(), id3::Version::Id3v23);
    let chapters: Vec<_> = tag
        .chapters()
        .map(|c| {
            (
                c.start_time,
                c.end_time,
                c.frames[0].content().text().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(
        chapters,
        [
            (0, 5280, "Prologue".to_owned()),
            (5280, 7680, "Глава 1 – 第一章".to_owned())
        ]
    );
    let toc = tag.tables_of_contents().next().unwrap();
    assert!(toc.top_level && toc.elements == ["chp1", "chp2"]);
}

#[test]
fn three_hundred_chapters_get_nested_tables() {
    let mut desk = Desk::new();
    for n in 0..300 {
        desk.put(&format!("{n}.mp3"), &mp3_clip(n, 1), 0)
            .chapter(&format!("{n}"));
    }
    desk.joined(FileFormat::Mp3);

    let tag = id3::Tag::read_from_path(desk.out()).unwrap();

    assert_eq!(tag.chapters().count(), 300);
    let sizes: Vec<_> = tag
        .tables_of_contents()
        .map(|toc| (toc.top_level, toc.elements.len()))
        .collect();
    assert_eq!(sizes, [(true, 2), (false, 255), (false, 45)]);
}

#[test]
fn tags_and_info_frames_of_clips_are_dropped() {
    let mut tagged = Vec::new();
    let mut tag = id3::Tag::new();
    tag.set_title("old \u{ff}\u{fb}");
    tag.write_to(&mut tagged, id3::Version::Id3v24).unwrap();
    tagged.extend_from_slice(&fixture("gapless.mp3"));
    tagged.extend_from_slice(&[b"TAG".to_vec(), vec![b'x'; 125]].concat());
    let gapless = fixture("gapless.mp3");
    let inner = frames(&gapless).count() as u64 - 1;
    let mut desk = Desk::new();
    desk.put("a.mp3", &tagged, 0);
    desk.put("b.mp3", &gapless, 0);

    let (joined, _) = desk.joined(FileFormat::Mp3);

    assert_eq!(joined.frames, 2 * inner * 576);
    assert_eq!(joined.muted, 0, "whole clips lean on nothing");
}

#[test]
fn frames_that_lean_on_what_was_cut_off_are_muted() {
    let gapless = fixture("gapless.mp3");
    let all: Vec<_> = frames(&gapless).map(Result::unwrap).collect();
    let cut = all
        .iter()
        .skip(2)
        .position(|frame| frame.main_data_begin() > 0)
        .unwrap()
        + 2;
    let torn: Vec<u8> = all[cut..]
        .iter()
        .flat_map(|frame| frame.bytes.to_vec())
        .collect();
    let mut desk = Desk::new();
    desk.put("a.mp3", &mp3_clip(0, 20), 0);
    desk.put("torn.mp3", &torn, 0);

    let (joined, samples) = desk.joined(FileFormat::Mp3);

    assert!(joined.muted > 0 && joined.muted < 10, "{}", joined.muted);
    assert_eq!(samples.len() as u64, joined.frames);
    let bytes = std::fs::read(desk.out()).unwrap();
    let muted = frames(&bytes).map(Result::unwrap).nth(21).unwrap();
    assert_eq!(muted.main_data_begin(), 0);
    assert_eq!(muted.bytes.len(), all[cut].bytes.len());
}

#[test]
fn what_cannot_be_joined_is_said() {
    let mut desk = Desk::new();
    assert!(matches!(
        desk.join(FileFormat::Wav),
        Err(JoinError::NoClips)
    ));

    desk.put("a.wav", &wav(MONO, &[1; 80]), 0);
    assert!(matches!(
        desk.join(FileFormat::Mp3),
        Err(JoinError::NeedsMp3 { .. })
    ));

    desk.put("cut.wav", &wav(MONO, &[1; 80])[..100], 0);
    assert!(matches!(
        desk.join(FileFormat::Wav),
        Err(JoinError::Decode { .. })
    ));

    let mut desk = Desk::new();
    desk.put("cut.mp3", &mp3_clip(0, 9)[..1200], 0);
    assert!(matches!(
        desk.join(FileFormat::Mp3),
        Err(JoinError::Frames { .. })
    ));

    let mut desk = Desk::new();
    desk.put("nothing.wav", &wav(MONO, &[]), 0);
    assert!(matches!(
        desk.join(FileFormat::Flac),
        Err(JoinError::NoSound { .. })
    ));

    let mut desk = Desk::new();
    desk.put("long.wav", &wav(MONO, &[1; 8]), 3_600_001);
    assert!(matches!(
        desk.join(FileFormat::Wav),
        Err(JoinError::Pause(_))
    ));
}

#[test]
fn a_joined_file_that_lost_anything_does_not_verify() {
    for (format, lost) in [
        (FileFormat::Wav, 2),
        (FileFormat::Flac, 9),
        (FileFormat::Mp3, 144),
    ] {
        let mut desk = Desk::new();
        match format {
            FileFormat::Mp3 => desk.put("a.mp3", &mp3_clip(0, 60), 0),
            _ => desk.put("a.wav", &wav(MONO, &speech(9000, 1, 4)), 0),
        };
        let (mut joined, _) = desk.joined(format);
        let whole = std::fs::read(desk.out()).unwrap();

        File::create(desk.out())
            .unwrap()
            .write_all(&whole[..whole.len() - lost])
            .unwrap();
        assert!(
            verify_joined(&desk.out(), &joined, format).is_err(),
            "{format}"
        );

        File::create(desk.out()).unwrap().write_all(&whole).unwrap();
        joined.frames += 1;
        assert!(
            matches!(
                verify_joined(&desk.out(), &joined, format),
                Err(VerifyError::Differs { .. })
            ),
            "{format}"
        );
    }
}
