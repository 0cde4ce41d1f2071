//! Where the frames begin and end between the tags of an MP3.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Bytes of the `ID3v2` tag that `bytes` begins with (header, body, footer), or `None` if
/// it does not begin with one. The tag may be longer than `bytes`.
pub fn id3v2_len(bytes: &[u8]) -> Option<usize> {
    let head: &[u8; 10] = bytes.first_chunk()?;
    let [b'I', b'D', b'3', _, _, flags, size @ ..] = head else {
        return None;
    };
    let body = size
        .iter()
        .fold(0usize, |sum, &byte| (sum << 7) | usize::from(byte & 0x7f));
    Some(10 + body + if flags & 0x10 == 0 { 0 } else { 10 })
}

/// Bytes of the `APEv2` tag whose 32-byte footer `tail` ends with.
fn ape_len(tail: &[u8]) -> Option<u64> {
    let footer: &[u8; 32] = tail.last_chunk()?;
    let (magic, rest) = footer.split_at(8);
    let size = u64::from(u32::from_le_bytes(*rest.get(4..)?.first_chunk()?));
    let flags = u32::from_le_bytes(*rest.get(12..)?.first_chunk()?);
    let header = if flags >> 31 == 1 { 32 } else { 0 };
    (magic == b"APETAGEX" && size >= 32).then_some(size + header)
}

/// The byte range of a file between its leading `ID3v2` and its trailing `ID3v1` and `APEv2` tags.
///
/// Tags are believed only as far as the file reaches: the range is never beyond its end.
pub fn body_range(file: &mut (impl Read + Seek)) -> io::Result<Range<u64>> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut start = 0u64;
    loop {
        let head = read_at(file, start, 10, length)?;
        let Some(len) = id3v2_len(&head) else { break };
        start = start
            .saturating_add(u64::try_from(len).unwrap_or(u64::MAX))
            .min(length);
    }
    let mut end = length;
    let has_id3v1 = |tail: &[u8]| tail.len() == 128 && tail.starts_with(b"TAG");
    if end - start >= 128 && has_id3v1(&read_at(file, end - 128, 128, length)?) {
        end -= 128;
    }
    if end - start >= 32
        && let Some(len) = ape_len(&read_at(file, end - 32, 32, length)?)
        && len <= end - start
    {
        end -= len;
    }
    Ok(start..end)
}

/// Up to `len` bytes at `at`, fewer when the file ends before.
fn read_at(file: &mut (impl Read + Seek), at: u64, len: usize, length: u64) -> io::Result<Vec<u8>> {
    let there = usize::try_from(length.saturating_sub(at)).unwrap_or(len);
    let mut bytes = vec![0; len.min(there)];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// [`body_range`] of bytes in memory: the part of `bytes` between the tags.
pub fn body_of(bytes: &[u8]) -> &[u8] {
    let range = body_range(&mut io::Cursor::new(bytes)).unwrap_or(0..0);
    let at = |end: u64| usize::try_from(end).unwrap_or(0);
    bytes
        .get(at(range.start)..at(range.end))
        .unwrap_or_default()
}
