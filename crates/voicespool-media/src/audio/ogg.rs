//! Ogg by pages: whether a file is whole, without decoding it.
//!
//! Only what a check needs: page checksums, the sequence of pages, the mark of the
//! last page and its position. Chained and multiplexed files are measured by their
//! first stream. Source: RFC 3533, section 6; Opus in Ogg: RFC 7845.

use std::io::{self, Read};

/// What the pages of the first stream say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    /// The first packet, as far as it lies in the first page.
    pub first_packet: Vec<u8>,
    /// Position of the last page: for Opus, frames at 48 kHz including the pre-skip.
    pub last_position: u64,
}

/// Why a file is not whole pages to the mark of its last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    #[error("no page begins at offset {0}")]
    NoPage(u64),
    #[error("the page at offset {0} is cut")]
    Cut(u64),
    #[error("the page at offset {0} has a wrong checksum")]
    Checksum(u64),
    #[error("a page is missing before offset {0}")]
    Gap(u64),
    #[error("the last page is missing")]
    NoLastPage,
}

/// An Opus stream as its first packet describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusHead {
    pub channels: u16,
    /// Frames at 48 kHz to drop from the start.
    pub pre_skip: u16,
}

impl OpusHead {
    /// Reads the identification header (RFC 7845, 5.1).
    pub fn parse(packet: &[u8]) -> Option<Self> {
        match packet.strip_prefix(b"OpusHead")? {
            [_, channels, low, high, ..] if *channels > 0 => Some(Self {
                channels: u16::from(*channels),
                pre_skip: u16::from_le_bytes([*low, *high]),
            }),
            _ => None,
        }
    }
}

struct Page {
    serial: u32,
    sequence: u32,
    position: u64,
    is_last: bool,
    body: Vec<u8>,
    len: u64,
}

/// Walks all pages.
pub fn walk(file: &mut impl Read) -> io::Result<Result<Pages, PageError>> {
    let mut offset = 0;
    let mut stream: Option<(u32, u32)> = None;
    let mut pages = Pages {
        first_packet: Vec::new(),
        last_position: 0,
    };
    let mut ended = false;
    loop {
        let page = match read_page(file, offset)? {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        };
        match &mut stream {
            None => {
                stream = Some((page.serial, page.sequence));
                pages.first_packet = page.body;
            }
            Some((serial, sequence)) if *serial == page.serial => {
                *sequence = sequence.wrapping_add(1);
                if *sequence != page.sequence {
                    return Ok(Err(PageError::Gap(offset)));
                }
            }
            Some(_) => {
                offset += page.len;
                continue;
            }
        }
        // A page on which no packet ends has no position.
        if page.position != u64::MAX {
            pages.last_position = page.position;
        }
        ended |= page.is_last;
        offset += page.len;
    }
    Ok(match stream {
        None => Err(PageError::NoPage(0)),
        Some(_) if !ended => Err(PageError::NoLastPage),
        Some(_) => Ok(pages),
    })
}

fn read_page(file: &mut impl Read, offset: u64) -> io::Result<Result<Option<Page>, PageError>> {
    let mut bytes = Vec::with_capacity(8192);
    file.take(27).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok(Ok(None));
    }
    if !b"OggS".starts_with(bytes.get(..4).unwrap_or(&bytes)) {
        return Ok(Err(PageError::NoPage(offset)));
    }
    let Some(&head) = bytes.first_chunk::<27>() else {
        return Ok(Err(PageError::Cut(offset)));
    };
    file.take(u64::from(head[26])).read_to_end(&mut bytes)?;
    let segments = bytes.get(27..).unwrap_or_default();
    let is_whole_table = segments.len() == usize::from(head[26]);
    let body: u64 = segments.iter().map(|&len| u64::from(len)).sum();
    let table_end = bytes.len();
    file.take(body).read_to_end(&mut bytes)?;
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if !is_whole_table || len != u64::try_from(table_end).unwrap_or(0) + body {
        return Ok(Err(PageError::Cut(offset)));
    }
    let long = |at: usize| -> u32 {
        let bytes = head.get(at..).and_then(|rest| rest.first_chunk::<4>());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let stated = long(22);
    if let Some(place) = bytes.get_mut(22..26) {
        place.fill(0);
    }
    if checksum(&bytes) != stated {
        return Ok(Err(PageError::Checksum(offset)));
    }
    Ok(Ok(Some(Page {
        serial: long(14),
        sequence: long(18),
        position: (u64::from(long(10)) << 32) | u64::from(long(6)),
        is_last: head[5] & 4 != 0,
        body: bytes.split_off(table_end),
        len,
    })))
}

/// CRC-32 with polynomial 0x04C11DB7, most significant bit first, as Ogg has it.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, &byte| {
        let [top, ..] = crc.to_be_bytes();
        (crc << 8) ^ TABLE[usize::from(top ^ byte)]
    })
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut value: u32 = 0;
    let mut idx = 0;
    while idx < table.len() {
        let mut crc = value << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc >> 31 == 1 {
                (crc << 1) ^ 0x04c1_1db7
            } else {
                crc << 1
            };
            bit += 1;
        }
        table[idx] = crc;
        value += 1;
        idx += 1;
    }
    table
}
