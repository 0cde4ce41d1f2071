//! Taking numbers off the front of an input, and putting the rest where a reader of files finds it.

use std::io::Write;

use tempfile::NamedTempFile;

/// What is left of an input.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next byte; zero after the last one.
    pub(crate) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            None => 0,
            Some((&first, rest)) => {
                self.0 = rest;
                first
            }
        }
    }

    /// The next two bytes, little end first.
    pub(crate) fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// A file of `bytes`, gone when dropped.
pub(crate) fn on_disk(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("the folder for temporary files takes one");
    file.write_all(bytes).expect("a small file fits");
    file
}

/// Asserts that `text` is one line that can be shown: something, and nothing that steers a terminal.
pub(crate) fn assert_one_line(text: &str) {
    assert!(!text.trim().is_empty(), "an error that says nothing");
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
