use std::io::Cursor;

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

use crate::audio::sample::SampleFormat;
use crate::audio::wav::{
    Extent, MAX_DATA_BYTES, WavError, WavHeader, WavSpec, read_frames, read_header,
};

const SPEECH: WavSpec = WavSpec {
    channels: 1,
    sample_rate: 24_000,
    format: SampleFormat::S16,
};

fn file(spec: WavSpec, data: &[u8]) -> Vec<u8> {
    let mut bytes = spec.header(data.len() as u64).unwrap().to_vec();
    bytes.extend_from_slice(data);
    bytes
}

fn head(bytes: &[u8]) -> Result<WavHeader, WavError> {
    read_header(&mut Cursor::new(bytes))
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    let mut source = Cursor::new(bytes);
    let header = read_header(&mut source).unwrap();
    let mut out = Vec::new();
    read_frames::<std::io::Error>(&mut source, &header, |block| {
        out.extend_from_slice(block);
        Ok(())
    })
    .unwrap();
    out
}

#[test]
fn what_is_written_is_read_back() {
    for channels in [1, 2] {
        let spec = WavSpec { channels, ..SPEECH };
        let data: Vec<u8> = (0..40_000u32)
            .flat_map(|n| (n as u16).to_le_bytes())
            .collect();

        let bytes = file(spec, &data);

        let header = head(&bytes).unwrap();
        assert_eq!(header.spec, spec);
        assert_eq!(header.extent, Extent::Stated);
        assert_eq!(header.frames() * u64::from(channels), 40_000);
        assert_eq!(
            samples(&bytes),
            (0..40_000u32).map(|n| n as u16 as i16).collect::<Vec<_>>()
        );
    }
}

#[test]
fn sizes_of_streaming_servers_mean_to_the_end() {
    for size in [0u32, u32::MAX, u32::MAX - 36, 0x7fff_f000, 0x7fff_ffff] {
        let mut bytes = file(SPEECH, &[1, 0, 2, 0, 3, 0]);
        bytes[40..44].copy_from_slice(&size.to_le_bytes());

        let header = head(&bytes).unwrap();

        assert_eq!(
            (header.extent, header.frames()),
            (Extent::Streamed, 3),
            "{size:#x}"
        );
        assert_eq!(samples(&bytes), [1, 2, 3]);
    }
}

#[test]
fn a_cut_anywhere_in_the_samples_is_seen() {
    let whole = file(SPEECH, &[7; 200]);

    for cut in 44..whole.len() {
        let header = head(&whole[..cut]).unwrap();
        assert_eq!(
            header.extent,
            Extent::Missing { stated: 200 },
            "cut at {cut}"
        );
    }
    for cut in 0..44 {
        assert!(head(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn chunks_before_and_after_the_samples_are_stepped_over() {
    let plain = file(SPEECH, &[1, 0, 2, 0]);
    let mut bytes = plain[..12].to_vec();
    bytes.extend_from_slice(b"LIST\x05\0\0\0INFOx\0"); // an odd size has a pad byte
    bytes.extend_from_slice(&plain[12..]);
    bytes.extend_from_slice(b"LIST\x04\0\0\0INFO");

    assert_eq!(samples(&bytes), [1, 2]);
}

#[test]
fn extensible_headers_are_read() {
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x28\0\0\0".to_vec();
    bytes.extend_from_slice(&[
        0xfe, 0xff, 1, 0, 0xc0, 0x5d, 0, 0, 0, 0x77, 1, 0, 4, 0, 32, 0,
    ]);
    bytes.extend_from_slice(&[22, 0, 32, 0, 0, 0, 0, 0, 3, 0]);
    bytes.extend_from_slice(&[0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    bytes.extend_from_slice(b"data\x08\0\0\0");
    bytes.extend_from_slice(&0.5f32.to_le_bytes());
    bytes.extend_from_slice(&(-0.25f32).to_le_bytes());

    assert_eq!(head(&bytes).unwrap().spec.format, SampleFormat::F32);
    assert_eq!(samples(&bytes), [16384, -8192]);
}

#[test]
fn rf64_states_its_length_in_a_chunk_of_its_own() {
    let mut bytes = b"RF64\xff\xff\xff\xffWAVEds64\x10\0\0\0".to_vec();
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&4u64.to_le_bytes());
    bytes.extend_from_slice(&file(SPEECH, &[])[12..40]);
    bytes.extend_from_slice(&u32::MAX.to_le_bytes());
    bytes.extend_from_slice(&[5, 0, 6, 0]);

    assert_eq!(head(&bytes).unwrap().extent, Extent::Stated);
    assert_eq!(samples(&bytes), [5, 6]);
    assert_eq!(
        head(&bytes[..bytes.len() - 1]).unwrap().extent,
        Extent::Missing { stated: 4 }
    );
}

#[test]
fn senseless_headers_are_refused() {
    let patched = |at: usize, value: &[u8]| {
        let mut bytes = file(SPEECH, &[0; 8]);
        bytes[at..at + value.len()].copy_from_slice(value);
        head(&bytes)
    };

    for (at, value) in [
        (22, &[0u8, 0][..]),
        (22, &[0xff, 0xff]),
        (24, &[0, 0, 0, 0]),
        (24, &[0xff, 0xff, 0xff, 0xff]),
        (32, &[0, 0]),
    ] {
        assert!(
            matches!(patched(at, value), Err(WavError::Header { .. })),
            "{at}"
        );
    }
    assert!(matches!(
        patched(20, &[0x55]),
        Err(WavError::Codec { tag: 0x55, .. })
    ));
    assert!(matches!(
        patched(36, b"junk"),
        Err(WavError::NoChunk("data"))
    ));
}

#[test]
fn more_than_four_gibibytes_get_no_header() {
    assert!(SPEECH.header(MAX_DATA_BYTES).is_some());
    assert_eq!(SPEECH.header(MAX_DATA_BYTES + 1), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_header_panics_or_promises_more_than_there_is(flips in proptest::collection::vec((0usize..60, any::<u8>()), 0..6)) {
        let mut bytes = file(SPEECH, &[3; 40]);
        for (at, value) in flips {
            bytes[at] = value;
        }
        if let Ok(header) = head(&bytes) {
            let end = header.data_start + header.data_bytes;
            prop_assert_eq!(end.min(bytes.len() as u64), end);
            prop_assert_eq!(samples(&bytes).len() as u64, header.frames() * u64::from(header.spec.channels));
        }
    }
}
