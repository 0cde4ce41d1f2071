//! The ID3v2.3 tag of a joined MP3: texts, cover and chapters.
//!
//! Version 2.3 because that is what players' chapter support was written against. Chapter
//! frames: "`ID3v2` Chapter Frame Addendum" 1.0. Times are milliseconds in 32 bits and fixed in
//! size, so a tag with zero times is exactly as long as the final one.

use id3::frame::{
    Chapter, Comment, Content, ExtendedText, Frame, Picture, PictureType, TableOfContents,
};
use id3::{Encoder, Tag, TagLike, Version};

use crate::audio::cover::Cover;
use crate::audio::join::{Span, Tags};
use crate::domain::AudioMillis;

/// A table of contents counts its entries in one byte.
const MAX_ENTRIES: usize = 255;

/// The tag's bytes, without padding.
pub(crate) fn encode(tags: &Tags, chapters: &[(Span, &str)]) -> Result<Vec<u8>, id3::Error> {
    let mut tag = Tag::new();
    add_texts(tags, &mut tag);
    add_chapters(chapters, &mut tag);
    let mut bytes = Vec::new();
    if tag.frames().next().is_some() {
        Encoder::new()
            .version(Version::Id3v23)
            .encode(&tag, &mut bytes)?;
    }
    Ok(bytes)
}

fn add_texts(tags: &Tags, tag: &mut Tag) {
    // Audiobook players show the author as artist and the narrator as composer.
    let texts = [
        ("TIT2", &tags.title),
        ("TALB", &tags.album),
        ("TPE1", &tags.artist),
        ("TPE2", &tags.artist),
        ("TCOM", &tags.narrator),
        ("TYER", &tags.year),
        ("TLAN", &tags.language),
        ("TCON", &tags.genre),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            tag.set_text(name, text);
        }
    }
    if let Some(track) = tags.track {
        tag.set_track(track);
        if let Some(tracks) = tags.tracks {
            tag.set_total_tracks(tracks);
        }
    }
    for (name, text) in [("SERIES", &tags.series), ("SERIES-PART", &tags.part)] {
        if let Some(text) = text {
            tag.add_frame(ExtendedText {
                description: name.to_owned(),
                value: text.clone(),
            });
        }
    }
    if let Some(text) = &tags.description {
        tag.add_frame(Comment {
            lang: "und".to_owned(),
            description: String::new(),
            text: text.clone(),
        });
    }
    if let Some(Cover { picture, bytes }) = &tags.cover {
        tag.add_frame(Picture {
            mime_type: picture.media_type().to_owned(),
            picture_type: PictureType::CoverFront,
            description: String::new(),
            data: bytes.clone(),
        });
    }
}

fn add_chapters(chapters: &[(Span, &str)], tag: &mut Tag) {
    let names: Vec<String> = (1..=chapters.len())
        .map(|number| format!("chp{number}"))
        .collect();
    for ((span, name), id) in chapters.iter().zip(&names) {
        tag.add_frame(Chapter {
            element_id: id.clone(),
            start_time: millis(span.start),
            end_time: millis(span.end),
            start_offset: u32::MAX, // times count, byte offsets do not
            end_offset: u32::MAX,
            frames: vec![Frame::text("TIT2", *name)],
        });
    }
    for contents in tables(&names) {
        let content = Content::TableOfContents(contents);
        tag.add_frame(Frame::with_content("CTOC", content));
    }
}

/// One table of contents, or one of tables when there are more chapters than one can count.
/// Beyond 65,025 chapters the rest is in the file but in no table.
fn tables(names: &[String]) -> Vec<TableOfContents> {
    let table = |element_id: String, top_level: bool, elements: Vec<String>| TableOfContents {
        element_id,
        top_level,
        ordered: true,
        elements,
        frames: Vec::new(),
    };
    if names.is_empty() {
        return Vec::new();
    }
    if names.len() <= MAX_ENTRIES {
        return vec![table("toc".to_owned(), true, names.to_vec())];
    }
    let parts: Vec<_> = names
        .chunks(MAX_ENTRIES)
        .take(MAX_ENTRIES)
        .enumerate()
        .map(|(idx, part)| table(format!("toc{}", idx + 1), false, part.to_vec()))
        .collect();
    let ids = parts.iter().map(|part| part.element_id.clone()).collect();
    let mut tables = vec![table("toc".to_owned(), true, ids)];
    tables.extend(parts);
    tables
}

fn millis(time: AudioMillis) -> u32 {
    u32::try_from(time.0).unwrap_or(u32::MAX)
}
