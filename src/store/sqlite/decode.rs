//! From rows to domain values, column by column in the order of the statement.

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};

use crate::domain::{AudioMillis, CharCount, ContentKey, JobKind, NanoUsd, Quantity, UtcMillis};
use crate::store::Error;

/// Reads the columns of a row from the first to the last.
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    /// Leaves out columns that are read otherwise.
    pub(super) fn skip(&mut self, n: usize) {
        self.next += n;
    }

    /// The next column as it is.
    pub(super) fn raw<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T, Error> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    pub(super) fn text(&mut self) -> Result<String, Error> {
        self.raw()
    }

    pub(super) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, Error> {
        let number: i64 = self.raw()?;
        T::try_from(number).map_err(|_| Error::bad_row(format!("{number} is out of range")))
    }

    pub(super) fn maybe_number<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, Error> {
        let number: Option<i64> = self.raw()?;
        number
            .map(|number| {
                T::try_from(number).map_err(|_| Error::bad_row(format!("{number} is out of range")))
            })
            .transpose()
    }

    /// One of a closed list of words.
    pub(super) fn word<T: FromStr<Err: ToString>>(&mut self) -> Result<T, Error> {
        parse(self.raw()?)
    }

    pub(super) fn maybe_word<T: FromStr<Err: ToString>>(&mut self) -> Result<Option<T>, Error> {
        let word: Option<&str> = self.raw()?;
        word.map(parse).transpose()
    }

    pub(super) fn key(&mut self) -> Result<ContentKey, Error> {
        let bytes: &[u8] = self.raw()?;
        ContentKey::try_from(bytes).map_err(|error| Error::bad_row(error.to_string()))
    }

    pub(super) fn maybe_key(&mut self) -> Result<Option<ContentKey>, Error> {
        let bytes: Option<&[u8]> = self.raw()?;
        bytes
            .map(|bytes| {
                ContentKey::try_from(bytes).map_err(|error| Error::bad_row(error.to_string()))
            })
            .transpose()
    }

    pub(super) fn time(&mut self) -> Result<UtcMillis, Error> {
        self.raw().map(UtcMillis)
    }

    pub(super) fn maybe_time(&mut self) -> Result<Option<UtcMillis>, Error> {
        let time: Option<i64> = self.raw()?;
        Ok(time.map(UtcMillis))
    }

    pub(super) fn money(&mut self) -> Result<NanoUsd, Error> {
        self.raw().map(NanoUsd)
    }

    pub(super) fn maybe_audio(&mut self) -> Result<Option<AudioMillis>, Error> {
        Ok(self.maybe_number()?.map(AudioMillis))
    }

    pub(super) fn maybe_duration(&mut self) -> Result<Option<Duration>, Error> {
        Ok(self.maybe_number()?.map(Duration::from_millis))
    }

    /// Two columns: start and end, or neither.
    pub(super) fn span(&mut self) -> Result<Option<Range<u64>>, Error> {
        let (start, end) = (self.maybe_number()?, self.maybe_number()?);
        Ok(start.zip(end).map(|(start, end)| start..end))
    }

    /// The quantity of a job of `kind`.
    pub(super) fn quantity(&mut self, kind: JobKind) -> Result<Quantity, Error> {
        Ok(match kind {
            JobKind::Speak => Quantity::Chars(CharCount(self.number()?)),
            JobKind::Transcribe => Quantity::Audio(AudioMillis(self.number()?)),
            JobKind::Assemble | JobKind::Compose => {
                self.number::<i64>()?;
                Quantity::Nothing
            }
        })
    }
}

/// One of a closed list of words, as stored.
pub(super) fn parse<T: FromStr<Err: ToString>>(word: &str) -> Result<T, Error> {
    word.parse()
        .map_err(|error: T::Err| Error::bad_row(error.to_string()))
}

/// The number a quantity is stored as.
pub(super) fn amount(quantity: Quantity) -> Result<i64, Error> {
    match quantity {
        Quantity::Chars(chars) => int(chars.0),
        Quantity::Audio(audio) => int(audio.0),
        Quantity::Nothing => Ok(0),
    }
}

/// Whether jobs of `kind` are billed in the unit of `quantity`.
pub(super) fn fits(kind: JobKind, quantity: Quantity) -> bool {
    matches!(
        (kind, quantity),
        (JobKind::Speak, Quantity::Chars(_))
            | (JobKind::Transcribe, Quantity::Audio(_))
            | (JobKind::Assemble | JobKind::Compose, Quantity::Nothing)
    )
}

/// A number as the database stores it.
pub(super) fn int(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::misuse(format!("{number} does not fit the database")))
}

/// Milliseconds as the database stores them; saturates after 292 million years.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Bytes as hex digits, for JSON: what `unhex` reads.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// A set of rows as JSON.
pub(super) fn json<T: serde::Serialize + ?Sized>(rows: &T) -> Result<String, Error> {
    serde_json::to_string(rows).map_err(|error| Error::misuse(error.to_string()))
}
