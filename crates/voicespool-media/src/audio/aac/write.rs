//! The syntax of a frame: ISO/IEC 14496-3, `raw_data_block` with one channel or a pair.

use crate::audio::aac::bits::Bits;
use crate::audio::aac::frame::Layout;
use crate::audio::aac::quantise::Quantised;
use crate::audio::aac::sections;

/// One channel of a frame, ready to be written.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) quantised: Quantised,
    /// The codebook of each band.
    pub(super) books: Vec<u8>,
}

const SINGLE: u32 = 0;
const PAIR: u32 = 1;
const END: u32 = 7;

/// The bytes of a frame: one channel, or two that share their windows. `mid` tells the bands of a pair that hold
/// half of sum and difference instead of left and right.
pub(super) fn frame(layout: &Layout, channels: &[Channel], mid: &[bool]) -> Vec<u8> {
    let mut out = Bits::default();
    match channels {
        [single] => {
            out.put(3, SINGLE);
            out.put(4, 0); // the first of its kind
            put_channel(layout, single, true, &mut out);
        }
        channels => {
            out.put(3, PAIR);
            out.put(4, 0);
            out.put(1, 1); // windows in common
            put_info(layout, &mut out);
            if mid.iter().any(|&mid| mid) {
                out.put(2, 1);
                for &mid in mid {
                    out.put(1, mid.into());
                }
            } else {
                out.put(2, 0);
            }
            for channel in channels {
                put_channel(layout, channel, false, &mut out);
            }
        }
    }
    out.put(3, END);
    out.into_bytes()
}

/// `ics_info`.
fn put_info(layout: &Layout, out: &mut Bits) {
    out.put(1, 0); // reserved
    out.put(2, layout.sequence.code());
    out.put(1, 0); // sine windows
    let bands = u32::try_from(layout.per_group).unwrap_or(0);
    if layout.is_short() {
        out.put(4, bands);
        out.put(7, layout.grouping());
    } else {
        out.put(6, bands);
        out.put(1, 0); // no prediction
    }
}

/// `individual_channel_stream`.
fn put_channel(layout: &Layout, channel: &Channel, with_info: bool, out: &mut Bits) {
    let gain = channel.quantised.gain(&channel.books);
    out.put(8, u32::try_from(gain).unwrap_or(0));
    if with_info {
        put_info(layout, out);
    }
    put_sections(layout, &channel.books, out);
    for code in channel.quantised.differences(&channel.books) {
        out.put_code(code);
    }
    out.put(3, 0); // no pulses, no noise shaping, no gain control
    for (band, &book) in layout.bounds.windows(2).zip(&channel.books) {
        sections::write_lines(book, &channel.quantised.lines[band[0]..band[1]], out);
    }
}

/// `section_data`: runs of bands with one codebook.
fn put_sections(layout: &Layout, books: &[u8], out: &mut Bits) {
    let (width, all) = if layout.is_short() { (3, 7) } else { (5, 31) };
    for group in books.chunks(layout.per_group.max(1)) {
        for run in group.chunk_by(|a, b| a == b) {
            out.put(4, run[0].into());
            let mut left = u32::try_from(run.len()).unwrap_or(0);
            while left >= all {
                out.put(width, all);
                left -= all;
            }
            out.put(width, left);
        }
    }
}
