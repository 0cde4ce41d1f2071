use std::io::Cursor;
use std::path::Path;

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

use crate::audio::mp3::{FrameError, FrameHeader, Info, Scanner, Version, body_of, frames};

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures")
        .join(name);
    std::fs::read(path).unwrap()
}

/// Everything [`frames`] and [`Scanner`] say about `bytes`, as (offset, length) or a fault;
/// neighbouring junk is one piece.
fn walk(bytes: &[u8]) -> Vec<Result<(u64, usize), FrameError>> {
    let mut all: Vec<Result<(u64, usize), FrameError>> = Vec::new();
    for step in frames(bytes) {
        push(
            &mut all,
            step.map(|frame| (frame.offset, frame.bytes.len())),
        );
    }
    let mut streamed = Vec::new();
    let mut scanner = Scanner::new(Cursor::new(bytes)).unwrap();
    while let Some(step) = scanner.next_frame().unwrap() {
        push(
            &mut streamed,
            step.map(|frame| (frame.offset, frame.bytes.len())),
        );
    }
    assert_eq!(all, streamed, "in memory and streamed are the same");
    all
}

fn push(all: &mut Vec<Result<(u64, usize), FrameError>>, step: Result<(u64, usize), FrameError>) {
    if let (Some(Err(FrameError::Junk { len, .. })), Err(FrameError::Junk { len: more, .. })) =
        (all.last_mut(), &step)
    {
        *len += more;
    } else {
        all.push(step);
    }
}

#[test]
fn headers_say_what_they_said_to_lame() {
    let header = |bytes: [u8; 4]| FrameHeader::parse(&bytes);

    let speech = header([0xff, 0xf3, 0x64, 0xc4]).unwrap();
    assert_eq!(
        (speech.version, speech.sample_rate, speech.channels),
        (Version::Mpeg2, 24_000, 1)
    );
    assert_eq!(
        (speech.bit_rate, speech.samples, speech.len),
        (48_000, 576, 144)
    );

    let music = header([0xff, 0xfb, 0x92, 0x64]).unwrap();
    assert_eq!(
        (music.version, music.sample_rate, music.channels),
        (Version::Mpeg1, 44_100, 2)
    );
    assert_eq!(
        (music.bit_rate, music.samples, music.len),
        (128_000, 1152, 418)
    );

    let phone = header([0xff, 0xe3, 0x28, 0xc4]).unwrap();
    assert_eq!((phone.version, phone.sample_rate), (Version::Mpeg25, 8000));

    for not_ours in [
        [0xff, 0xfd, 0x92, 0x64], // layer II
        [0xff, 0xf1, 0x50, 0x80], // ADTS
        [0xff, 0xeb, 0x92, 0x64], // reserved version
        [0xff, 0xfb, 0x02, 0x64], // free format
        [0xff, 0xfb, 0xf2, 0x64], // no bit rate
        [0xff, 0xfb, 0x9e, 0x64], // no sample rate
        [0x00, 0xfb, 0x92, 0x64],
    ] {
        assert_eq!(header(not_ours), None, "{not_ours:02x?}");
    }
}

#[test]
fn a_clean_stream_is_nothing_but_frames() {
    let speech = fixture("speech-24k-mono.mp3");

    let steps = walk(&speech);

    assert_eq!(steps.len(), 3111);
    assert!(steps.iter().all(|step| matches!(step, Ok((_, 144)))));
    assert!(frames(&speech).all(|frame| frame.unwrap().main_data_begin() == 0));
}

#[test]
fn a_lame_tag_tells_delay_and_padding() {
    let bytes = fixture("gapless.mp3");
    let all: Vec<_> = frames(&bytes).map(Result::unwrap).collect();

    let info = Info::of(&all[0]).unwrap();

    assert_eq!(info.frames, Some(all.len() as u32 - 1));
    assert_eq!(info.bytes, Some(bytes.len() as u32));
    let sound = (all.len() as u32 - 1) * 576 - info.delay - info.padding;
    assert_eq!(sound, 26_400, "1.1 s at 24 kHz");
    assert_eq!(Info::of(&all[1]), None);
}

