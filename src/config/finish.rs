//! What a finished audio file is like: what it says of itself, how loud it is, how it is coded.

use std::path::PathBuf;

use crate::audio::Mastering;
use crate::config::build::Build;
use crate::config::reader::Field;
use crate::config::scope::Context;
use crate::config::tables::TaskTable;
use crate::config::text::Loud;
use crate::config::values::Label;
use crate::domain::{Book, Encoder, FileFormat, PauseMeasure};

/// What makes an MP3: if its provider answers in it and nothing else is asked for, its frames are copied.
pub(super) fn encoder(
    build: &mut Build,
    table: &TaskTable,
    format: FileFormat,
    answers_mp3: bool,
) -> Encoder {
    let asked = table.encoder.value().copied().unwrap_or(Encoder::Auto);
    if format != FileFormat::Mp3 {
        if let Some(at) = table.encoder.given().filter(|_| asked == Encoder::Ffmpeg) {
            build.error(
                at.loc,
                format!("what makes {format} is built in"),
                "leave it out: it is for the format mp3",
            );
        }
        return Encoder::BuiltIn;
    }
    let is_loud = table
        .loudness
        .value()
        .is_some_and(|wanted| *wanted != Loud::Off);
    match asked {
        Encoder::Ffmpeg => Encoder::Ffmpeg,
        Encoder::Auto if answers_mp3 && !is_loud => Encoder::BuiltIn,
        Encoder::Auto => Encoder::Auto,
        Encoder::BuiltIn => {
            if let Some(at) = table.encoder.given().filter(|_| !answers_mp3 || is_loud) {
                build.error(
                    at.loc,
                    "nothing built in codes an mp3: it only copies a provider's, as loud as they are",
                    "write \"auto\", or format = \"m4b\" or \"opus\"",
                );
            }
            Encoder::BuiltIn
        }
    }
}

/// How the clips become one sound.
pub(super) fn mastering(
    build: &mut Build,
    table: &TaskTable,
    format: FileFormat,
    encoder: Encoder,
) -> Mastering {
    check_bit_rate(build, table, format);
    let bit_rate = table.bit_rate.value().copied();
    let measure = table
        .pauses
        .value()
        .and_then(|pauses| pauses.measure.value());
    let (loudness, standard) = match table.loudness.value() {
        None | Some(Loud::Off) => (None, None),
        Some(Loud::As(loudness)) => (Some(*loudness), None),
        Some(Loud::For(standard)) => (None, Some(*standard)),
    };
    if let (Some(standard), Some(at)) = (standard, table.loudness.given())
        && format != FileFormat::Mp3
    {
        build.warn(
            at.loc,
            format!(
                "{standard} takes mp3 only: a file of the format {format} is as loud, and no more"
            ),
            "write format = \"mp3\"",
        );
    }
    Mastering {
        heard: measure.copied().unwrap_or(PauseMeasure::Heard) == PauseMeasure::Heard,
        loudness,
        standard,
        bit_rate: bit_rate.filter(|_| format.bit_rates().is_some() || !encoder.is_built_in()),
        encoder,
    }
}

/// Whether the task says nothing that versions before 0.2 did not know.
pub(super) fn is_as_before(table: &TaskTable) -> bool {
    let measure = table
        .pauses
        .value()
        .and_then(|pauses| pauses.measure.value());
    let said = Book {
        language: None,
        ..book(table)
    };
    let is_absent = table.cover.is_absent()
        && table.loudness.is_absent()
        && table.layout.is_absent()
        && table.encoder.is_absent();
    is_absent && measure.is_none() && said.is_empty()
}

/// What the task says of the book.
pub(super) fn book(table: &TaskTable) -> Book {
    let text = |field: &Field<Label>| field.value().map(|label| label.0.trim().to_owned());
    let names = table.author.value().map(|names| names.0.clone());
    Book {
        title: text(&table.title),
        authors: names.unwrap_or_default(),
        narrator: text(&table.narrator),
        series: text(&table.series),
        part: text(&table.part),
        year: text(&table.year),
        language: table.language.value().cloned(),
        genre: text(&table.genre),
        description: text(&table.description),
    }
}

/// The picture that the task names.
pub(super) fn cover(build: &mut Build, context: &Context<'_>) -> Option<PathBuf> {
    let at = context.at.value.cover.given()?;
    let path = context.root.join(&at.value);
    if build.refuse_outside(at.loc, "the cover", &path) {
        return None;
    }
    Some(path)
}

/// What a file can be coded with.
fn check_bit_rate(build: &mut Build, table: &TaskTable, format: FileFormat) {
    let (Some(at), Some(range)) = (table.bit_rate.given(), format.bit_rates()) else {
        return;
    };
    if !range.contains(&at.value) {
        let usual = if format == FileFormat::Opus {
            32_000
        } else {
            64_000
        };
        build.error(
            at.loc,
            format!("the bit rate {} is out of range", at.value),
            format!(
                "write bits a second from {} to {}; {usual} is usual for one voice",
                range.start(),
                range.end()
            ),
        );
    }
}
