//! Which Huffman codebook each band is written with, and how many bits that takes.

use crate::audio::aac::bits::{Bits, Code};
use crate::audio::aac::frame::Layout;
use crate::audio::aac::huffman;

/// Codebooks 0 (nothing but zeros) to 11.
const BOOKS: usize = 12;
/// Largest magnitude of each codebook; those of the last one are escaped.
const LARGEST: [u16; BOOKS] = [0, 1, 1, 2, 2, 4, 4, 7, 7, 12, 12, 8191];
/// The magnitude from which the last codebook escapes.
const ESCAPE: u16 = 16;

/// The codebook of each band of `layout`, chosen together so that lines, section headers and all take the fewest bits;
/// and those bits.
pub(super) fn choose(layout: &Layout, lines: &[i16]) -> (Vec<u8>, u32) {
    let mut books = Vec::with_capacity(layout.bands());
    let mut bits = 0;
    for group in 0..layout.groups.len() {
        let bands = group * layout.per_group..(group + 1) * layout.per_group;
        bits += choose_group(layout, lines, bands, &mut books);
    }
    (books, bits)
}

/// The cheapest way through the bands: at each band, for each codebook, from the same codebook for nothing or from the
/// cheapest other one for a section header. Sections longer than a length field are split for little; this is not weighed.
fn choose_group(
    layout: &Layout,
    lines: &[i16],
    bands: std::ops::Range<usize>,
    books: &mut Vec<u8>,
) -> u32 {
    const NEVER: u32 = u32::MAX / 2;
    let header = if layout.is_short() { 7 } else { 9 };
    let mut cost = [0u32; BOOKS];
    let mut ways: Vec<[u8; BOOKS]> = Vec::with_capacity(bands.len());
    for (index, band) in bands.enumerate() {
        let lines = &lines[layout.bounds[band]..layout.bounds[band + 1]];
        let (best, best_cost) = cheapest(&cost);
        let mut way = [0; BOOKS];
        let mut next = [NEVER; BOOKS];
        let most = lines.iter().map(|line| line.unsigned_abs()).max();
        let most = most.unwrap_or(0);
        for book in 0..BOOKS {
            if most > LARGEST[book] {
                continue;
            }
            // A band of zeros within a section repeats a scale factor, which takes one bit.
            let repeat = u32::from(most == 0 && book > 0);
            let (from, before) = if index > 0 && cost[book] <= best_cost + header {
                (small(book), cost[book])
            } else {
                (best, best_cost + header)
            };
            way[book] = from;
            next[book] = before + line_bits(book, lines) + repeat;
        }
        ways.push(way);
        cost = next;
    }
    let (mut book, bits) = cheapest(&cost);
    let start = books.len();
    for way in ways.iter().rev() {
        books.push(book);
        book = way[usize::from(book)];
    }
    books[start..].reverse();
    bits
}

fn cheapest(cost: &[u32; BOOKS]) -> (u8, u32) {
    let mut best = (0, cost[0]);
    for (book, &cost) in cost.iter().enumerate() {
        if cost < best.1 {
            best = (small(book), cost);
        }
    }
    best
}

fn small(book: usize) -> u8 {
    u8::try_from(book).unwrap_or(0)
}

/// Bits of the lines of one band.
fn line_bits(book: usize, lines: &[i16]) -> u32 {
    let mut bits = 0;
    each_word(book, lines, |(len, _)| bits += u32::from(len));
    bits
}

/// Writes the lines of one band.
pub(super) fn write_lines(book: u8, lines: &[i16], out: &mut Bits) {
    each_word(book.into(), lines, |code| out.put_code(code));
}

/// The code words, signs and escapes of one band, in order.
#[inline]
fn each_word(book: usize, lines: &[i16], mut word: impl FnMut(Code)) {
    match book {
        0 => {}
        1 | 2 => {
            let table = if book == 1 {
                &huffman::BOOK_1
            } else {
                &huffman::BOOK_2
            };
            for four in lines.as_chunks::<4>().0 {
                word(table[place(four.map(|line| line + 1), 3)]);
            }
        }
        3 | 4 => {
            let table = if book == 3 {
                &huffman::BOOK_3
            } else {
                &huffman::BOOK_4
            };
            for four in lines.as_chunks::<4>().0 {
                word(table[place(four.map(i16::abs), 3)]);
                word(signs(four));
            }
        }
        5 | 6 => {
            let table = if book == 5 {
                &huffman::BOOK_5
            } else {
                &huffman::BOOK_6
            };
            for two in lines.as_chunks::<2>().0 {
                word(table[place(two.map(|line| line + 4), 9)]);
            }
        }
        7 | 8 => {
            let table = if book == 7 {
                &huffman::BOOK_7
            } else {
                &huffman::BOOK_8
            };
            for two in lines.as_chunks::<2>().0 {
                word(table[place(two.map(i16::abs), 8)]);
                word(signs(two));
            }
        }
        9 | 10 => {
            let table = if book == 9 {
                &huffman::BOOK_9
            } else {
                &huffman::BOOK_10
            };
            for two in lines.as_chunks::<2>().0 {
                word(table[place(two.map(i16::abs), 13)]);
                word(signs(two));
            }
        }
        _ => {
            for two in lines.as_chunks::<2>().0 {
                word(huffman::BOOK_11[place(two.map(|line| line.abs().min(16)), 17)]);
                word(signs(two));
                for line in two {
                    if line.unsigned_abs() >= ESCAPE {
                        word(escape(line.unsigned_abs()));
                    }
                }
            }
        }
    }
}

/// Where `digits` stand in a codebook: digits of a number to this base.
fn place<const N: usize>(digits: [i16; N], base: usize) -> usize {
    digits.iter().fold(0, |place, &digit| {
        place * base + usize::from(digit.unsigned_abs())
    })
}

/// A bit for each line that is not zero, 1 for a negative one.
fn signs(lines: &[i16]) -> Code {
    lines.iter().fold((0, 0), |(len, bits), &line| match line {
        0 => (len, bits),
        _ => (len + 1, (bits << 1) | u32::from(line < 0)),
    })
}

/// As many ones as the magnitude has bits above four, a zero, and the bits below the highest.
fn escape(magnitude: u16) -> Code {
    let high = u8::try_from(magnitude.max(1).ilog2()).unwrap_or(0);
    let ones = high.saturating_sub(4);
    let prefix = ((1 << ones) - 1) << 1;
    let rest = u32::from(magnitude) - (1 << high);
    (ones + 1 + high, (prefix << high) | rest)
}
