//! The plan for people and for spreadsheets: cost, quantity, time, disk, and why.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::cli::term;
use crate::domain::units::{counted, grouped};
use crate::domain::{AudioFormat, AudioMillis, FileFormat, NanoUsd, Price, Quantity};
use crate::pipeline::pace::Pace;
use crate::pipeline::plan::{FilePlan, FileState, Plan, TaskPlan, Totals};
use crate::pipeline::task::{Places, Work};
use crate::report::csv::Cells;
use crate::worker::Cause;

/// Characters a voice speaks in a second; between slow and fast readers.
const CHARS_PER_SECOND: f64 = 14.0;

/// A guess at how long something takes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Eta {
    pub time: Duration,
    /// The user's limit that decides; `None` when it is the work itself.
    pub limited_by: Option<Cause>,
}

/// A guess at how long `totals` take: the slowest of the known limits, and a latency
/// that is assumed (stated in the output as "about").
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a guess for people"
)]
pub(crate) fn eta(totals: &Totals, pace: &Pace) -> Eta {
    let requests = totals.to_send as f64;
    let speech = totals.new_chars.0 as f64 / CHARS_PER_SECOND;
    let audio = totals.new_audio.seconds();
    // Local: a hundred times real time on one core. Remote: half a second, and thirty times real time.
    let work = if pace.local {
        speech / 100.0
    } else {
        requests * 0.5 + (speech + audio) / 30.0
    };
    let slots =
        f64::from(pace.concurrency.max(1)).min(if pace.local { 2.0 } else { f64::INFINITY });
    let chars = totals.new_chars.0 as f64;
    let seconds = |amount: f64, limit: u32| amount * 60.0 / f64::from(limit.max(1));
    let limits = [
        pace.requests_per_minute.map(|limit| {
            let cause = Cause::RequestsPerMinute { limit };
            (seconds(requests, limit), cause)
        }),
        pace.chars_per_minute.map(|limit| {
            let cause = Cause::CharsPerMinute { limit };
            (seconds(chars, limit), cause)
        }),
        pace.audio_seconds_per_minute.map(|limit| {
            let cause = Cause::AudioSecondsPerMinute { limit };
            (seconds(audio, limit), cause)
        }),
    ];
    let (seconds, limited_by) =
        limits
            .into_iter()
            .flatten()
            .fold((work / slots, None), |(most, by), (seconds, cause)| {
                if seconds > most {
                    (seconds, Some(cause))
                } else {
                    (most, by)
                }
            });
    Eta {
        time: Duration::from_secs_f64(seconds.clamp(0.0, 1e9)),
        limited_by,
    }
}

/// A guess at the bytes a task will write: clips, and the file made of them.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a guess for people"
)]
pub(crate) fn disk(task: &TaskPlan, totals: &Totals) -> u64 {
    let Work::Speech(work) = &task.task.work else {
        return totals.new_audio.0 / 1000 * 100;
    };
    let clip_rate = match work.params.format {
        AudioFormat::Wav | AudioFormat::Raw => 48_000.0,
        AudioFormat::Flac => 24_000.0,
        AudioFormat::Mp3 | AudioFormat::Aac | AudioFormat::Opus => 16_000.0,
    };
    let file_rate = match work.format {
        FileFormat::Wav => 48_000.0,
        FileFormat::Flac => 24_000.0,
        FileFormat::Mp3 => 16_000.0,
        FileFormat::M4b => f64::from(work.mastering.bit_rate.unwrap_or(64_000)) / 8.0,
        FileFormat::Opus => f64::from(work.mastering.bit_rate.unwrap_or(32_000)) / 8.0,
    };
    let clips = totals.new_chars.0 as f64 / CHARS_PER_SECOND * clip_rate;
    let files = totals.chars.0 as f64 / CHARS_PER_SECOND * file_rate;
    (clips + files) as u64
}

/// `$1.20`, or `at most $1.20` where lengths are not known.
pub(crate) fn at_most(unknown: u64, cost: NanoUsd) -> String {
    if unknown > 0 {
        format!("at most {}", cost.display())
    } else {
        cost.display()
    }
}

/// `1,214,380 chars`, `16,224.0 min`.
pub(crate) fn quantity(quantity: Quantity) -> String {
    match quantity {
        Quantity::Chars(chars) => counted(chars.0, "char"),
        Quantity::Audio(audio) => minutes(audio),
        Quantity::Nothing => "-".into(),
    }
}

fn minutes(audio: AudioMillis) -> String {
    format!("{:.1} min", audio.seconds() / 60.0)
}

/// `$4.00 / 1M chars`, `$0.0015 / min`, `free`, `no price`.
pub(crate) fn price(price: Option<Price>) -> String {
    match price {
        None => "no price".into(),
        Some(Price::Free) => "free".into(),
        Some(Price::PerMillionChars(amount)) => format!("{} / 1M chars", amount.display()),
        Some(Price::PerAudioMinute(amount)) => format!("{} / min", amount.display()),
    }
}

