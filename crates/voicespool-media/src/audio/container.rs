//! Telling containers apart by their first bytes, and naming what is no audio.
//!
//! Promise: only magic bytes count, never a file name or a content type. This
//! module reads no files and decides nothing about whether the rest is whole.

use std::fmt::{self, Write};

use crate::audio::adts;
use crate::audio::mp3::FrameHeader;
use crate::domain::{AudioFormat, FileFormat};

/// How many first bytes of a file are worth handing to [`sniff`].
pub const HEAD_BYTES: usize = 4096;

/// A container this room can measure. What it carries is a codec, named apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// RIFF/WAVE, also RF64.
    Wav,
    /// Bare MPEG-1/2/2.5 layer III frames, with or without tags.
    Mp3,
    /// Native FLAC.
    Flac,
    /// Ogg, carrying Vorbis, Opus or FLAC.
    Ogg,
    /// ISO base media: MP4, M4A, M4B, MOV.
    Mp4,
    /// `WebM` and Matroska.
    WebM,
    /// AIFF and AIFF-C.
    Aiff,
    /// Apple Core Audio Format.
    Caf,
    /// Bare AAC frames with ADTS headers.
    Adts,
}

impl Container {
    /// The name used in messages and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Flac => "flac",
            Self::Ogg => "ogg",
            Self::Mp4 => "mp4",
            Self::WebM => "webm",
            Self::Aiff => "aiff",
            Self::Caf => "caf",
            Self::Adts => "adts",
        }
    }

    /// Whether a provider asked for `format` may answer in this container.
    pub fn answers(self, format: AudioFormat) -> bool {
        match format {
            AudioFormat::Wav => self == Self::Wav,
            AudioFormat::Mp3 => self == Self::Mp3,
            AudioFormat::Flac => self == Self::Flac,
            AudioFormat::Opus => self == Self::Ogg,
            AudioFormat::Aac => self == Self::Adts,
            AudioFormat::Raw => false,
        }
    }
}

impl Container {
    /// Whether a finished file of `format` lies in this container.
    pub fn is_file(self, format: FileFormat) -> bool {
        match format {
            FileFormat::Wav => self == Self::Wav,
            FileFormat::Mp3 => self == Self::Mp3,
            FileFormat::Flac => self == Self::Flac,
            FileFormat::M4b => self == Self::Mp4,
            FileFormat::Opus => self == Self::Ogg,
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The container that begins with `head`, or `None` if it is none of ours.
///
/// An `ID3v2` tag says MP3 unless `head` reaches past it and shows something else.
/// Bare frames (MP3, ADTS) have two bytes of magic only, so a second header in
/// the right place is demanded where `head` is long enough to hold it.
pub fn sniff(head: &[u8]) -> Option<Container> {
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    if (at(0, b"RIFF") || at(0, b"RF64")) && at(8, b"WAVE") {
        return Some(Container::Wav);
    }
    if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) {
        return Some(Container::Aiff);
    }
    if at(0, b"ID3") {
        return Some(match crate::audio::mp3::id3v2_len(head) {
            Some(len) => head
                .get(len..)
                .filter(|rest| !rest.is_empty())
                .and_then(sniff)
                .unwrap_or(Container::Mp3),
            None => Container::Mp3,
        });
    }
    let atoms: [&[u8]; 4] = [b"ftyp", b"styp", b"moov", b"wide"];
    let plain: [(&[u8], Container); 4] = [
        (b"fLaC", Container::Flac),
        (b"OggS", Container::Ogg),
        (b"caff", Container::Caf),
        (&[0x1a, 0x45, 0xdf, 0xa3], Container::WebM),
    ];
    if let Some(&(_, container)) = plain.iter().find(|(magic, _)| at(0, magic)) {
        return Some(container);
    }
    if atoms.iter().any(|atom| at(4, atom)) {
        return Some(Container::Mp4);
    }
    bare_frames(head)
}

/// MP3 or ADTS without anything before the first frame.
fn bare_frames(head: &[u8]) -> Option<Container> {
    if let Some(first) = FrameHeader::parse(head) {
        let follows = match head.get(first.len..) {
            Some(rest) if rest.len() >= 4 => {
                FrameHeader::parse(rest).is_some_and(|next| next.continues(first))
                    || rest.starts_with(b"TAG")
                    || rest.starts_with(b"APET")
            }
            _ => true,
        };
        return follows.then_some(Container::Mp3);
    }
    let first = adts::Header::parse(head)?;
    let follows = match head.get(first.len..) {
        Some(rest) if rest.len() >= adts::HEADER_BYTES => adts::Header::parse(rest).is_some(),
        _ => true,
    };
    follows.then_some(Container::Adts)
}

/// The first eight bytes in hexadecimal, for messages about what nobody knows.
pub(crate) fn first_bytes(head: &[u8]) -> String {
    let mut text = String::new();
    for byte in head.iter().take(8) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Something that is no audio but is often served with status 200 or found with
/// an audio file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextBody {
    /// `JSON`, `HTML or XML` or `text`.
    pub kind: &'static str,
    /// The first words, on one line, at most 120 characters.
    pub words: String,
}

impl TextBody {
    /// Recognises text at the start of a file; `None` for anything binary.
    pub fn recognise(head: &[u8]) -> Option<Self> {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let text = match std::str::from_utf8(head) {
            Ok(text) => text,
            // A character cut in two by the end of the head is no sign of binary data.
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
            }
            Err(_) => return None,
        };
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c');
        if text.trim().is_empty() || text.chars().any(odd) {
            return None;
        }
        let kind = match text.trim_start().chars().next() {
            Some('{' | '[') => "JSON",
            Some('<') => "HTML or XML",
            _ => "text",
        };
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Self {
            kind,
            words: words.chars().take(120).collect(),
        })
    }
}

