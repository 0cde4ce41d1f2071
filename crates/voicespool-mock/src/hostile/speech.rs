//! Sound that is not the speech that was asked for: files that lie about themselves, and
//! files that are honest and wrong.

use crate::hostile::{Expected, HostileAnswer, Proper, Shelf, ok, ok_with, typed};
use crate::sound;
use crate::voice::tones;
use crate::wire::Step;
use voicespool_media::audio::mp3::frames;

/// Bytes of the header of the look-alike's WAV files, and places in it.
const HEADER: usize = 44;
const RIFF_SIZE: usize = 4;
const CODING: usize = 20;
const CHANNELS: usize = 22;
const RATE: usize = 24;
const BLOCK: usize = 32;
const BITS: usize = 34;
const DATA: usize = 36;
const DATA_SIZE: usize = 40;

pub(super) fn add(shelf: &mut Shelf) {
    wrong_sound(shelf);
    wrong_container(shelf);
    lying_headers(shelf);
    odd_headers(shelf);
    mp3(shelf);
}

/// Answers with `body` as it is.
fn with(proper: &Proper, body: &[u8]) -> Vec<Step> {
    vec![Step::send(ok_with(proper, &[], body))]
}

/// The proper file with `bytes` written over it at `at`.
fn patched(proper: &Proper, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = proper.body.to_vec();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// The samples of the proper file.
fn samples(proper: &Proper) -> Vec<i16> {
    proper.body[HEADER..]
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

fn wrong_sound(shelf: &mut Shelf) {
    let mut sound = |name: &str, change: fn(Vec<i16>) -> Vec<i16>| {
        shelf.bad(format!("sound-{name}"), move |proper| {
            with(proper, &sound::wav(&change(samples(proper)), 24_000))
        });
    };
    sound("silent", |samples| vec![0; samples.len()]);
    sound("whispered", |samples| {
        samples.iter().map(|sample| sample.signum()).collect()
    });
    sound("constant", |samples| vec![20; samples.len()]);
    sound("none", |_| Vec::new());
    sound("one-sample", |samples| samples[..1].to_vec());
    sound("a-tenth", |samples| samples[..samples.len() / 10].to_vec());
    sound("ten-times", |samples| samples.repeat(10));
    sound("then-silence", |samples| {
        let rest = samples.len() * 9 / 10;
        [&samples[..samples.len() / 10], &vec![0; rest][..]].concat()
    });
    sound("behind-a-minute-of-silence", |samples| {
        [&vec![0; 24_000 * 60][..], &samples].concat()
    });
    shelf.bad("sound-of-something-else", |proper| {
        let other = tones("other", "Hm.").unwrap_or_default();
        with(proper, &sound::wav(&other, 24_000))
    });
    shelf.add("sound-twice-as-loud", Expected::Different, |proper| {
        let louder: Vec<i16> = samples(proper)
            .into_iter()
            .map(|sample| sample.saturating_mul(2))
            .collect();
        with(proper, &sound::wav(&louder, 24_000))
    });
}

fn wrong_container(shelf: &mut Shelf) {
    for (name, content_type, head) in [
        ("flac", "audio/flac", &b"fLaC\0\0\0\x22\x10\0\x10\0"[..]),
        ("flac-cut-in-its-header", "audio/wav", b"fLaC\x80"),
        (
            "flac-with-a-huge-block",
            "audio/flac",
            b"fLaC\x06\xff\xff\xff",
        ),
        ("ogg", "audio/ogg", b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0"),
        (
            "ogg-cut-in-its-page",
            "audio/wav",
            b"OggS\0\x02\0\0\0\0\0\0\0\0",
        ),
        (
            "webm",
            "audio/webm",
            b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f",
        ),
        ("m4a", "audio/mp4", b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom"),
        ("aiff", "audio/aiff", b"FORM\0\0\0\x2eAIFFCOMM"),
        ("caf", "audio/x-caf", b"caff\0\x01\0\0desc"),
        (
            "aac",
            "audio/aac",
            b"\xff\xf1\x50\x80\x02\x1f\xfc\xde\x02\0",
        ),
        ("au", "audio/basic", b".snd\0\0\0\x18"),
        ("midi", "audio/midi", b"MThd\0\0\0\x06\0\x01\0\x01"),
        ("avi", "video/x-msvideo", b"RIFF\0\x01\0\0AVI LIST"),
    ] {
        shelf.bad(format!("container-{name}"), move |proper| {
            let body = [head, &proper.body[HEADER..]].concat();
            vec![Step::send(typed(content_type, &body))]
        });
    }
    shelf.bad("container-bare-samples", |proper| {
        with(proper, &proper.body[HEADER..])
    });
    shelf.bad("container-wav-in-a-tag-of-256-megabytes", |proper| {
        let body = [&b"ID3\x03\0\0\x7f\x7f\x7f\x7f"[..], &proper.body].concat();
        with(proper, &body)
    });
    shelf.bad("container-wav-behind-a-line", |proper| {
        with(
            proper,
            &[&b"HTTP/1.1 200 OK\r\n\r\n"[..], &proper.body].concat(),
        )
    });
}

fn lying_headers(shelf: &mut Shelf) {
    let mut lie = |name: &str, at: usize, bytes: &'static [u8]| {
        shelf.bad(format!("wav-{name}"), move |proper| {
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
    shelf.bad("wav-block-and-bits-disagree", |proper| {
        let mut file = patched(proper, BLOCK, &[0, 0]);
        file[BITS] = 24;
        with(proper, &file)
    });
    let mut size = |name: &str, size: fn(u32) -> u32| {
        shelf.bad(format!("wav-{name}"), move |proper| {
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
    shelf.bad("wav-data-before-fmt", |proper| {
        let (fmt, data) = (&proper.body[12..36], &proper.body[36..]);
        with(proper, &[&proper.body[..12], data, fmt].concat())
    });
    shelf.bad("wav-without-data", |proper| {
        with(proper, &proper.body[..36])
    });
    shelf.bad("wav-header-only", |proper| {
        with(proper, &proper.body[..HEADER])
    });
    shelf.bad("wav-all-chunks-empty", |proper| {
        let empty = b"LIST\0\0\0\0".repeat(20_000);
        with(proper, &[&proper.body[..36], &empty].concat())
    });
}

/// Unusual, and right.
fn odd_headers(shelf: &mut Shelf) {
    shelf.harmless("wav-riff-size-zero", |proper| {
        with(proper, &patched(proper, RIFF_SIZE, &[0; 4]))
    });
    shelf.harmless("wav-sizes-of-a-stream", |proper| {
        let mut file = patched(proper, RIFF_SIZE, &[0xff; 4]);
        file[DATA_SIZE..HEADER].fill(0xff);
        with(proper, &file)
    });
    // Who cannot seek back writes the largest size there is, or nearly; all of it is here.
    shelf.harmless("wav-data-two-gigabytes", |proper| {
        with(
            proper,
            &patched(proper, DATA_SIZE, &[0xfe, 0xff, 0xff, 0x7f]),
        )
    });
    shelf.harmless("wav-rf64-without-its-sizes", |proper| {
        with(proper, &patched(proper, 0, b"RF64"))
    });
    shelf.harmless("wav-with-a-list-before-its-data", |proper| {
        let list = b"LIST\x0c\0\0\0INFOISFT\0\0\0\0";
        with(
            proper,
            &[&proper.body[..36], list, &proper.body[36..]].concat(),
        )
    });
    shelf.harmless("wav-with-more-behind-its-data", |proper| {
        with(proper, &[&proper.body[..], b"LIST\x04\0\0\0INFO"].concat())
    });
    shelf.harmless("wav-extensible", |proper| {
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

fn mp3(shelf: &mut Shelf) {
    let mut bad = |name: &str, change: fn(&[u8]) -> Vec<u8>| {
        as_mp3(shelf.bad(format!("mp3-{name}"), move |proper| {
            with(proper, &change(&proper.body))
        }));
    };
    bad("garbage-between-frames", |file| {
        let at = boundary(file, 20);
        [&file[..at], &[0xaa; 333], &file[at..]].concat()
    });
    bad("web-page-between-frames", |file| {
        let at = boundary(file, 20);
        [&file[..at], b"<html>502 Bad Gateway</html>", &file[at..]].concat()
    });
    bad("cut-in-a-frame", |file| {
        file[..boundary(file, 20) + 50].to_vec()
    });
    bad("cut-in-a-header", |file| {
        file[..boundary(file, 20) + 3].to_vec()
    });
    bad("a-tenth", |file| {
        let whole = frames(file).count();
        file[..boundary(file, whole / 10)].to_vec()
    });
    bad("one-frame", |file| file[..boundary(file, 1)].to_vec());
    bad("headers-only", |file| {
        frames(file)
            .filter_map(Result::ok)
            .flat_map(|frame| frame.bytes[..4].to_vec())
            .collect()
    });
    bad("tag-of-256-megabytes", |file| {
        [&b"ID3\x03\0\0\x7f\x7f\x7f\x7f"[..], file].concat()
    });
    bad("tag-only", |_| {
        b"ID3\x04\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0".to_vec()
    });
    bad("missing-frame-bytes", |file| {
        let at = boundary(file, 20);
        [&file[..at + 10], &file[at + 40..]].concat()
    });
    bad("ten-times", |file| file.repeat(10));
    bad("another-rate-in-the-middle", |file| {
        let at = boundary(file, 20);
        // The two bits of the sample rate.
        let mut file = file.to_vec();
        file[at + 2] ^= 0x0c;
        file
    });
    as_mp3(shelf.bad("mp3-wav-instead", |proper| {
        let other = tones(
            "other",
            "Somebody spoke, but not in the format that was asked for.",
        );
        with(proper, &sound::wav(&other.unwrap_or_default(), 24_000))
    }));
    as_mp3(shelf.bad("mp3-cut-chunked", |proper| {
        let mut answer = ok(proper, &["transfer-encoding: chunked"]);
        answer.extend_from_slice(&crate::hostile::chunk(&proper.body[..3_000]));
        vec![Step::send(answer)]
    }));
    as_mp3(shelf.bad("mp3-cut-close", |proper| {
        vec![
            Step::send(ok(proper, &["connection: close"])),
            Step::send(proper.body[..3_001].to_vec()),
        ]
    }));
    as_mp3(shelf.harmless("mp3-behind-a-tag", |proper| {
        with(
            proper,
            &[
                &b"ID3\x03\0\0\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0"[..],
                &proper.body,
            ]
            .concat(),
        )
    }));
    as_mp3(shelf.harmless("mp3-with-an-old-tag-behind", |proper| {
        let tag = [&b"TAG"[..], &[b' '; 125]].concat();
        with(proper, &[&proper.body[..], &tag].concat())
    }));
}

fn as_mp3(answer: &mut HostileAnswer) {
    answer.format = "mp3";
}

/// Where frame `count` begins.
fn boundary(file: &[u8], count: usize) -> usize {
    frames(file)
        .filter_map(Result::ok)
        .take(count)
        .map(|frame| frame.bytes.len())
        .sum()
}
