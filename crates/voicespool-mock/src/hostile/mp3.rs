//! MP3 files that are broken, cut, or something else.

use voicespool_media::audio::mp3::frames;

use crate::hostile::answer::HostileAnswer;
use crate::hostile::builder::Builder;
use crate::hostile::script::{chunk, ok, with};
use crate::sound;
use crate::voice::tones;
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    broken_frames(catalogue);
    other_answers(catalogue);
}

fn broken_frames(catalogue: &mut Builder) {
    let mut bad = |name: &str, change: fn(&[u8]) -> Vec<u8>| {
        as_mp3(catalogue.bad(format!("mp3-{name}"), move |proper| {
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
}

/// Answers to a request for MP3 whose frames are whole.
fn other_answers(catalogue: &mut Builder) {
    as_mp3(catalogue.bad("mp3-wav-instead", |proper| {
        let other = tones(
            "other",
            "Somebody spoke, but not in the format that was asked for.",
        );
        with(proper, &sound::wav(&other.unwrap_or_default(), 24_000))
    }));
    as_mp3(catalogue.bad("mp3-cut-chunked", |proper| {
        let mut answer = ok(proper, &["transfer-encoding: chunked"]);
        answer.extend_from_slice(&chunk(&proper.body[..3_000]));
        vec![Step::send(answer)]
    }));
    as_mp3(catalogue.bad("mp3-cut-close", |proper| {
        vec![
            Step::send(ok(proper, &["connection: close"])),
            Step::send(proper.body[..3_001].to_vec()),
        ]
    }));
    as_mp3(catalogue.harmless("mp3-behind-a-tag", |proper| {
        with(
            proper,
            &[
                &b"ID3\x03\0\0\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0"[..],
                &proper.body,
            ]
            .concat(),
        )
    }));
    as_mp3(catalogue.harmless("mp3-with-an-old-tag-behind", |proper| {
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
