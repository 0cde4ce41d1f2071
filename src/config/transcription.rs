//! Transcription tasks: what is asked of the engine and which documents are written.

use std::collections::BTreeMap;

use crate::audio;
use crate::config::build::Build;
use crate::config::files;
use crate::config::model::count;
use crate::config::profile::Profile;
use crate::config::reader::At;
use crate::config::scope::Context;
use crate::config::speech::{documents, millis};
use crate::config::tables::{Checks, CuesTable, TaskTable};
use crate::config::text::Timestamps;
use crate::config::voice::{is_language, language_help};
use crate::domain::catalogue::{self, Does};
use crate::domain::{AudioMillis, DocumentFormat, SoundCheck, Speakers, TranscriptionParams};
use crate::engine::rest::{BaseUrl, Diarizing, Hearing, Kind, Translating};
use crate::pipeline::cuts::Cuts;
use crate::pipeline::objects::Objects;
use crate::pipeline::task::TranscriptionWork;
use crate::subtitle::CueRules;

pub(super) fn build(build: &mut Build, context: &Context<'_>) -> Option<TranscriptionWork> {
    let before = build.problems.len();
    let table = &context.at.value;
    check_reach(build, context);
    refuse_the_deaf(build, context);
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
    let formats = formats(build, table);
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
            translate_to: translation(build, context),
            diarize: speakers(build, context),
        },
        formats,
        urls: files::manifests(build, table, context.root),
        is_loopback: context.profile.is_some_and(Profile::is_loopback),
        limits: context.model.upload,
        learned: context.model.learned.clone(),
        cues: table
            .cues
            .given()
            .map_or_else(CueRules::default, |cues| cue_rules(build, cues)),
        check: sound_check(build, table),
        speakers: names(table),
        split: split(build, table),
        cuts: Cuts::new(context.state),
        bought: Objects::new(context.state),
        as_before: table.check.is_absent(),
    };
    (build.problems.len() == before).then_some(work)
}

/// What speakers are called.
fn names(table: &TaskTable) -> BTreeMap<String, String> {
    let names = table.speakers.value();
    names.map(|names| names.0.clone()).unwrap_or_default()
}

/// The longest clip that the task asks for.
fn split(build: &mut Build, table: &TaskTable) -> Option<AudioMillis> {
    let at = table.split.given()?;
    let most = millis(at.value);
    if most < audio::SHORTEST {
        let message = "clips that short would cut sentences apart";
        build.error(at.loc, message, "write 30s or more; \"20m\" is usual");
    }
    Some(most)
}

/// Whether words are compared with the sound: they are, unless the task says otherwise.
fn sound_check(build: &mut Build, table: &TaskTable) -> SoundCheck {
    let Some(at) = table.check.given() else {
        return SoundCheck::Flag;
    };
    let Checks::Sound(check) = &at.value else {
        build.error(
            at.loc,
            "a task that transcribes has a word here",
            "write check = \"flag\", \"strict\" or \"off\"",
        );
        return SoundCheck::Flag;
    };
    *check
}

/// The profile hears at all, and fetches recordings if it has to.
fn check_reach(build: &mut Build, context: &Context<'_>) {
    let table = &context.at.value;
    if context.is_local() {
        let loc = table.profile.given().map_or(context.at.loc, |at| at.loc);
        let kinds: Vec<String> = Kind::families()
            .map(|family| format!("\"{family}\""))
            .collect();
        build.error(
            loc,
            "the built-in engine speaks, it does not transcribe",
            format!("name a profile of kind {}", kinds.join(" or ")),
        );
    }
    let dialect = context.profile.and_then(|profile| profile.dialect);
    if let (Some(at), Some(dialect)) = (table.urls.given(), dialect)
        && dialect.url_part().is_none()
    {
        // developers.openai.com/api/docs/api-reference/audio: `file` is a file object.
        build.error(
            at.key,
            format!("{dialect} fetches no recordings: it takes files only"),
            format!(
                "download them and name them in `input`, or use a profile of kind \"{}\"",
                Kind::USUAL
            ),
        );
    }
}

/// The documents to write; an empty list is a mistake.
fn formats(build: &mut Build, table: &TaskTable) -> Vec<DocumentFormat> {
    let mut formats = documents(build, &table.formats);
    if formats.is_empty() {
        if let Some(at) = table.formats.given() {
            build.error(
                at.loc,
                "no document would be written",
                "write [\"srt\", \"json\", \"txt\"]",
            );
        }
        formats = files::DEFAULT_FORMATS.to_vec();
    }
    formats
}

