//! What a finished audio file is like: what it says of itself, how loud it is, how it is coded.

use std::path::PathBuf;

use crate::audio::Mastering;
use crate::config::build::Build;
use crate::config::reader::Field;
use crate::config::scope::Context;
use crate::config::tables::TaskTable;
use crate::config::values::Label;
use crate::domain::{Book, FileFormat, PauseMeasure};

/// How the clips become one sound.
pub(super) fn mastering(build: &mut Build, table: &TaskTable, format: FileFormat) -> Mastering {
    if format == FileFormat::M4b {
        check_bit_rate(build, table);
    }
    let bit_rate = table.bit_rate.value().copied();
    let measure = table
        .pauses
        .value()
        .and_then(|pauses| pauses.measure.value());
    let loudness = table.loudness.value().and_then(|wanted| wanted.0);
    if let Some(at) = table.loudness.given()
        && format == FileFormat::Mp3
        && loudness.is_some()
    {
        build.error(
            at.key,
            "the loudness of an mp3 is its provider's: its frames are copied",
            "write format = \"m4b\", or leave it out",
        );
    }
    Mastering {
        heard: measure.copied().unwrap_or(PauseMeasure::Heard) == PauseMeasure::Heard,
        loudness,
        bit_rate: bit_rate.filter(|_| format == FileFormat::M4b),
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
    let is_absent =
        table.cover.is_absent() && table.loudness.is_absent() && table.layout.is_absent();
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

/// What an M4B can be coded with.
fn check_bit_rate(build: &mut Build, table: &TaskTable) {
    let given = table.bit_rate.given();
    if let Some(at) = given.filter(|at| !(16_000..=320_000).contains(&at.value)) {
        build.error(
            at.loc,
            format!("the bit rate {} is out of range", at.value),
            "write bits a second from 16000 to 320000; 64000 is usual for one voice",
        );
    }
}
