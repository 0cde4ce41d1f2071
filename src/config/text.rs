//! Values written as text: money, durations, sizes, dates, words. The same rules for
//! the file and for the environment.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil;

use crate::config::suggest::{did_you_mean, nearest};
use crate::domain::{
    Alignment, Delivery, DocumentFormat, Encoder, FileFormat, Layout, Loudness, NanoUsd, OnMissing,
    PauseMeasure, PcmEncoding, Segmenting, SoundCheck, Standard,
};
use crate::engine::rest::Kind;
use crate::text::{Aloud, ChosenChapters, Matter, Paragraphs, Unspoken};

/// Longest duration anything here waits or lasts.
const MAX_DURATION: Duration = Duration::from_hours(366 * 24);

/// Why a text is not the value asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {help}")]
pub struct Wrong {
    /// `` `25 EUR` is no amount in US dollars ``.
    pub(super) message: String,
    /// What to write.
    pub(super) help: String,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Reads a duration as the file does: `60s`, `1h 30m`; at most a year.
pub fn parse_duration(text: &str) -> Result<Duration, Wrong> {
    Duration::from_text(text)
}

/// Reads a time of day as the file does: `07:00`.
pub fn parse_time_of_day(text: &str) -> Result<civil::Time, Wrong> {
    civil::Time::from_text(text)
}

/// A value with a text form.
pub(super) trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, Wrong>;
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        if text.trim().is_empty() {
            return Err(Wrong::new(
                "the text is empty",
                "write something, or leave the key out",
            ));
        }
        if text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
        {
            return Err(Wrong::new(
                "the text has a control character in it",
                "leave it out",
            ));
        }
        Ok(text.to_owned())
    }
}

impl FromText for NanoUsd {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|_| {
            Wrong::new(
                format!("`{text}` is no amount in US dollars"),
                "write it like \"25.00\" or \"0.0015 USD\"",
            )
        })
    }
}

impl FromText for Duration {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let example = "write it like \"250ms\", \"60s\", \"15m\" or \"1h 30m\"";
        let duration = humantime::parse_duration(text).map_err(|error| match error {
            humantime::DurationError::UnknownUnit { unit, .. } if unit.is_empty() => {
                Wrong::new(format!("`{text}` has no unit"), example)
            }
            humantime::DurationError::UnknownUnit { unit, .. } => {
                let help = nearest(&unit, ["ms", "sec", "min", "hours", "days", "weeks"])
                    .map_or_else(
                        || example.to_owned(),
                        |unit| format!("did you mean `{unit}`?"),
                    );
                Wrong::new(format!("`{unit}` is no unit of time"), help)
            }
            _ => Wrong::new(format!("`{text}` is no duration"), example),
        })?;
        if duration > MAX_DURATION {
            return Err(Wrong::new(
                format!("`{text}` is longer than a year"),
                "write a shorter time",
            ));
        }
        Ok(duration)
    }
}

/// Bytes, written with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteSize(pub(super) u64);

const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

impl FromText for ByteSize {
    /// `80 MB`, `1.5 GiB`: at most nine decimals, one optional space, a unit.
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let example = "write it like \"80 MB\" (80,000,000 bytes) or \"80 MiB\" (83,886,080 bytes)";
        let bad = || Wrong::new(format!("`{text}` is no size"), example);
        let unit_at = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        if unit.is_empty() {
            return Err(if number.is_empty() {
                bad()
            } else {
                Wrong::new(format!("`{text}` has no unit"), example)
            });
        }
        let Some(&(_, factor)) = SIZE_UNITS.iter().find(|(name, _)| *name == unit) else {
            let help = SIZE_UNITS
                .iter()
                .find(|(name, _)| {
                    name.eq_ignore_ascii_case(unit)
                        || name.to_lowercase().starts_with(&unit.to_lowercase())
                })
                .map_or_else(
                    || example.to_owned(),
                    |(name, _)| format!("did you mean `{name}`?"),
                );
            return Err(Wrong::new(format!("`{unit}` is no unit of size"), help));
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || number.ends_with('.') || fraction.len() > 9 {
            return Err(bad());
        }
        let whole: u64 = whole.parse().map_err(|_| bad())?;
        let nanos: u64 = format!("{fraction:0<9}").parse().map_err(|_| bad())?;
        let part = u128::from(nanos) * u128::from(factor) / 1_000_000_000;
        u64::try_from(u128::from(whole) * u128::from(factor) + part)
            .map(Self)
            .map_err(|_| bad())
    }
}

impl FromText for civil::Date {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        // jiff would take a time of day too, and drop it.
        let plain = text.len() == 10
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-');
        let date = plain.then(|| text.parse().ok()).flatten();
        date.ok_or_else(|| {
            Wrong::new(
                format!("`{text}` is no date"),
                "write it like \"2026-11-01\"",
            )
        })
    }
}

