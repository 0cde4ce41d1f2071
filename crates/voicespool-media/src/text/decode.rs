//! Bytes to text: which encoding, and whether it is text at all.
//!
//! The order is a byte order mark, strict UTF-8, UTF-8 with a few broken places, then `chardetng`'s
//! statistics. A file that is no text is refused: a picture read aloud costs money too.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::text::Error;

/// A file as text.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    /// Without a byte order mark.
    pub(super) text: Cow<'a, str>,
    /// The name in the WHATWG Encoding Standard.
    pub(super) encoding: &'static str,
    /// Some bytes meant nothing in this encoding and became U+FFFD.
    pub(super) had_replacements: bool,
    /// Bytes that are no UTF-8 in a text that is, read as windows-1252.
    pub(super) guessed_bytes: usize,
}

/// Formats whose beginning is printable all the same.
const PRINTABLE_SIGNATURES: &[(&[u8], &str)] =
    &[(b"%PDF-", "a PDF document"), (b"{\\rtf", "an RTF document")];

/// First bytes of files that are mistaken for text or renamed to it. They count only together with
/// a control character nearby: a text may begin with "ID3 tags".
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"PK\x03\x04", "a zip archive, such as EPUB or DOCX"),
    (b"\xD0\xCF\x11\xE0", "an old Office document"),
    (b"RIFF", "a RIFF file, such as WAV"),
    (b"OggS", "Ogg audio"),
    (b"fLaC", "FLAC audio"),
    (b"ID3", "MP3 audio"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"7z\xBC\xAF", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7FELF", "a program"),
    (b"SQLite format 3\0", "a SQLite database"),
];

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded<'_>, Error> {
    if let Some(looks_like) = by_signature(bytes) {
        return Err(Error::Binary { looks_like });
    }
    let (encoding, body) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => (guess(bytes)?, bytes),
    };
    let decoded = if encoding == UTF_8 {
        utf_8(body)
    } else {
        let (text, had_replacements) = encoding.decode_without_bom_handling(body);
        Decoded {
            text,
            encoding: encoding.name(),
            had_replacements,
            guessed_bytes: 0,
        }
    };
    refuse_control_characters(decoded.text.as_bytes())?;
    Ok(decoded)
}

/// UTF-8, and what was pasted into it from Windows: a byte that cannot stand where it stands is
/// the character it has in windows-1252, but for a character that the end of the file cuts off.
fn utf_8(bytes: &[u8]) -> Decoded<'_> {
    let mut decoded = Decoded {
        text: Cow::Borrowed(""),
        encoding: UTF_8.name(),
        had_replacements: false,
        guessed_bytes: 0,
    };
    if let Ok(text) = std::str::from_utf8(bytes) {
        decoded.text = Cow::Borrowed(text);
        return decoded;
    }
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let invalid = chunk.invalid();
        at += chunk.valid().len() + invalid.len();
        let (guess, _) = WINDOWS_1252.decode_without_bom_handling(invalid);
        let is_cut = at == bytes.len() && invalid.first().is_some_and(|byte| *byte >= 0xC2);
        if is_cut || guess.chars().any(char::is_control) {
            text.push('\u{FFFD}');
            decoded.had_replacements = true;
        } else {
            text.push_str(&guess);
            decoded.guessed_bytes += invalid.len();
        }
    }
    decoded.text = Cow::Owned(text);
    decoded
}

fn by_signature(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(512)];
    let is_control = |byte: &u8| *byte < b' ' && !byte.is_ascii_whitespace();
    let binary = if head.iter().any(is_control) {
        SIGNATURES
    } else {
        &[]
    };
    let mut known = PRINTABLE_SIGNATURES.iter().chain(binary);
    known
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|(_, name)| *name)
}

/// The encoding of text without a byte order mark.
fn guess(bytes: &[u8]) -> Result<&'static Encoding, Error> {
    if let Some(utf_16) = utf_16_by_zeros(bytes) {
        return Ok(utf_16);
    }
    refuse_control_characters(bytes)?;
    // ISO-2022-JP is ASCII with escape sequences, so it passes for UTF-8.
    let has_escapes = bytes.is_ascii() && bytes.contains(&b'\x1B');
    if !has_escapes && is_nearly_utf_8(bytes) {
        return Ok(UTF_8);
    }
    if is_one_byte(bytes) {
        return Err(Error::Binary {
            looks_like: "binary data",
        });
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    Ok(detector.guess(None, Utf8Detection::Deny))
}

/// Whether it is mostly one byte, and no letter of ASCII: erased memory is 0xFF from end to end, and
/// would be read as so many letters of a code page.
fn is_one_byte(bytes: &[u8]) -> bool {
    let high = |byte: &&u8| !byte.is_ascii();
    let Some(first) = bytes.iter().find(high) else {
        return false;
    };
    let (count, same) = bytes
        .iter()
        .filter(high)
        .fold((0_usize, true), |(count, same), byte| {
            (count + 1, same && byte == first)
        });
    same && count >= 32 && count > bytes.len() / 2
}

