//! Whether an archive is safe to read, and not locked.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::text::{Error, decode};

/// Most files. Large books have some thousand pictures.
const MOST_FILES: usize = 20_000;
/// Most bytes of all pages and tables together, unpacked. The longest novels have 10 MB.
const MOST_BYTES: u64 = 64 << 20;
/// Ways to hide the letters of fonts; the text beside them is open.
const FONT_LOCKS: &[&str] = &[
    "http://www.idpf.org/2008/embedding",
    "http://ns.adobe.com/pdf/enc#RC",
];

/// Refuses what is no zip archive, is locked, or would unpack to more than a book has.
pub(super) fn check(bytes: &[u8]) -> Result<(), Error> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Error::BrokenBook {
        what: "it is no whole zip archive",
    })?;
    if archive.len() > MOST_FILES {
        return Err(Error::BrokenBook {
            what: "it has more than 20,000 files",
        });
    }
    let mut left = MOST_BYTES;
    for idx in 0..archive.len() {
        let file = archive.by_index(idx).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Error::LockedBook,
            _ => Error::BrokenBook {
                what: "a file in it is damaged",
            },
        })?;
        let Ok(name) = file.name().map(|name| name.to_ascii_lowercase()) else {
            return Err(Error::BrokenBook {
                what: "a file in it has a name that means nothing",
            });
        };
        if file.encrypted() || name == "meta-inf/rights.xml" {
            return Err(Error::LockedBook);
        }
        if !is_read(&name) {
            continue;
        }
        // What the archive says of its sizes may be a lie: only unpacking tells.
        let mut content = file.take(left.saturating_add(1));
        if name == "meta-inf/encryption.xml" {
            let mut text = String::new();
            let read = content.read_to_string(&mut text);
            if read.is_err() || locks_text(&text) {
                return Err(Error::LockedBook);
            }
            left = left.saturating_sub(u64::try_from(text.len()).unwrap_or(u64::MAX));
            continue;
        }
        let unpacked =
            std::io::copy(&mut content, &mut std::io::sink()).map_err(|_| Error::BrokenBook {
                what: "a file in it is damaged",
            })?;
        if unpacked > left {
            return Err(Error::BrokenBook {
                what: "its pages have more than 64 MiB",
            });
        }
        left -= unpacked;
    }
    Ok(())
}

/// Whether the file `name`, in lower case, is looked into: not pictures, fonts and sounds.
fn is_read(name: &str) -> bool {
    let extension = name.rsplit('.').next().unwrap_or_default();
    !matches!(
        extension,
        "jpg"
            | "jpeg"
            | "png"
            | "gif"
            | "svg"
            | "webp"
            | "ttf"
            | "otf"
            | "woff"
            | "woff2"
            | "mp3"
            | "m4a"
            | "mp4"
            | "ogg"
            | "css"
            | "js"
            | "ico"
    )
}

/// Whether more than fonts is locked.
fn locks_text(encryption: &str) -> bool {
    encryption
        .split("EncryptedData")
        .filter(|data| data.contains("EncryptionMethod"))
        .any(|data| !FONT_LOCKS.iter().any(|lock| data.contains(lock)))
}

/// The file `name` of an archive that was checked; `None` if it has none.
pub(super) fn file(bytes: &[u8], name: &str) -> Option<String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut content = Vec::new();
    archive
        .by_name(name)
        .ok()?
        .take(MOST_BYTES)
        .read_to_end(&mut content)
        .ok()?;
    let decoded = decode::decode(&content).ok()?;
    Some(decoded.text.into_owned())
}

/// The names of the files in an archive that was checked.
pub(super) fn names(bytes: &[u8]) -> Vec<String> {
    let archive = ZipArchive::new(Cursor::new(bytes));
    archive.map_or_else(
        |_| Vec::new(),
        |archive| {
            archive
                .file_names()
                .flatten()
                .map(std::borrow::Cow::into_owned)
                .collect()
        },
    )
}
