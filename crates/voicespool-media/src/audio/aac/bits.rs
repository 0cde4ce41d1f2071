//! Bits to bytes, the most significant first.

/// A code word: its length in bits and the word, right-aligned.
pub(super) type Code = (u8, u32);

#[derive(Debug, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet, right-aligned, fewer than 8.
    rest: u64,
    pending: u8,
}

impl Bits {
    /// The lowest `len` bits of `word`, at most 32.
    pub(super) fn put(&mut self, len: u8, word: u32) {
        let mask = (1u64 << len.min(32)) - 1;
        self.rest = (self.rest << len) | (u64::from(word) & mask);
        self.pending += len;
        while self.pending >= 8 {
            self.pending -= 8;
            let [.., byte] = (self.rest >> self.pending).to_be_bytes();
            self.bytes.push(byte);
        }
        self.rest &= (1 << self.pending) - 1;
    }

    pub(super) fn put_code(&mut self, (len, word): Code) {
        self.put(len, word);
    }

    /// The bytes, the last one filled up with zeros.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        if self.pending > 0 {
            self.put(8 - self.pending, 0);
        }
        self.bytes
    }
}