/// UTF-16 without its mark: in the scripts of Europe every other byte is zero, which no other
/// text contains at all.
fn utf_16_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096)];
    let zeros = |parity: usize| {
        let places = sample.iter().skip(parity).step_by(2);
        places.filter(|byte| **byte == 0).count()
    };
    let pairs = sample.len() / 2;
    match (zeros(0), zeros(1)) {
        (0, odd) if pairs >= 2 && odd * 10 >= pairs * 7 => Some(UTF_16LE),
        (even, 0) if pairs >= 2 && even * 10 >= pairs * 7 => Some(UTF_16BE),
        _ => None,
    }
}

/// Refuses more than one control character in two hundred. Their bytes mean the same in every
/// encoding but UTF-16, so this holds before decoding and after it.
fn refuse_control_characters(bytes: &[u8]) -> Result<(), Error> {
    // Escape starts each Japanese passage of ISO-2022-JP, and SUB ended files under DOS.
    let is_control = |byte: &u8| matches!(byte, 0..=0x08 | 0x0E..=0x19 | 0x1C..=0x1F);
    let controls = bytes.iter().filter(|byte| is_control(byte)).count();
    if controls > 2 && controls.saturating_mul(200) > bytes.len() {
        return Err(Error::Binary {
            looks_like: "binary data",
        });
    }
    Ok(())
}

/// Valid UTF-8, or UTF-8 damaged in places (cut at the end, a stray byte pasted in): one odd byte
/// must not turn every umlaut of a book into two characters of windows-1252.
fn is_nearly_utf_8(bytes: &[u8]) -> bool {
    let (mut broken, mut sound) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        let leads = chunk.valid().bytes().filter(|byte| *byte >= 0xC0).count();
        sound = sound.saturating_add(leads);
        broken = broken.saturating_add(usize::from(!chunk.invalid().is_empty()));
    }
    broken == 0 || sound >= broken.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], text: &str, encoding: &str) {
        let decoded = decode(bytes).unwrap();
        assert_eq!((&*decoded.text, decoded.encoding), (text, encoding));
        assert!(!decoded.had_replacements);
    }

    #[test]
    fn a_byte_order_mark_decides_and_is_not_spoken() {
        check(b"\xEF\xBB\xBFgr\xC3\xBCn", "grün", "UTF-8");
        check(b"\xFF\xFEg\0r\0\xFC\0n\0", "grün", "UTF-16LE");
        check(b"\xFE\xFF\0g\0r\0\xFC\0n", "grün", "UTF-16BE");
    }

    #[test]
    fn utf_16_is_found_without_its_mark() {
        let wide: Vec<u8> = "Zwölf Boxkämpfer"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        check(&wide, "Zwölf Boxkämpfer", "UTF-16LE");
        let wide: Vec<u8> = "Zwölf Boxkämpfer"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        check(&wide, "Zwölf Boxkämpfer", "UTF-16BE");
    }

    #[test]
    fn older_encodings_are_guessed() {
        let german = "Die Straßenbahn fährt über die Brücke, während es überall schön grün blüht.";
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(german);
        check(&bytes, german, "windows-1252");
        let russian = "Поезд медленно отошёл от станции, и город скрылся в тумане.";
        let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(russian);
        check(&bytes, russian, "windows-1251");
        let japanese = "夜の汽車は静かに駅を離れ、町の灯りが霧の中に消えていった。";
        let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(japanese);
        check(&bytes, japanese, "Shift_JIS");
        let (bytes, _, _) = encoding_rs::ISO_2022_JP.encode(japanese);
        check(&bytes, japanese, "ISO-2022-JP");
    }

    #[test]
    fn one_broken_byte_does_not_turn_a_book_into_another_encoding() {
        let mut bytes = "Über den Dächern blühen schöne Bäume, überall grün. Größe!"
            .repeat(3)
            .into_bytes();
        bytes.push(0xC3);

        let decoded = decode(&bytes).unwrap();

        assert_eq!(decoded.encoding, "UTF-8");
        assert!(decoded.had_replacements && decoded.text.ends_with("Größe!\u{FFFD}"));
    }

    #[test]
    fn a_passage_from_windows_is_read_as_what_it_is() {
        let bytes = b"Caf\xC3\xA9 M\xC3\xBCller, d\xC3\xA9j\xC3\xA0: \x93no\x94.";
        let decoded = decode(bytes).unwrap();
        assert_eq!(&*decoded.text, "Café Müller, déjà: “no”.");
        assert_eq!((decoded.encoding, decoded.guessed_bytes), ("UTF-8", 2));
        assert!(!decoded.had_replacements);
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        let cases: [(&[u8], &str); 6] = [
            (&[0xFF; 1000], "binary data"),
            (b"\x89PNG\r\n\x1a\n and so on", "a PNG image"),
            (b"PK\x03\x04....", "a zip archive, such as EPUB or DOCX"),
            (b"ID3\x04....", "MP3 audio"),
            (b"%PDF-1.7 text", "a PDF document"),
            (&[0, 1, 2, 3, 200, 201], "binary data"),
        ];
        for (bytes, looks_like) in cases {
            assert_eq!(decode(bytes).unwrap_err(), Error::Binary { looks_like });
        }
    }

    #[test]
    fn a_stray_control_character_is_no_reason_to_refuse() {
        assert!(decode(b"ID3 tags are read aloud, RIFF files are not.").is_ok());
        assert!(decode(b"The end.\r\n\x1A").is_ok());
        assert!(decode(b"Page one.\x0CPage two.\x0C\x0C").is_ok());
        assert!(decode(b"").is_ok());
    }
}