impl FromText for civil::Time {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let parts: Option<(i8, i8)> = text
            .split_once(':')
            .filter(|(hour, minute)| hour.len() <= 2 && minute.len() == 2)
            .and_then(|(hour, minute)| Some((hour.parse().ok()?, minute.parse().ok()?)));
        parts
            .and_then(|(hour, minute)| Self::new(hour, minute, 0, 0).ok())
            .ok_or_else(|| {
                Wrong::new(
                    format!("`{text}` is no time of day"),
                    "write it like \"07:00\"",
                )
            })
    }
}

impl FromText for NonZeroU32 {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|_| {
            Wrong::new(
                format!("`{text}` is no whole number above 0"),
                "write a number like 8",
            )
        })
    }
}

impl FromText for u32 {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|_| {
            Wrong::new(
                format!("`{text}` is no whole number"),
                "write a number like 4",
            )
        })
    }
}

/// A time limit that is computed from the size of the request, or fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotalTimeout {
    /// Scales with the input.
    Auto,
    After(Duration),
}

impl FromText for TotalTimeout {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        Duration::from_text(text)
            .map(Self::After)
            .map_err(|wrong| match nearest(text, ["auto"]) {
                Some(_) => Wrong::new(wrong.message, "did you mean `auto`?"),
                None => wrong,
            })
    }
}

/// A word out of a fixed list.
pub(super) trait Words: Copy + 'static {
    const WHAT: &'static str;
    const WORDS: &'static [(&'static str, Self)];
}

/// Finds `text` in the list of its type.
pub(super) fn word<T: Words>(text: &str) -> Result<T, Wrong> {
    T::WORDS
        .iter()
        .find(|(name, _)| *name == text)
        .map(|&(_, value)| value)
        .ok_or_else(|| {
            let known: Vec<&str> = T::WORDS.iter().map(|&(name, _)| name).collect();
            Wrong::new(
                format!("`{text}` is no {}", T::WHAT),
                did_you_mean(text, &known),
            )
        })
}

macro_rules! words {
    ($($(#[$doc:meta])* $what:literal: $type:ident { $($(#[$vdoc:meta])* $text:literal = $variant:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type { $($(#[$vdoc])* $variant),+ }

        impl Words for $type {
            const WHAT: &'static str = $what;
            const WORDS: &'static [(&'static str, Self)] = &[$(($text, Self::$variant)),+];
        }

        impl $type {
            /// The word in the file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl FromStr for $type {
            type Err = Wrong;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                word(text)
            }
        }
    )+};
}

words! {
    /// How the key travels.
    "way to send a key": Auth {
        /// `Authorization: Bearer KEY`.
        "bearer" = Bearer,
        /// `Authorization: KEY`.
        "raw" = Raw,
        /// No header.
        "none" = None,
    }
    /// What a run does with requests that were sent and never answered.
    "way to treat requests in doubt": OnInDoubt {
        /// Sends them again; they may be billed twice, and the report says so.
        "resend" = Resend,
        /// Keeps them for a person.
        "hold" = Hold,
    }
}

/// What a task makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskType {
    /// Text to audio.
    Speech,
    /// Audio to documents.
    Transcription,
}

impl TaskType {
    /// The word in the file.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Speech => "tts",
            Self::Transcription => "stt",
        }
    }
}

impl Words for TaskType {
    const WHAT: &'static str = "type of task";
    const WORDS: &'static [(&'static str, Self)] =
        &[("tts", Self::Speech), ("stt", Self::Transcription)];
}

/// What the provider times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timestamps {
    Word,
    Segment,
}

impl Words for Timestamps {
    const WHAT: &'static str = "kind of timestamps";
    const WORDS: &'static [(&'static str, Self)] =
        &[("word", Self::Word), ("segment", Self::Segment)];
}

macro_rules! from_words {
    ($($type:ident),+) => {$(
        impl FromText for $type {
            fn from_text(text: &str) -> Result<Self, Wrong> {
                word(text)
            }
        }
    )+};
}

from_words!(Auth, OnInDoubt, TaskType, Timestamps);

/// Which client speaks to a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// The client of hosted and self-hosted servers, for this family of them.
    Rest(Kind),
    /// The voice built into this program.
    Local,
}

impl EngineKind {
    /// Every kind, in the order of the documentation.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let families = Kind::families().map(Self::Rest);
        families.chain(std::iter::once(Self::Local))
    }

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rest(family) => family.as_str(),
            Self::Local => "local",
        }
    }
}

impl FromText for EngineKind {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        if let Some(kind) = Self::all().find(|kind| kind.as_str() == text) {
            return Ok(kind);
        }
        let help = match text.parse::<Kind>() {
            Ok(_) => format!("write dialect = \"{text}\""),
            Err(_) => {
                let known: Vec<&str> = Self::all().map(Self::as_str).collect();
                did_you_mean(text, &known)
            }
        };
        Err(Wrong::new(format!("`{text}` is no kind of profile"), help))
    }
}