impl fmt::Display for TextBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`", self.kind, self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_bytes_name_the_container() {
        let cases: &[(&[u8], Option<Container>)] = &[
            (b"RIFF\xff\xff\xff\xffWAVEfmt ", Some(Container::Wav)),
            (b"RIFF\x00\x00\x00\x00AVI LIST", None),
            (b"FORM\x00\x00\x00\x00AIFC", Some(Container::Aiff)),
            (b"fLaC\x00\x00\x00\x22", Some(Container::Flac)),
            (b"OggS\x00\x02", Some(Container::Ogg)),
            (b"\x00\x00\x00\x18ftypM4A ", Some(Container::Mp4)),
            (b"\x1a\x45\xdf\xa3\x01", Some(Container::WebM)),
            (b"caff\x00\x01", Some(Container::Caf)),
            (
                b"ID3\x03\x00\x00\x00\x00\x00\x00fLaC",
                Some(Container::Flac),
            ),
            (b"ID3\x03\x00\x00\x00\x00\x7f\x7f", Some(Container::Mp3)),
            (b"\xff\xf3\x64\xc4", Some(Container::Mp3)),
            (b"\xff\xf1\x50\x80\x02\x1f\xfc", Some(Container::Adts)),
            (b"", None),
            (b"RIFF", None),
            (b"{\"error\": 1}", None),
            (b"<!DOCTYPE html>", None),
        ];

        for (head, expected) in cases {
            assert_eq!(sniff(head), *expected, "{head:?}");
        }
    }

    #[test]
    fn one_stray_sync_word_is_no_mp3() {
        let mut head = vec![0x55; 600];
        head[..4].copy_from_slice(&[0xff, 0xf3, 0x64, 0xc4]);

        assert_eq!(sniff(&head), None);
    }

    #[test]
    fn text_is_named_with_its_first_words() {
        let json = TextBody::recognise(b"  {\"error\":\n {\"message\": \"no credit\"}}").unwrap();
        let html = TextBody::recognise(b"\xef\xbb\xbf<!DOCTYPE html><title>502</title>").unwrap();

        assert_eq!(
            json.to_string(),
            "JSON: `{\"error\": {\"message\": \"no credit\"}}`"
        );
        assert_eq!(html.kind, "HTML or XML");
        assert_eq!(
            TextBody::recognise("schöne Gr\u{fc}".as_bytes())
                .unwrap()
                .kind,
            "text"
        );
        assert_eq!(TextBody::recognise(b"\x00\x01\x02 text"), None);
        assert_eq!(TextBody::recognise(b"   "), None);
    }
}
