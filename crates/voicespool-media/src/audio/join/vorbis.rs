//! Vorbis comments, as FLAC and Opus have them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::audio::cover::Cover;
use crate::audio::join::Tags;
use crate::domain::AudioMillis;

/// Vorbis comments; chapters by the convention `CHAPTER001=00:00:00.000`
/// (<https://wiki.xiph.org/Chapter_Extension>), which has three digits for the number.
pub(super) fn comments(tags: &Tags, chapters: &[(AudioMillis, &str)]) -> Vec<u8> {
    packed(fields(tags, chapters))
}

fn fields(tags: &Tags, chapters: &[(AudioMillis, &str)]) -> Vec<String> {
    let track = tags.track.map(|track| track.to_string());
    let tracks = tags.tracks.map(|tracks| tracks.to_string());
    let texts = [
        ("TITLE", &tags.title),
        ("ALBUM", &tags.album),
        ("ARTIST", &tags.artist),
        ("ALBUMARTIST", &tags.artist),
        ("COMPOSER", &tags.narrator),
        ("SERIES", &tags.series),
        ("SERIES-PART", &tags.part),
        ("DATE", &tags.year),
        ("LANGUAGE", &tags.language),
        ("GENRE", &tags.genre),
        ("DESCRIPTION", &tags.description),
        ("TRACKNUMBER", &track),
        ("TRACKTOTAL", &tracks),
    ];
    let mut fields: Vec<String> = texts
        .into_iter()
        .filter_map(|(name, text)| Some(format!("{name}={}", text.as_ref()?)))
        .collect();
    for (number, &(AudioMillis(ms), name)) in (1..1000).zip(chapters) {
        let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        let millis = ms % 1000;
        fields.push(format!(
            "CHAPTER{number:03}={hours:02}:{minutes:02}:{seconds:02}.{millis:03}"
        ));
        fields.push(format!("CHAPTER{number:03}NAME={name}"));
    }
    fields
}

fn packed(fields: Vec<String>) -> Vec<u8> {
    let size = |len: usize| u32::try_from(len).unwrap_or(0).to_le_bytes();
    let vendor = "voicespool";
    let mut block = size(vendor.len()).to_vec();
    block.extend_from_slice(vendor.as_bytes());
    block.extend_from_slice(&size(fields.len()));
    for field in fields {
        block.extend_from_slice(&size(field.len()));
        block.extend_from_slice(field.as_bytes());
    }
    block
}

/// The same with the cover among them, as Ogg has it.
pub(super) fn comments_with_cover(tags: &Tags, chapters: &[(AudioMillis, &str)]) -> Vec<u8> {
    let mut fields = fields(tags, chapters);
    if let Some(cover) = &tags.cover {
        let picture = STANDARD.encode(picture(cover));
        fields.push(format!("METADATA_BLOCK_PICTURE={picture}"));
    }
    packed(fields)
}

/// A `PICTURE` block: the front cover. Its size in pixels is not said; who shows it looks.
pub(super) fn picture(cover: &Cover) -> Vec<u8> {
    let size = |len: usize| u32::try_from(len).unwrap_or(0).to_be_bytes();
    let kind = cover.picture.media_type();
    let mut block = 3u32.to_be_bytes().to_vec();
    block.extend_from_slice(&size(kind.len()));
    block.extend_from_slice(kind.as_bytes());
    block.extend_from_slice(&[0; 20]);
    block.extend_from_slice(&size(cover.bytes.len()));
    block.extend_from_slice(&cover.bytes);
    block
}
