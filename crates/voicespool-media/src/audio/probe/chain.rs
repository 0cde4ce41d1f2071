//! Ogg files made of several, one after another: each has a length of its own, and all are heard.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use crate::audio::ogg::OpusHead;
use crate::domain::AudioMillis;

/// The length of all streams of `file` together; `None` if it has only one.
///
/// Steps from header to header: bodies are passed over, and checksums are for those who decode.
pub(super) fn length(file: &mut File) -> io::Result<Option<AudioMillis>> {
    file.rewind()?;
    let mut reader = BufReader::with_capacity(64 << 10, &mut *file);
    let (mut before, mut count, mut now) = (0_u64, 0_usize, None::<Stream>);
    // What comes behind a damaged page is not counted, nor can it be played.
    while let Some(page) = next_page(&mut reader)? {
        if page.is_first {
            let next = Stream::of(page.serial, &page.start);
            // Streams that begin together are one programme; a new one begins when its turn comes.
            if next.is_some() && now.as_ref().is_none_or(|now| now.position > 0) {
                before = before.saturating_add(now.as_ref().map_or(0, Stream::millis));
                count += 1;
                now = next;
            }
        } else if let Some(now) = now.as_mut().filter(|now| now.serial == page.serial)
            && page.position != u64::MAX
        {
            now.position = page.position;
        }
    }
    drop(reader);
    file.rewind()?;
    let total = before.saturating_add(now.as_ref().map_or(0, Stream::millis));
    Ok((count > 1 && total > 0).then_some(AudioMillis(total)))
}

/// The head of a page.
struct Page {
    serial: u32,
    position: u64,
    is_first: bool,
    /// The beginning of its body, of a page that begins a stream.
    start: Vec<u8>,
}

/// `None` at the end, and where no page begins.
fn next_page(reader: &mut BufReader<&mut File>) -> io::Result<Option<Page>> {
    let mut head = Vec::with_capacity(27);
    reader.by_ref().take(27).read_to_end(&mut head)?;
    let Some(head) = head
        .first_chunk::<27>()
        .filter(|head| head.starts_with(b"OggS"))
    else {
        return Ok(None);
    };
    let mut table = Vec::with_capacity(255);
    reader
        .by_ref()
        .take(head[26].into())
        .read_to_end(&mut table)?;
    let body: i64 = table.iter().map(|length| i64::from(*length)).sum();
    let is_first = head[5] & 2 != 0;
    let mut start = Vec::new();
    if is_first {
        let most = u64::try_from(body).unwrap_or(0).min(64);
        reader.by_ref().take(most).read_to_end(&mut start)?;
    }
    let read = i64::try_from(start.len()).unwrap_or(0);
    reader.seek_relative(body - read)?;
    let long = |at: usize| {
        let bytes = head.get(at..).and_then(|rest| rest.first_chunk::<4>());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    Ok(Some(Page {
        serial: long(14),
        position: (u64::from(long(10)) << 32) | u64::from(long(6)),
        is_first,
        start,
    }))
}

/// One sound stream.
struct Stream {
    serial: u32,
    rate: u32,
    pre_skip: u64,
    position: u64,
}

impl Stream {
    /// By its first packet; `None` for what is no sound.
    fn of(serial: u32, packet: &[u8]) -> Option<Self> {
        let (rate, pre_skip) = if let Some(opus) = OpusHead::parse(packet) {
            (48_000, opus.pre_skip.into())
        } else if let Some(vorbis) = packet.strip_prefix(b"\x01vorbis") {
            (u32::from_le_bytes(*vorbis.get(5..)?.first_chunk()?), 0)
        } else {
            let flac = packet.strip_prefix(b"\x7fFLAC")?;
            // Behind the mapping's version and the header's names: twenty bits of STREAMINFO.
            let [high, mid, low] = *flac.get(22..)?.first_chunk::<3>()?;
            let rate = u32::from_be_bytes([0, high, mid, low]) >> 4;
            (rate, 0)
        };
        (rate > 0).then_some(Self {
            serial,
            rate,
            pre_skip,
            position: 0,
        })
    }

    fn millis(&self) -> u64 {
        AudioMillis::of_frames(self.position.saturating_sub(self.pre_skip), self.rate).0
    }
}
