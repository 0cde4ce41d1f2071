//! Transcription tasks: what is asked of the engine and which documents are written.

use crate::config::build::Build;
use crate::config::reader::At;
use crate::config::speech::{documents, millis};
use crate::config::tables::{CuesTable, TaskTable};
use crate::config::task::Context;
use crate::config::text::{EngineKind, Timestamps};
use crate::config::voice::{is_language, language_help};
use crate::domain::{DocumentFormat, TranscriptionParams};
use crate::pipeline::task::TranscriptionWork;
use crate::subtitle::CueRules;

/// What is written when nothing is said: all three are made from one answer.
pub(super) const DEFAULT_FORMATS: &[DocumentFormat] = &[
    DocumentFormat::Srt,
    DocumentFormat::Json,
    DocumentFormat::Txt,
];

pub(super) fn build(build: &mut Build, context: &Context<'_>) -> Option<TranscriptionWork> {
    let before = build.problems.len();
    let table = &context.at.value;
    if context
        .profile
        .is_some_and(|profile| profile.kind == EngineKind::Local)
    {
        let loc = table.profile.given().map_or(context.at.loc, |at| at.loc);
        build.error(
            loc,
            "the built-in engine speaks, it does not transcribe",
            "name a profile of kind \"together\" or \"openai\"",
        );
    }
    let language = language(build, table);
    if let Some(at) = table
        .temperature
        .given()
        .filter(|at| !(0.0..=1.0).contains(&at.value))
    {
        build.error(
            at.loc,
            format!("the temperature {} is out of range", at.value),
            "write a number from 0.0 to 1.0",
        );
    }
    let mut formats = documents(build, &table.formats);
    if formats.is_empty() {
        if let Some(at) = table.formats.given() {
            build.error(
                at.loc,
                "no document would be written",
                "write [\"srt\", \"json\", \"txt\"]",
            );
        }
        formats = DEFAULT_FORMATS.to_vec();
    }
    if let Some(at) = table
        .prompt
        .given()
        .filter(|_| context.model_id.contains("parakeet"))
    {
        // docs.together.ai: parakeet ignores prompt.
        build.warn(
            at.key,
            format!("`{}` ignores `prompt`", context.model_id),
            "leave it out",
        );
    }
    let work = TranscriptionWork {
        params: TranscriptionParams {
            model: context.model_id.to_owned(),
            language,
            prompt: table.prompt.value().cloned(),
            temperature: table.temperature.value().copied(),
            words: table.timestamps.value() != Some(&Timestamps::Segment),
        },
        formats,
        limits: context.model.upload,
        cues: table
            .cues
            .given()
            .map_or_else(CueRules::default, |cues| cue_rules(build, cues)),
    };
    (build.problems.len() == before).then_some(work)
}

fn language(build: &mut Build, table: &TaskTable) -> String {
    let Some(at) = table.language.given() else {
        return "auto".to_owned();
    };
    // Transcription takes plain ISO 639-1, no locale.
    let is_plain = at.value == "auto" || (is_language(&at.value) && !at.value.contains('-'));
    if !is_plain {
        let label = if at.value.contains(['-', '_']) {
            "write the language alone, such as \"en\"".to_owned()
        } else if at.value.eq_ignore_ascii_case("auto") {
            "did you mean `auto`?".to_owned()
        } else {
            language_help(&at.value)
        };
        build.error(
            at.loc,
            format!("`{}` is no language code for transcription", at.value),
            label,
        );
    }
    at.value.clone()
}

fn cue_rules(build: &mut Build, at: &At<CuesTable>) -> CueRules {
    let (default, table) = (CueRules::default(), &at.value);
    let rules = CueRules {
        max_columns: table
            .max_columns
            .value()
            .copied()
            .unwrap_or(default.max_columns),
        max_lines: table
            .max_lines
            .value()
            .copied()
            .unwrap_or(default.max_lines),
        max_cps: table.max_cps.value().copied().unwrap_or(default.max_cps),
        min_duration: table
            .min_duration
            .value()
            .map_or(default.min_duration, |&time| millis(time)),
        max_duration: table
            .max_duration
            .value()
            .map_or(default.max_duration, |&time| millis(time)),
        min_gap: table
            .min_gap
            .value()
            .map_or(default.min_gap, |&time| millis(time)),
    };
    // A line of fewer columns cannot hold a long word, one of more no screen.
    if let Some(field) = table
        .max_columns
        .given()
        .filter(|field| !(10..=200).contains(&field.value))
    {
        build.error(
            field.loc,
            format!("{} columns make no line", field.value),
            "write a number from 10 to 200; 42 is usual",
        );
    }
    if let Some(field) = table
        .max_lines
        .given()
        .filter(|field| !(1..=4).contains(&field.value))
    {
        build.error(
            field.loc,
            format!("{} lines make no cue", field.value),
            "write 1, 2, 3 or 4",
        );
    }
    if let Some(field) = table.max_cps.given().filter(|field| field.value < 1.0) {
        build.error(
            field.loc,
            "nobody reads less than a character a second",
            "write a number such as 17 or 20",
        );
    }
    if rules.min_duration.0 == 0 || rules.min_duration > rules.max_duration {
        build.error(
            at.loc,
            "no cue lasts that long",
            "min_duration must be above zero and not above max_duration",
        );
    }
    rules
}