/// The language to translate to; refused where the provider has no such thing.
fn translation(build: &mut Build, context: &Context<'_>) -> Option<String> {
    let at = context.at.value.translate.given()?;
    let target = at.value.as_str();
    if !is_language(target) || target.contains('-') {
        let message = format!("`{target}` is no language to translate to");
        build.error(at.loc, message, "write the language alone, such as \"en\"");
        return None;
    }
    if let Some((dialect, hearing)) = hearing(context)
        && hearing.translating != Translating::RouteToAny
        && target != "en"
    {
        let message = format!("{dialect} translates to \"en\" only, not to `{target}`");
        build.error(at.loc, message, "write translate = \"en\"");
    }
    let known = listed(context).and_then(|model| match model.does {
        Does::Transcribe(offers) => Some(offers.translates),
        Does::Speak(_) => None,
    });
    if known == Some(false) {
        let message = format!(
            "`{}` was not known to translate on {}",
            context.model_id,
            catalogue::AS_OF
        );
        build.warn(at.key, message, "openai/whisper-large-v3 does");
    }
    if let Some(language) = context.at.value.language.given() {
        build.warn(
            language.key,
            "a translation finds out by itself what is spoken",
            "leave `language` out: only `translate` is sent",
        );
    }
    Some(target.to_owned())
}

/// Whether and how far to tell speakers apart.
fn speakers(build: &mut Build, context: &Context<'_>) -> Option<Speakers> {
    let table = &context.at.value;
    let wanted = table.diarize.value() == Some(&true);
    for at in [&table.min_speakers, &table.max_speakers] {
        if let (Some(at), false) = (at.given(), wanted) {
            build.error(
                at.key,
                "speakers are counted only where they are told apart",
                "add diarize = true, or leave it out",
            );
        }
    }
    let at = table.diarize.given().filter(|_| wanted)?;
    let speakers = Speakers {
        min: count(&table.min_speakers),
        max: count(&table.max_speakers),
    };
    if let (Some(min), Some(max)) = (speakers.min, speakers.max)
        && min > max
    {
        let loc = table.max_speakers.given().map_or(at.loc, |at| at.loc);
        let message = format!("at least {min} and at most {max} speakers is none");
        build.error(loc, message, "write min_speakers below max_speakers");
    }
    if table.translate.given().is_some() {
        let message = "speakers are told apart in transcriptions, not in translations";
        build.error(at.key, message, "make two tasks of it");
    }
    match hearing(context).map(|(dialect, hearing)| (dialect, hearing.diarizing)) {
        Some((dialect, Diarizing::No)) => build.error(
            at.key,
            format!("{dialect} has no `diarize` for transcription"),
            "leave it out, or use a profile of kind \"together\"",
        ),
        Some((dialect, Diarizing::Field(_))) => {
            for count in [&table.min_speakers, &table.max_speakers] {
                if let Some(count) = count.given() {
                    build.error(
                        count.key,
                        format!("{dialect} cannot be told how many speakers there are"),
                        "leave it out",
                    );
                }
            }
        }
        Some((_, Diarizing::Counted)) | None => {}
    }
    warn_of_listed(build, context, at);
    Some(speakers)
}

/// A word of warning if the model is listed as one that tells no speakers apart.
fn warn_of_listed(build: &mut Build, context: &Context<'_>, at: &At<bool>) {
    let known = listed(context).and_then(|model| match model.does {
        Does::Transcribe(offers) => Some(offers.diarizes),
        Does::Speak(_) => None,
    });
    if known == Some(false) {
        let message = format!(
            "`{}` was not known to tell speakers apart on {}",
            context.model_id,
            catalogue::AS_OF
        );
        build.warn(at.key, message, "openai/whisper-large-v3 does");
    }
}

/// What the provider says of transcription; `None` also where it has none.
fn hearing(context: &Context<'_>) -> Option<(Kind, &'static Hearing)> {
    let dialect = context.profile?.dialect?;
    Some((dialect, dialect.facts().hearing.as_ref()?))
}

/// Whether the provider listens at all, and with this model at this address.
fn refuse_the_deaf(build: &mut Build, context: &Context<'_>) {
    let Some((profile, dialect)) = context
        .profile
        .and_then(|profile| Some((profile, profile.dialect?)))
    else {
        return;
    };
    let table = &context.at.value;
    let Some(hearing) = &dialect.facts().hearing else {
        let loc = table.profile.given().map_or(context.at.loc, |at| at.loc);
        build.error(
            loc,
            format!("{dialect} speaks, it does not transcribe"),
            "name another profile, or write type = \"tts\"",
        );
        return;
    };
    let url = profile.base_url.as_ref();
    let is_usual = url.map(BaseUrl::as_str) == dialect.facts().base_url;
    let moved = hearing
        .elsewhere
        .iter()
        .find(|(model, _)| is_usual && *model == context.model_id);
    if let (Some((model, there)), Some(at)) = (moved, table.model.given()) {
        build.warn(
            at.loc,
            format!("`{model}` answers at {there}"),
            format!("write base_url = \"{there}\" into its profile"),
        );
    }
}

/// What the built-in list says of the model, where the list is about this provider.
fn listed(context: &Context<'_>) -> Option<&'static catalogue::Model> {
    let provider = context.profile.and_then(Profile::listed)?;
    catalogue::find(provider, context.model_id)
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
    check_cues(build, at, &rules);
    rules
}

/// Reports what no reader could follow.
fn check_cues(build: &mut Build, at: &At<CuesTable>, rules: &CueRules) {
    let table = &at.value;
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
}
