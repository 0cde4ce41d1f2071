//! What `--json` prints: every line of every command, as a type.
//!
//! A line is one object with `version`, `type` and the fields of the record. Within a version fields
//! are only added. `docs/json.md` lists every field and is checked against these types. Here is what
//! programs read; what people read stands with the commands.

#![expect(
    clippy::struct_field_names,
    reason = "a field is named as programs read it"
)]

pub(crate) mod check;
pub(crate) mod end;
pub(crate) mod event;
pub(crate) mod feed;
pub(crate) mod job;
pub(crate) mod listing;
pub(crate) mod money;
pub(crate) mod one_shot;
pub(crate) mod plan;
pub(crate) mod queue;
pub(crate) mod script;
pub(crate) mod sound;

#[cfg(test)]
mod tests;

use std::io;

use serde::Serialize;

use crate::cli::term;
use crate::report;

/// Grows when a field goes or changes its meaning.
pub(crate) const VERSION: u32 = 1;

/// Every kind of line.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Record<'a> {
    Plan(&'a plan::Plan),
    Script(&'a script::Script),
    Exit(&'a end::Exit),
    Status(&'a queue::Status),
    Job(&'a job::Job),
    Retry(&'a queue::Selection),
    Cancel(&'a queue::Selection),
    Hold(&'a queue::Selection),
    Forget(&'a queue::Selection),
    Pause(&'a queue::Pauses),
    Unpause(&'a queue::Pauses),
    Report(&'a report::json::Report<'a>),
    Tts(&'a one_shot::OneShot),
    Stt(&'a one_shot::OneShot),
    JobSent(&'a event::JobSent),
    JobCompleted(&'a event::JobCompleted),
    JobRetry(&'a event::JobRetry),
    JobFailed(&'a event::JobFailed),
    RefusedAlike(&'a event::RefusedAlike),
    JobInDoubt(&'a event::JobInDoubt),
    Stopping(&'a event::Stopping),
    Paused(&'a event::Paused),
    Warning(&'a event::Warning),
    Note(&'a event::Note),
    Gate(&'a event::GateChange),
    Gates(&'a event::Gates),
    Progress(&'a event::Progress),
    Output(&'a check::Output),
    Answer(&'a check::Answer),
    Verify(&'a check::Verify),
    Check(&'a check::Check),
    Sound(&'a sound::Sound),
    Episode(&'a feed::Episode),
    Init(&'a check::Init),
    #[cfg(feature = "mock")]
    Mock(&'a check::Mock),
    Model(&'a listing::Model),
    ProviderModel(&'a listing::ProviderModel),
    Voice(&'a listing::Voice),
    VoiceCheck(&'a listing::VoiceCheck),
    Price(&'a listing::ListedPrice),
    Finding(&'a listing::Finding),
}

/// `record` as its line, without the line feed.
pub(crate) fn line(record: &Record<'_>) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        version: u32,
        #[serde(flatten)]
        record: &'a Record<'a>,
    }
    let line = Line {
        version: VERSION,
        record,
    };
    serde_json::to_string(&line).expect("records have names for keys and no failing fields")
}

/// Prints `record` on stdout.
///
/// # Errors
/// As [`term::outln`].
pub(crate) fn print(record: &Record<'_>) -> io::Result<()> {
    term::outln(&line(record))
}