fn cost(cost: Option<NanoUsd>) -> String {
    cost.map_or_else(|| "unknown".into(), NanoUsd::display)
}

/// `≤ 240.0 min`: the most it can be, because a length is not known.
fn bounded(is_bound: bool, text: String) -> String {
    if is_bound {
        format!("≤ {text}")
    } else {
        text
    }
}

/// The table: a row per task, and per file when there are few or they were asked for.
pub(crate) fn table(plan: &Plan, places: &Places, files: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "",
        "task / file",
        "files",
        "requests",
        "to send",
        "price",
        "cost",
    ]);
    for column in [2, 3, 4, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for task in &plan.tasks {
        let totals = Totals::of(task.files.iter());
        let to_send = match &task.task.work {
            Work::Speech(_) => Quantity::Chars(totals.new_chars),
            Work::Transcription(_) => Quantity::Audio(totals.new_audio),
        };
        let sum = (totals.unpriced_files == 0).then_some(totals.cost);
        table.add_row([
            String::new(),
            format!(
                "{} ({})",
                term::clean(&task.task.name),
                term::clean(task.task.model())
            ),
            grouped(totals.files),
            grouped(totals.to_send),
            bounded(totals.at_most_files > 0, quantity(to_send)),
            price(task.task.price),
            bounded(totals.at_most_files > 0, cost(sum)),
        ]);
        if files || task.files.len() <= 12 {
            for file in &task.files {
                table.add_row(row(file, places));
            }
        }
    }
    table.to_string()
}

fn row(file: &FilePlan, places: &Places) -> [String; 7] {
    let name = term::path(&places.stored(&file.found.path));
    let sign = match file.state {
        FileState::New | FileState::Queued => "+",
        FileState::Changed => "~",
        FileState::MissingOutput => "*",
        FileState::Done => "=",
        FileState::Failed | FileState::Held | FileState::Cancelled | FileState::Refused(_) => "!",
    };
    let new = if file.state.is_work() {
        bounded(file.at_most.is_some(), quantity(file.new))
    } else {
        file.state.word().to_owned()
    };
    [
        sign.into(),
        format!("  {name}"),
        String::new(),
        grouped(file.to_send),
        new,
        String::new(),
        bounded(file.at_most.is_some(), cost(file.cost)),
    ]
}

/// One CSV record per file.
pub(crate) fn csv(plan: &Plan) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "task",
        "model",
        "path",
        "state",
        "requests",
        "requests_to_send",
        "unit",
        "quantity_to_send",
        "cost_usd",
        "cost_nano",
        "at_most",
    ])?;
    for task in &plan.tasks {
        for file in &task.files {
            let (unit, amount) = match file.new {
                Quantity::Chars(chars) => ("char", chars.0.to_string()),
                Quantity::Audio(audio) => ("audio_second", format!("{:.3}", audio.seconds())),
                Quantity::Nothing => ("", "0".into()),
            };
            writer.write_record([
                Cells::default().text(&task.task.name).as_ref(),
                Cells::default().text(task.task.model()).as_ref(),
                Cells::default()
                    .text(&file.found.path.to_string_lossy())
                    .as_ref(),
                file.state.word(),
                &file.requests.to_string(),
                &file.to_send.to_string(),
                unit,
                &amount,
                &file.cost.map(|cost| cost.to_string()).unwrap_or_default(),
                &file.cost.map(|cost| cost.0.to_string()).unwrap_or_default(),
                if file.at_most.is_some() {
                    "true"
                } else {
                    "false"
                },
            ])?;
        }
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use crate::domain::CharCount;

    use super::*;

    fn work() -> Totals {
        Totals {
            to_send: 600,
            new_chars: CharCount(240_000),
            new_audio: AudioMillis(0),
            ..Totals::default()
        }
    }

    #[test]
    fn the_slowest_limit_decides_how_long_it_takes_and_is_named() {
        let free = Pace {
            concurrency: 8,
            ..Pace::default()
        };
        let unlimited = eta(&work(), &free);
        assert_eq!(unlimited.limited_by, None);

        let limited = Pace {
            requests_per_minute: Some(300),
            chars_per_minute: Some(3000),
            audio_seconds_per_minute: Some(1),
            ..free
        };

        let found = eta(&work(), &limited);
        assert_eq!(found.time, Duration::from_mins(80));
        assert_eq!(
            found.limited_by,
            Some(Cause::CharsPerMinute { limit: 3000 })
        );
        assert!(unlimited.time < Duration::from_mins(2));
        // A limit far above the work changes nothing.
        let wide = Pace {
            requests_per_minute: Some(60_000),
            ..free
        };
        assert_eq!(eta(&work(), &wide), unlimited);
    }

    #[test]
    fn recordings_are_limited_by_their_length() {
        let hours = Totals {
            to_send: 1,
            new_audio: AudioMillis(2 * 3_600_000),
            ..Totals::default()
        };
        let pace = Pace {
            concurrency: 8,
            audio_seconds_per_minute: Some(60),
            ..Pace::default()
        };

        assert_eq!(eta(&hours, &pace).time, Duration::from_hours(2));
    }
}