#[test]
fn a_cut_in_a_frame_is_always_seen() {
    let speech = fixture("speech-24k-mono.mp3");
    let part = &speech[..144 * 6];

    for cut in 1..part.len() {
        let steps = walk(&part[..cut]);
        let whole = steps.iter().filter(|step| step.is_ok()).count();
        let clean = steps.iter().all(Result::is_ok);
        assert_eq!(clean, cut % 144 == 0, "cut at {cut}");
        assert!(whole <= cut / 144, "cut at {cut}");
        // With its header there, the cut frame is known for what it is.
        if cut > 144 && cut % 144 >= 4 {
            let (offset, missing) = (cut / 144 * 144, 144 - cut % 144);
            let offset = offset as u64;
            assert_eq!(
                steps.last(),
                Some(&Err(FrameError::Truncated { offset, missing }))
            );
        }
    }
}

#[test]
fn junk_is_reported_and_frames_after_it_found() {
    let speech = fixture("speech-24k-mono.mp3");
    let mut bytes = vec![0u8; 77];
    bytes.extend_from_slice(&speech[..288]);
    bytes.extend_from_slice(b"HTTP/1.1 200 OK \xff\xf3 ");
    bytes.extend_from_slice(&speech[288..576]);

    let steps = walk(&bytes);

    assert_eq!(
        steps,
        [
            Err(FrameError::Junk { offset: 0, len: 77 }),
            Ok((77, 144)),
            Ok((221, 144)),
            Err(FrameError::Junk {
                offset: 365,
                len: 19
            }),
            Ok((384, 144)),
            Ok((528, 144)),
        ]
    );
}

#[test]
fn tags_at_both_ends_are_left_out() {
    let speech = &fixture("speech-24k-mono.mp3")[..432];
    let mut bytes = b"ID3\x04\x00\x10\x00\x00\x00\x03abc3DI\x04\x00\x10\x00\x00\x00\x03".to_vec();
    bytes.extend_from_slice(b"ID3\x03\x00\x00\x00\x00\x00\x02\xff\xfb");
    bytes.extend_from_slice(speech);
    let mut ape = b"APETAGEX".to_vec();
    ape.extend_from_slice(&2000u32.to_le_bytes());
    ape.extend_from_slice(&[32 + 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    ape.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(b"items");
    bytes.extend_from_slice(&ape);
    bytes.extend_from_slice(&[b"TAG".to_vec(), vec![0; 125]].concat());

    assert_eq!(body_of(&bytes), speech);
}

#[test]
fn tags_that_claim_too_much_leave_nothing() {
    assert_eq!(body_of(b"ID3\x03\x00\x00\x7f\x7f\x7f\x7fabc"), b"");
    assert_eq!(body_of(b"ID3"), b"ID3");
    assert_eq!(body_of(b""), b"");
    let mut ape = vec![1u8; 8];
    ape.extend_from_slice(b"APETAGEX\xd0\x07\0\0\xff\xff\xff\xff");
    ape.extend_from_slice(&[0; 16]);
    assert_eq!(
        body_of(&ape),
        ape,
        "an APE tag longer than the file is none"
    );
}

#[test]
fn a_silent_frame_stands_alone() {
    for raw in [
        [0xff, 0xf2, 0x66, 0xc4],
        [0xff, 0xfb, 0x92, 0x64],
        [0xff, 0xe3, 0x18, 0x00],
    ] {
        let header = FrameHeader::parse(&raw).unwrap();

        let bytes = header.silence();

        let silent = FrameHeader::parse(&bytes).unwrap();
        assert!(silent.continues(header) && !silent.checksum);
        assert_eq!(
            (silent.len, silent.bit_rate),
            (bytes.len(), header.bit_rate)
        );
        assert!(bytes[4..].iter().all(|&byte| byte == 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_byte_is_accounted_for(
        flips in proptest::collection::vec((0usize..3000, any::<u8>()), 0..20),
        cut in 0usize..3000,
    ) {
        let mut bytes = fixture("gapless.mp3");
        for (at, value) in flips {
            bytes[at] = value;
        }
        bytes.truncate(cut);
        let mut end = 0;
        for step in walk(&bytes) {
            let (offset, len) = match step {
                Ok((offset, len)) => (offset, len as u64),
                Err(FrameError::Junk { offset, len }) => (offset, len),
                Err(FrameError::Truncated { offset, .. }) => (offset, body_of(&bytes).len() as u64 - offset),
            };
            prop_assert_eq!(offset, end);
            end += len;
        }
        prop_assert_eq!(end, body_of(&bytes).len() as u64);
    }
}