macro_rules! domain_words {
    ($($what:literal: $type:ident),+ $(,)?) => {$(
        impl FromText for $type {
            fn from_text(text: &str) -> Result<Self, Wrong> {
                text.parse().map_err(|_| {
                    let known: Vec<&str> = $type::ALL.iter().map(|value| value.as_str()).collect();
                    Wrong::new(format!("`{text}` is no {}", $what), did_you_mean(text, &known))
                })
            }
        }
    )+};
}

domain_words! {
    "dialect": Kind,
    "document format": DocumentFormat,
    "coding of samples": PcmEncoding,
    "delivery": Delivery,
    "alignment": Alignment,
    "way to cut a text": Segmenting,
    "way with paragraphs": Paragraphs,
    "way with missing parts": OnMissing,
    "way to measure pauses": PauseMeasure,
    "encoder": Encoder,
    "layout": Layout,
    "way to read": Aloud,
    "part of a book": Matter,
    "way with what is not spoken": Unspoken,
    "way to check a transcript": SoundCheck,
}

/// How loud a file is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loud {
    /// As its clips are.
    Off,
    As(Loudness),
    /// As somebody asks who takes such files.
    For(Standard),
}

impl FromText for Loud {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        if text == "off" {
            return Ok(Self::Off);
        }
        if let Ok(standard) = text.parse() {
            return Ok(Self::For(standard));
        }
        text.parse().map(Self::As).map_err(|()| {
            let what = format!("`{text}` is no loudness");
            Wrong::new(what, "write \"off\", \"acx\", \"librivox\", or \"-36 LUFS\" to \"-10 LUFS\"; \"-19 LUFS\" is usual for a voice")
        })
    }
}

impl FromText for ChosenChapters {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|()| {
            let what = format!("`{text}` is no choice of chapters");
            Wrong::new(what, "write their numbers, such as \"1-5,8\" or \"3-\"")
        })
    }
}

impl FromText for FileFormat {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|_| {
            let help = match text.parse::<DocumentFormat>() {
                Ok(_) => "it is a document: put it into `subtitles`".to_owned(),
                Err(_) => did_you_mean(text, &["wav", "flac", "m4b", "opus", "mp3"]),
            };
            Wrong::new(format!("`{text}` is no audio format"), help)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_strictly() {
        for (text, bytes) in [
            ("80 MB", 80_000_000),
            ("80MiB", 83_886_080),
            ("1.5 GB", 1_500_000_000),
            ("0 B", 0),
            ("25 kB", 25_000),
        ] {
            assert_eq!(ByteSize::from_text(text), Ok(ByteSize(bytes)), "{text}");
        }
        for (text, help) in [
            ("80 mb", "did you mean `MB`?"),
            ("80M", "did you mean `MB`?"),
            ("80", "write it like"),
            ("MB", "write it like"),
            ("", "write it like"),
            ("-5 MB", "write it like"),
            ("1. MB", "write it like"),
            ("1.2.3 MB", "write it like"),
            ("80  MB", "write it like"),
            ("99999999999999999999 MB", "write it like"),
            ("18446744073709551615 GiB", "write it like"),
        ] {
            let wrong = ByteSize::from_text(text).unwrap_err();
            assert!(wrong.help.starts_with(help), "{text}: {wrong:?}");
        }
    }

    #[test]
    fn durations_need_a_unit_and_stay_below_a_year() {
        assert_eq!(Duration::from_text("1h 30m"), Ok(Duration::from_mins(90)));
        for (text, message) in [
            ("60", "`60` has no unit"),
            ("60 secs onds", "is no duration"),
            ("3 fortnights", "`fortnights` is no unit of time"),
            ("400 days", "longer than a year"),
            ("99999999999999999999s", "is no duration"),
            ("", "is no duration"),
            ("-5s", "is no duration"),
        ] {
            let wrong = Duration::from_text(text).unwrap_err();
            assert!(wrong.message.contains(message), "{text}: {wrong:?}");
        }
        assert_eq!(
            Duration::from_text("5 mim").unwrap_err().help,
            "did you mean `min`?"
        );
    }

    #[test]
    fn dates_and_times_are_real_ones() {
        assert!(civil::Date::from_text("2026-11-01").is_ok());
        for text in [
            "2026-02-30",
            "2026-11-01T00:00",
            "1.11.2026",
            "2026-1-1",
            "20261101",
            "+12026-1-1",
        ] {
            assert!(civil::Date::from_text(text).is_err(), "{text}");
        }
        assert_eq!(civil::Time::from_text("07:05"), Ok(civil::time(7, 5, 0, 0)));
        for text in ["24:00", "7", "07:60", "7:5", "-1:00", "07:00:00"] {
            assert!(civil::Time::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mistyped_word_names_the_nearest() {
        assert_eq!(
            OnInDoubt::from_text("resned").unwrap_err().help,
            "did you mean `resend`?"
        );
        assert_eq!(
            DocumentFormat::from_text("pdf").unwrap_err().help,
            "known: `srt`, `vtt`, `json`, `txt`, `tsv`, `lrc` and `md`"
        );
        assert_eq!(TotalTimeout::from_text("auto"), Ok(TotalTimeout::Auto));
    }
}
