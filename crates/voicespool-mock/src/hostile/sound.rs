//! Sound that is not the speech that was asked for, and other containers.

use crate::hostile::answer::{Expected, Proper};
use crate::hostile::builder::Builder;
use crate::hostile::script::{typed, with};
use crate::hostile::wav::HEADER;
use crate::sound;
use crate::voice::tones;
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    wrong_sound(catalogue);
    wrong_container(catalogue);
}

/// The samples of the proper file.
fn samples(proper: &Proper) -> Vec<i16> {
    proper.body[HEADER..]
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

fn wrong_sound(catalogue: &mut Builder) {
    let mut sound = |name: &str, change: fn(Vec<i16>) -> Vec<i16>| {
        catalogue.bad(format!("sound-{name}"), move |proper| {
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
    catalogue.bad("sound-of-something-else", |proper| {
        let other = tones("other", "Hm.").unwrap_or_default();
        with(proper, &sound::wav(&other, 24_000))
    });
    catalogue.add("sound-twice-as-loud", Expected::Different, |proper| {
        let louder: Vec<i16> = samples(proper)
            .into_iter()
            .map(|sample| sample.saturating_mul(2))
            .collect();
        with(proper, &sound::wav(&louder, 24_000))
    });
}

fn wrong_container(catalogue: &mut Builder) {
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
        catalogue.bad(format!("container-{name}"), move |proper| {
            let body = [head, &proper.body[HEADER..]].concat();
            vec![Step::send(typed(content_type, &body))]
        });
    }
    catalogue.bad("container-bare-samples", |proper| {
        with(proper, &proper.body[HEADER..])
    });
    catalogue.bad("container-wav-in-a-tag-of-256-megabytes", |proper| {
        let body = [&b"ID3\x03\0\0\x7f\x7f\x7f\x7f"[..], &proper.body].concat();
        with(proper, &body)
    });
    catalogue.bad("container-wav-behind-a-line", |proper| {
        with(
            proper,
            &[&b"HTTP/1.1 200 OK\r\n\r\n"[..], &proper.body].concat(),
        )
    });
}
