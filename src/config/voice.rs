//! Voices and languages: what the built-in voice can speak, and what is a language code.

use crate::config::build::Build;
use crate::config::document::Loc;
use crate::config::profile::Profile;
use crate::config::scope::{Context, required};
use crate::config::suggest::{did_you_mean, listed, nearest};
use crate::domain::catalogue::{self, Does, VoiceFinding};
use crate::engine::local;

/// The voice of a task; a built-in one exists and is named by its one name, because
/// the name is part of what makes two recordings the same.
pub(super) fn voice(build: &mut Build, context: &Context<'_>) -> Option<String> {
    let (task, at) = (context.name, context.at);
    let field = &at.value.voice;
    if !context.is_local() {
        let label = "add voice = \"…\"; `voicespool voices` lists the known ones";
        let voice = required(build, task, at, "voice", field, label)?;
        if let Some(given) = field.given() {
            check_listed(build, context, given.loc, &voice);
        }
        return Some(voice);
    }
    let names: Vec<&str> = local::voices().iter().map(|voice| voice.name).collect();
    let there_are = listed(names.iter().copied());
    let label = format!("add voice = \"pico-en-us\"; there are {there_are}");
    let voice = required(build, task, at, "voice", field, &label)?;
    if let Some(given) = field.given().filter(|_| !names.contains(&voice.as_str())) {
        let message = format!("there is no built-in voice `{voice}`");
        let meant = local::find(&voice).map(|meant| format!("did you mean `{}`?", meant.name));
        let label = meant.unwrap_or_else(|| did_you_mean(&voice, &names));
        build.error(given.loc, message, label);
    }
    Some(voice)
}

/// A mix that cannot be read is an error; a name that a complete list lacks is a warning,
/// because lists go out of date.
fn check_listed(build: &mut Build, context: &Context<'_>, loc: Loc, voice: &str) {
    let listed = context.profile.and_then(Profile::listed);
    let id = context.at.value.model.value();
    let found = listed.and_then(|provider| catalogue::find(provider, id?));
    let Some(model) = found else {
        return;
    };
    match catalogue::check_voice(model, voice) {
        VoiceFinding::Listed | VoiceFinding::Unlisted => {}
        VoiceFinding::BadMix(problem) => {
            build.error(
                loc,
                problem.to_string(),
                "`voicespool voices` lists the names",
            );
        }
        VoiceFinding::Unknown { name } => {
            let Does::Speak(speech) = model.does else {
                return;
            };
            let message = format!(
                "`{name}` was no voice of {} on {}",
                model.id,
                catalogue::AS_OF
            );
            let label = match nearest(&name, speech.voices.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("`voicespool voices {}` lists them", model.id),
            };
            build.warn(loc, message, label);
        }
    }
}

/// ISO 639-1 or a lower-case locale; of a built-in voice its own.
pub(super) fn language(build: &mut Build, context: &Context<'_>) -> Option<String> {
    let table = &context.at.value;
    let given = table.language.given()?;
    let language = given.value.as_str();
    if !is_language(language) {
        let message = format!("`{language}` is no language code");
        build.error(given.loc, message, language_help(language));
        return None;
    }
    let voice = table.voice.value().filter(|_| context.is_local());
    let spoken = voice.and_then(|name| local::voices().iter().find(|voice| voice.name == name));
    if let Some(voice) = spoken {
        let speaks = voice.language.to_lowercase();
        if speaks != language && speaks.split('-').next() != Some(language) {
            let message = format!("the voice `{}` speaks {speaks}, not {language}", voice.name);
            let label = "choose another voice, or leave the language out";
            build.error(given.loc, message, label);
        }
    }
    Some(language.to_owned())
}

/// Two or three letters, then lower-case parts: `en`, `zh-hk`.
pub(super) fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    (2..=3).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.all(|part| {
            (2..=8).contains(&part.len())
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

pub(super) fn language_help(text: &str) -> String {
    let folded = text.to_lowercase().replace('_', "-");
    if is_language(&folded) {
        format!("did you mean `{folded}`?")
    } else {
        "write it like \"en\" or \"zh-hk\"".to_owned()
    }
}
