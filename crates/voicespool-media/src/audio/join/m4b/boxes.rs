//! The boxes of MP4: a size, a name of four letters, a body (ISO/IEC 14496-12).

/// A box of `name` around `parts`.
pub(super) fn boxed(name: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(body + 8);
    bytes.extend_from_slice(&count(body + 8).to_be_bytes());
    bytes.extend_from_slice(&name);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Numbers of 32 bits, one after another.
pub(super) fn words(numbers: &[u32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

/// A descriptor of MPEG-4 systems: its length in four groups of seven bits.
pub(super) fn descriptor(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = count(body.len());
    for (shift, more) in [(21, 0x80), (14, 0x80), (7, 0x80), (0, 0)] {
        let [.., group] = ((length >> shift) & 0x7f).to_be_bytes();
        bytes.push(group | more);
    }
    bytes.extend_from_slice(body);
    bytes
}

/// A length as the format counts. What is larger than 4 GiB has no place in a header, and is none.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Runs of equal numbers, as the tables of the format have them.
pub(super) fn runs(numbers: &[u32]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((times, last)) if *last == number => *times += 1,
            _ => runs.push((1, number)),
        }
    }
    runs
}
