//! WAV files that lie in their header, and odd ones that do not.

use crate::hostile::answer::Proper;
use crate::hostile::builder::Builder;
use crate::hostile::script::with;

/// Bytes of the header of the look-alike's WAV files, and places in it.
pub(super) const HEADER: usize = 44;
const RIFF_SIZE: usize = 4;
const CODING: usize = 20;
const CHANNELS: usize = 22;
const RATE: usize = 24;
const BLOCK: usize = 32;
const BITS: usize = 34;
const DATA: usize = 36;
const DATA_SIZE: usize = 40;

pub(super) fn add(catalogue: &mut Builder) {
    lying_headers(catalogue);
    odd_headers(catalogue);
}

/// The proper file with `bytes` written over it at `at`.
fn patched(proper: &Proper, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = proper.body.to_vec();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

fn lying_headers(catalogue: &mut Builder) {
    let mut lie = |name: &str, at: usize, bytes: &'static [u8]| {
        catalogue.bad(format!("wav-{name}"), move |proper| {
            with(proper, &patched(proper, at, bytes))
        });
    };
    lie("riff-misspelt", 0, b"RIFX");
    lie("wave-misspelt", 8, b"WAVY");
    lie("fmt-misspelt", 12, b"fmt_");
    lie("fmt-size-zero", 16, &[0; 4]);
    lie("fmt-size-huge", 16, &[0xff; 4]);
    lie("coding-unknown", CODING, &[0x77, 0x77]);
    lie("coding-mp3-in-wav", CODING, &[0x55, 0]);
    lie("no-channels", CHANNELS, &[0, 0]);
    lie("65535-channels", CHANNELS, &[0xff, 0xff]);
    lie("rate-zero", RATE, &[0; 4]);
    lie("rate-huge", RATE, &[0xff; 4]);
    lie("rate-of-one", RATE, &[1, 0, 0, 0]);
    // 240,000 a second where it is 24,000.
    lie("rate-ten-times", RATE, &[0x80, 0xa9, 3, 0]);
    lie("no-bits", BITS, &[0, 0]);
    lie("seven-bits", BITS, &[7, 0]);
    lie("65535-bits", BITS, &[0xff, 0xff]);
    lie("data-misspelt", DATA, b"atad");
    catalogue.bad("wav-block-and-bits-disagree", |proper| {
        let mut file = patched(proper, BLOCK, &[0, 0]);
        file[BITS] = 24;
        with(proper, &file)
    });
    let mut size = |name: &str, size: fn(u32) -> u32| {
        catalogue.bad(format!("wav-{name}"), move |proper| {
            let data = u32::try_from(proper.body.len() - HEADER).unwrap_or(0);
            with(
                proper,
                &patched(proper, DATA_SIZE, &size(data).to_le_bytes()),
            )
        });
    };
    size("data-one-frame-more", |data| data + 2);
    size("data-twice-as-much", |data| data * 2);
    size("data-a-tenth", |data| data / 20 * 2);
    size("data-two-bytes", |_| 2);
    catalogue.bad("wav-data-before-fmt", |proper| {
        let (fmt, data) = (&proper.body[12..36], &proper.body[36..]);
        with(proper, &[&proper.body[..12], data, fmt].concat())
    });
    catalogue.bad("wav-without-data", |proper| {
        with(proper, &proper.body[..36])
    });
    catalogue.bad("wav-header-only", |proper| {
        with(proper, &proper.body[..HEADER])
    });
    catalogue.bad("wav-all-chunks-empty", |proper| {
        let empty = b"LIST\0\0\0\0".repeat(20_000);
        with(proper, &[&proper.body[..36], &empty].concat())
    });
}

/// Unusual, and right.
fn odd_headers(catalogue: &mut Builder) {
    catalogue.harmless("wav-riff-size-zero", |proper| {
        with(proper, &patched(proper, RIFF_SIZE, &[0; 4]))
    });
    catalogue.harmless("wav-sizes-of-a-stream", |proper| {
        let mut file = patched(proper, RIFF_SIZE, &[0xff; 4]);
        file[DATA_SIZE..HEADER].fill(0xff);
        with(proper, &file)
    });
    // Who cannot seek back writes the largest size there is, or nearly; all of it is here.
    catalogue.harmless("wav-data-two-gigabytes", |proper| {
        with(
            proper,
            &patched(proper, DATA_SIZE, &[0xfe, 0xff, 0xff, 0x7f]),
        )
    });
    catalogue.harmless("wav-rf64-without-its-sizes", |proper| {
        with(proper, &patched(proper, 0, b"RF64"))
    });
    catalogue.harmless("wav-with-a-list-before-its-data", |proper| {
        let list = b"LIST\x0c\0\0\0INFOISFT\0\0\0\0";
        with(
            proper,
            &[&proper.body[..36], list, &proper.body[36..]].concat(),
        )
    });
    catalogue.harmless("wav-with-more-behind-its-data", |proper| {
        with(proper, &[&proper.body[..], b"LIST\x04\0\0\0INFO"].concat())
    });
    catalogue.harmless("wav-extensible", |proper| {
        // KSDATAFORMAT_SUBTYPE_PCM behind an fmt chunk of 40 bytes.
        let guid = b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
        let fmt = [
            &b"fmt \x28\0\0\0\xfe\xff"[..],
            &proper.body[22..36],
            b"\x16\0\x10\0\x04\0\0\0",
            guid,
        ]
        .concat();
        with(
            proper,
            &[&proper.body[..12], &fmt, &proper.body[36..]].concat(),
        )
    });
}
