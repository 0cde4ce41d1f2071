//! What a one-shot says: what it will cost and did cost, what was made, why something was
//! not, and what to type then.

use std::time::Duration;

use crate::cli::context::Context;
use crate::cli::end::End;
use crate::cli::exit::{Exit, Failure};
use crate::cli::one_shot::input::Input;
use crate::cli::one_shot::order::Order;
use crate::cli::one_shot::target::{self, Target};
use crate::cli::record::one_shot::{File, OneShot};
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::domain::units::grouped;
use crate::domain::{AudioMillis, NanoUsd};
use crate::pipeline::plan::{FilePlan, FileState, Totals};
use crate::pipeline::task::{Task, Work};
use crate::store::{Money, Purse};
use crate::worker::Stop;

/// What keeps inputs from being worked on, a line each.
pub(super) fn complaints(order: &Order, files: &[&FilePlan]) -> Vec<String> {
    let both = order.inputs.iter().zip(files);
    both.filter_map(|(input, file)| {
        let why = match &file.state {
            FileState::Refused(refusal) => term::clean(&refusal.why),
            FileState::Held => "is held: it waits for your word".to_owned(),
            _ => return None,
        };
        Some(format!("{}: {why}", input.shown))
    })
    .collect()
}

/// There was nothing to send: every input is refused or held.
pub(super) fn nothing_made(order: &Order, files: &[&FilePlan], mut lines: Vec<String>) -> Failure {
    if lines.is_empty() {
        return Failure::new(Exit::Bug, "there is nothing to do, and nothing was made");
    }
    let is_held = files.iter().any(|file| file.state == FileState::Held);
    let exit = if is_held { Exit::Partial } else { Exit::Usage };
    let mut failure = Failure::new(exit, lines.remove(0));
    failure.details = lines;
    failure = failure.detail("nothing was sent");
    if is_held {
        return resend(failure, order);
    }
    let remedies = files.iter().filter_map(|file| match &file.state {
        // There is no `input` to take a file out of.
        FileState::Refused(refusal) if !refusal.remedy.contains("`input`") => {
            Some(refusal.remedy.clone())
        }
        _ => None,
    });
    failure.hints = remedies.collect();
    failure.hints.dedup();
    failure
}

/// A request was sent and never answered, and the user wants to be asked about those.
pub(super) fn resend(failure: Failure, order: &Order) -> Failure {
    failure
        .detail("a request of it was sent and never answered: it may be on the bill already")
        .hint("voicespool retry --one-shots --state in_doubt --all    sends it again")
        .hint(format!("then type voicespool {} … again", order.verb))
}

pub(super) fn undelivered(error: &anyhow::Error, to: &Target) -> Failure {
    let to = match to {
        Target::Stdout => "stdout".to_owned(),
        Target::File(path) => target::shown(path),
    };
    let mut failure = Failure::new(Exit::Disk, format!("cannot write {to}"));
    failure.details = error.chain().map(ToString::to_string).collect();
    failure
        .detail("it was made, and is kept: nothing is lost")
        .hint("type the same again with another -o: nothing is sent or paid again")
}

/// What was asked for and what it cost.
#[derive(Debug)]
pub(super) struct Receipt<'a> {
    pub task: &'a Task,
    /// As planned.
    pub totals: &'a Totals,
    /// As paid.
    pub money: &'a Money,
    /// Length of what was spoken, or of what was transcribed.
    pub audio: AudioMillis,
}

/// `78 characters, hexgrad/Kokoro-82M`.
pub(super) fn amount(task: &Task, totals: &Totals) -> String {
    let (all, new) = match task.work {
        Work::Speech(_) => (totals.chars.0, totals.new_chars.0),
        Work::Transcription(_) => (totals.audio.0, totals.new_audio.0),
    };
    let number = |amount: u64| match task.work {
        Work::Speech(_) => grouped(amount),
        Work::Transcription(_) => term::span(Duration::from_millis(amount)),
    };
    let unit = match task.work {
        Work::Speech(_) => "characters",
        Work::Transcription(_) => "of audio",
    };
    let sent = match new {
        0 => format!("{} {unit}, sent before", number(all)),
        new if new < all => format!(
            "{} of {} {unit} (what is equal is sent once)",
            number(new),
            number(all)
        ),
        _ => format!("{} {unit}", number(all)),
    };
    format!("{sent}, {}", term::clean(task.model()))
}

