//! The tags of an M4B, under the names that Apple Books, Audiobookshelf and Plex read.

use crate::audio::cover::{Cover, Picture};
use crate::audio::join::Tags;
use crate::audio::join::m4b::boxes::{boxed, words};

/// `meta` with `ilst`.
pub(super) fn encode(tags: &Tags) -> Vec<u8> {
    let mut items: Vec<Vec<u8>> = Vec::new();
    let album = tags.album.as_ref().or(tags.title.as_ref());
    let texts: [([u8; 4], Option<&String>); 10] = [
        (*b"\xa9nam", tags.title.as_ref()),
        (*b"\xa9alb", album),
        (*b"\xa9ART", tags.artist.as_ref()),
        (*b"aART", tags.artist.as_ref()),
        (*b"\xa9wrt", tags.narrator.as_ref()),
        (*b"\xa9day", tags.year.as_ref()),
        (*b"\xa9gen", tags.genre.as_ref()),
        (*b"desc", tags.description.as_ref()),
        (*b"\xa9mvn", tags.series.as_ref()),
        (*b"\xa9cmt", tags.description.as_ref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            items.push(item(name, 1, text.as_bytes()));
        }
    }
    items.push(item(
        *b"\xa9too",
        1,
        concat!("voicespool ", env!("CARGO_PKG_VERSION")).as_bytes(),
    ));
    if let Some(track) = tags.track.and_then(|track| u16::try_from(track).ok()) {
        let of = tags.tracks.and_then(|tracks| u16::try_from(tracks).ok());
        let ([high, low], [high_of, low_of]) = (track.to_be_bytes(), of.unwrap_or(0).to_be_bytes());
        items.push(item(*b"trkn", 0, &[0, 0, high, low, high_of, low_of, 0, 0]));
    }
    // The kind that Apple's players keep with the audiobooks.
    items.push(item(*b"stik", 21, &[2]));
    for (name, text) in [
        ("SERIES", &tags.series),
        ("SERIES-PART", &tags.part),
        ("LANGUAGE", &tags.language),
    ] {
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
            items.push(freeform(name, text));
        }
    }
    if let Some(Cover { picture, bytes }) = &tags.cover {
        let kind = match picture {
            Picture::Jpeg => 13,
            Picture::Png => 14,
        };
        items.push(item(*b"covr", kind, bytes));
    }
    let items: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
    let list = boxed(*b"ilst", &items);
    let handler = boxed(
        *b"hdlr",
        &[&words(&[0, 0]), b"mdirappl", &words(&[0, 0]), &[0]],
    );
    boxed(*b"meta", &[&words(&[0]), &handler, &list])
}

/// One tag; `kind` is how its bytes are to be read (1 UTF-8, 13 JPEG, 14 PNG, 21 a number).
fn item(name: [u8; 4], kind: u32, bytes: &[u8]) -> Vec<u8> {
    boxed(name, &[&data(kind, bytes)])
}

fn data(kind: u32, bytes: &[u8]) -> Vec<u8> {
    boxed(*b"data", &[&words(&[kind, 0]), bytes])
}

/// A tag that Apple has no name for.
fn freeform(name: &str, text: &str) -> Vec<u8> {
    boxed(
        *b"----",
        &[
            &boxed(*b"mean", &[&words(&[0]), b"com.apple.iTunes"]),
            &boxed(*b"name", &[&words(&[0]), name.as_bytes()]),
            &data(1, text.as_bytes()),
        ],
    )
}
