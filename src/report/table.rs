//! Tables for people: rounded money, aligned numbers, nothing that acts on a terminal.
//! Each ends in a line break; the caller prints it.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};

use crate::domain::units::{counted, grouped};
use crate::domain::{AudioMillis, FileRow, JobState, NanoUsd, Quantity, RefusedRow};
use crate::report::Error;
use crate::report::escape::{path_text, visible};
use crate::report::summary::{Summary, Totals};
use crate::report::what_if::WhatIf;

/// The sums by model, and below them by task if there is more than one.
pub fn summary(summary: &Summary) -> String {
    let mut text = totals("model", summary.by_model.iter(), &summary.total);
    if summary.by_task.len() > 1 {
        text.push('\n');
        text.push_str(&totals("task", summary.by_task.iter(), &summary.total));
    }
    let costs = &summary.total.costs;
    text.push('\n');
    for (what, cost, means) in [
        ("spent", costs.spent(), "in all"),
        ("wasted", costs.wasted, "of it, for unusable answers"),
        (
            "in doubt",
            costs.in_doubt,
            "of it, sent and never answered: it may be on the bill",
        ),
        (
            "reserved",
            costs.reserved,
            "besides, for requests on the wire",
        ),
    ] {
        if cost > NanoUsd::ZERO || what == "spent" {
            writeln!(text, " {what:<9} {} {means}", cost.display())
                .expect("a String takes everything");
        }
    }
    if let Some(latency) = summary.latency {
        let [p50, p95] = [latency.p50_ms, latency.p95_ms].map(|ms| duration(AudioMillis(ms)));
        writeln!(text, " answers   half within {p50}, 95 % within {p95}")
            .expect("a String takes everything");
    }
    if !summary.times.is_empty() {
        text.push('\n');
        text.push_str(&times(summary));
    }
    if !summary.faults.is_empty() {
        let faults: Vec<_> = summary
            .faults
            .iter()
            .map(|(class, count)| format!("{class} {}", grouped(*count)))
            .collect();
        writeln!(text, " faults    {}", faults.join(", ")).expect("a String takes everything");
    }
    text
}

/// How long answers took, by model and delivery.
fn times(summary: &Summary) -> String {
    let header = [
        "model",
        "delivery",
        "answers",
        "first byte p50",
        "p95",
        "whole p50",
        "p95",
    ];
    let mut table = new(&header, 2);
    for ((model, delivery), times) in &summary.times {
        let [first, total] = [times.first_byte, times.total].map(|latency| {
            let shown = |ms: u64| format!("{:.2} s", AudioMillis(ms).seconds());
            latency.map_or_else(Default::default, |latency| {
                (shown(latency.p50_ms), shown(latency.p95_ms))
            })
        });
        table.add_row([
            visible(model).into_owned(),
            delivery.to_string(),
            grouped(times.answers),
            first.0,
            first.1,
            total.0,
            total.1,
        ]);
    }
    render(&table)
}

/// One line a file.
///
/// # Errors
/// [`Error::Overflow`] if the costs of a file do not fit a sum.
pub fn files(files: &[FileRow]) -> Result<String, Error> {
    let mut table = new(
        &["file", "task", "state", "chunks", "billed", "audio", "cost"],
        3,
    );
    for file in files {
        let mut state = file.state.to_string();
        if file.chunks_failed > 0 {
            let what = match file.state {
                JobState::Completed => "missing",
                _ => "failed",
            };
            state = format!("{state}, {} {what}", grouped(file.chunks_failed));
        }
        let mut chunks = format!(
            "{}/{}",
            grouped(file.chunks_completed),
            grouped(file.chunks)
        );
        if file.chunks_reused > 0 {
            chunks = format!("{chunks} ({} reused)", grouped(file.chunks_reused));
        }
        table.add_row([
            path_text(&file.source),
            visible(&file.task).into_owned(),
            state,
            chunks,
            quantity(file.quantity),
            file.audio.map(duration).unwrap_or_default(),
            file.cost().ok_or(Error::Overflow)?.display(),
        ]);
    }
    Ok(render(&table))
}

/// Files that cannot be worked on, a line each; empty if there are none.
pub fn refused(files: &[RefusedRow]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "{} refused by the last run:\n",
        counted(u64::try_from(files.len()).unwrap_or(u64::MAX), "file")
    );
    for file in files {
        text.push_str(&format!(
            "  {} (task {}): {}\n",
            path_text(file.source.as_bytes()),
            visible(&file.task),
            visible(&file.why)
        ));
    }
    text
}

/// What the same work would have cost, one line a model.
pub fn what_if(offers: &[WhatIf]) -> String {
    let mut table = new(&["model", "price of", "cost"], 2);
    for offer in offers {
        table.add_row([
            visible(&offer.model).into_owned(),
            visible(&offer.as_of).into_owned(),
            offer.cost.display(),
        ]);
    }
    render(&table)
}

fn totals<'a>(
    title: &str,
    groups: impl ExactSizeIterator<Item = (&'a String, &'a Totals)>,
    total: &Totals,
) -> String {
    let header = [
        title,
        "requests",
        "failed",
        "characters",
        "audio in",
        "audio out",
        "spent",
        "wasted",
        "in doubt",
    ];
    let mut table = new(&header, 1);
    let with_total = groups.len() != 1;
    for (name, totals) in groups {
        table.add_row(cells(&visible(name), totals));
    }
    if with_total {
        table.add_row(cells("total", total));
    }
    render(&table)
}

fn cells(name: &str, totals: &Totals) -> Vec<String> {
    let blank = |number: u64| {
        if number == 0 {
            String::new()
        } else {
            grouped(number)
        }
    };
    let time = |time: AudioMillis| {
        if time.0 == 0 {
            String::new()
        } else {
            duration(time)
        }
    };
    let money = |cost: NanoUsd| {
        if cost.0 == 0 {
            String::new()
        } else {
            cost.display()
        }
    };
    let costs = &totals.costs;
    vec![
        name.to_owned(),
        grouped(totals.attempts),
        blank(totals.failed),
        blank(totals.chars.0),
        time(totals.audio),
        time(totals.audio_made),
        costs.spent().display(),
        money(costs.wasted),
        money(costs.in_doubt),
    ]
}

/// Rows of plain texts below `header`; columns from `first_number` on are aligned to the right.
pub fn plain(
    header: &[&str],
    first_number: usize,
    rows: impl Iterator<Item = Vec<String>>,
) -> String {
    let mut table = new(header, first_number);
    for row in rows {
        table.add_row(row.iter().map(|cell| visible(cell).into_owned()));
    }
    render(&table)
}

/// A table with its header; columns from `first_number` on are aligned to the right.
fn new(header: &[&str], first_number: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')))
        .set_header(header.iter().map(Cell::new));
    for column in table.column_iter_mut().skip(first_number) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn render(table: &Table) -> String {
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

fn quantity(quantity: Quantity) -> String {
    match quantity {
        Quantity::Chars(chars) => counted(chars.0, "char"),
        Quantity::Audio(audio) => duration(audio),
        Quantity::Nothing => String::new(),
    }
}

/// `3 h 04 m`, `3 m 04 s`, `3.2 s`.
fn duration(time: AudioMillis) -> String {
    let (hours, minutes, seconds) = (
        time.0 / 3_600_000,
        time.0 / 60_000 % 60,
        time.0 / 1_000 % 60,
    );
    if hours > 0 {
        format!("{} h {minutes:02} m", grouped(hours))
    } else if minutes > 0 {
        format!("{minutes} m {seconds:02} s")
    } else {
        format!("{seconds}.{} s", time.0 % 1_000 / 100)
    }
}