/// The cost, and with `--json` one line about what was made.
pub(super) fn tell(
    context: &Context,
    order: &Order,
    receipt: &Receipt<'_>,
    done: &[&Input],
) -> anyhow::Result<()> {
    let spent = receipt.money.spent();
    if context.json && !done.is_empty() {
        let made = record_of(order, receipt, done);
        record::print(&match receipt.task.work {
            Work::Speech(_) => Record::Tts(&made),
            Work::Transcription(_) => Record::Stt(&made),
        })?;
    }
    if context.quiet || done.is_empty() && spent == NanoUsd::ZERO {
        return Ok(());
    }
    // What nobody knows is not nothing.
    let mut line = match receipt.task.price {
        Some(_) => format!("cost {}", spent.display()),
        None => "cost unknown, the model has no price".to_owned(),
    };
    for (sum, word) in [
        (&receipt.money.wasted, "wasted"),
        (&receipt.money.in_doubt, "in doubt"),
    ] {
        if sum.cost > NanoUsd::ZERO {
            line.push_str(&format!(", of it {} {word}", sum.cost.display()));
        }
    }
    term::say(&format!("{line}, {}", amount(receipt.task, receipt.totals)));
    Ok(())
}

fn record_of(order: &Order, receipt: &Receipt<'_>, done: &[&Input]) -> OneShot {
    let files = order.inputs.iter().zip(&order.targets);
    let files = files.map(|(input, targets)| {
        let is_done = done.iter().any(|done| std::ptr::eq(*done, input));
        let outputs = targets.iter().filter_map(|(_, target)| match target {
            Target::File(path) => Some(path.to_string_lossy().into_owned()),
            Target::Stdout => None,
        });
        File {
            input: input.shown.clone(),
            done: is_done,
            outputs: outputs.filter(|_| is_done).collect(),
        }
    });
    // What nobody knows is not nothing.
    let cost = receipt.task.price.map(|_| receipt.money.spent());
    let (wasted, in_doubt) = (receipt.money.wasted.cost, receipt.money.in_doubt.cost);
    OneShot {
        model: receipt.task.model().to_owned(),
        endpoint: receipt.task.endpoint.clone(),
        cost,
        cost_nano: cost.map(|cost| cost.0),
        wasted,
        wasted_nano: wasted.0,
        in_doubt,
        in_doubt_nano: in_doubt.0,
        chars: receipt.totals.chars,
        chars_sent: receipt.totals.new_chars,
        audio_s: receipt.audio.seconds(),
        audio_s_sent: receipt.totals.new_audio.seconds(),
        files: files.collect(),
    }
}

/// Why not everything was made, what that means, and what to type.
pub(super) fn unfinished(
    context: &Context,
    order: &Order,
    end: &End,
    exit: Exit,
    files: &[&FilePlan],
    held: bool,
) -> Failure {
    let missing: Vec<_> = order
        .inputs
        .iter()
        .zip(files)
        .filter(|(_, file)| file.state != FileState::Done)
        .map(|(input, file)| format!("{}: {}", input.shown, file.state.word()))
        .collect();
    let headline = match &end.stop {
        Stop::Empty => format!("{} of {} not made", missing.len(), order.inputs.len()),
        other => other.words(),
    };
    let mut failure = Failure::new(exit, headline);
    if order.inputs.len() > 1 {
        failure.details = missing;
    }
    if end.answered() > 0 {
        failure = failure.detail("what was answered is kept and not paid for again");
    }
    if end.wasted() > NanoUsd::ZERO {
        failure = failure.detail(format!(
            "{} bought nothing usable; typing the command again may cost as much again",
            end.wasted().display()
        ));
    }
    let has_failed = files.iter().any(|file| file.state == FileState::Failed);
    match &end.stop {
        Stop::Empty if has_failed => failure
            .hint("voicespool ls --one-shots --state failed    says why")
            .hint("typing the command again tries again"),
        Stop::Empty if held => resend(failure, order),
        Stop::Empty => failure,
        Stop::Account { .. } => failure
            .hint("put the key or the credit right, then type the command again: nothing failed")
            .hint("voicespool doctor"),
        Stop::Budget {
            which: Purse::Run(_),
            ..
        } => failure.hint("type the command again with a larger --max-cost"),
        Stop::Budget { .. } | Stop::Runaway { .. } => {
            failure.hint(format!("[budget] in {} sets it", budget_file(context)))
        }
        _ => failure.hint("the same command, typed again, goes on where this one stopped"),
    }
}

/// Where the caps of one-shots stand.
pub(super) fn budget_file(context: &Context) -> String {
    match &context.settings.file {
        Some(file) => target::shown(file),
        None => "your configuration (~/.config/voicespool/config.toml)".to_owned(),
    }
}
