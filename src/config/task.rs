//! Tasks: from `[task.NAME]` to `pipeline::task::Task`, complete and possible.

use crate::config::build::Build;
use crate::config::document::Loc;
use crate::config::model::{Model, known_models};
use crate::config::profile::Profile;
use crate::config::profiles::Profiles;
use crate::config::reader::{At, Field};
use crate::config::scope::{Context, Known, required};
use crate::config::settings::Budget;
use crate::config::suggest::{did_you_mean, nearest};
use crate::config::tables::TaskTable;
use crate::config::text::{EngineKind, TaskType};
use crate::config::{files, speech, transcription};
use crate::domain::Price;
use crate::domain::catalogue::{self, Availability};
use crate::engine::local;
use crate::pipeline::task::{Task, Work};

/// Builds the enabled tasks in the order of the file.
pub(super) fn build_tasks(
    build: &mut Build,
    tables: &[(String, At<TaskTable>)],
    profiles: &Profiles,
    known: Known<'_>,
    budget: &Budget,
) -> Vec<Task> {
    let tasks = tables
        .iter()
        .filter(|(_, at)| at.value.enabled.value() != Some(&false))
        .filter_map(|(name, at)| build_task(build, name, at, profiles, known, budget))
        .collect();
    files::refuse_same_outputs(build, tables);
    tasks
}

fn build_task(
    build: &mut Build,
    name: &str,
    at: &At<TaskTable>,
    profiles: &Profiles,
    known: Known<'_>,
    budget: &Budget,
) -> Option<Task> {
    let table = &at.value;
    // Every part is checked before any of them can end it.
    let profile = find_profile(build, name, at, profiles);
    let input = files::inputs(build, name, at, known.root);
    let output = files::output(build, table);
    let task_type = required(
        build,
        name,
        at,
        "type",
        &table.r#type,
        "add type = \"tts\" or \"stt\"",
    )?;
    refuse_other_type(build, table, task_type);
    let id = model_id(build, name, at, profile)?;
    let model = Model::of(profile, &id, known.models.get(&id), known.lessons);
    let context = Context {
        name,
        at,
        profile,
        model_id: &id,
        model: &model,
        state: known.state,
        root: known.root,
    };
    warn_of_price(build, &id, &model, known);
    if profile.is_some() {
        check_price(build, &context, task_type, budget);
        warn_of_listed(build, &context);
    }
    let work = match task_type {
        TaskType::Speech => speech::build(build, &context).map(Work::Speech),
        TaskType::Transcription => transcription::build(build, &context).map(Work::Transcription),
    };
    let profile = profile?;
    Some(Task {
        name: name.to_owned(),
        profile: profile.name.clone(),
        endpoint: profile.endpoint(),
        input: input?,
        output: output?,
        priority: table.priority.value().copied().unwrap_or(0),
        overwrite: table.overwrite.value().copied().unwrap_or(false),
        price: model.price.as_ref().map(|listed| listed.price),
        work: work?,
    })
}

/// A project's price that does not hold is not passed over in silence.
fn warn_of_price(build: &mut Build, id: &str, model: &Model, known: Known<'_>) {
    let rules = known.models.get(id);
    if let Some(loc) = rules.and_then(|rules| rules.refused_price(model.price.as_ref())) {
        build.warn(
            loc,
            format!("the price of `{id}` in a project file is below the known one, which holds"),
            "not used; state it in your user configuration",
        );
    }
}

fn find_profile<'a>(
    build: &mut Build,
    task: &str,
    at: &At<TaskTable>,
    profiles: &'a Profiles,
) -> Option<&'a Profile> {
    let names: Vec<&str> = profiles.keys().map(String::as_str).collect();
    let label = "add profile = \"local\" for the built-in voice, or the name of another profile";
    required(build, task, at, "profile", &at.value.profile, label)?;
    let given = at.value.profile.given()?;
    let found = profiles.get(&given.value);
    if found.is_none() {
        build.error(
            given.loc,
            format!("there is no [profile.{}]", given.value),
            did_you_mean(&given.value, &names),
        );
    }
    found?.as_ref()
}

fn model_id(
    build: &mut Build,
    task: &str,
    at: &At<TaskTable>,
    profile: Option<&Profile>,
) -> Option<String> {
    let field = &at.value.model;
    let is_local = profile.is_some_and(|profile| profile.kind == EngineKind::Local);
    match field {
        Field::Given(given) => {
            check_model_name(build, given, profile);
            Some(given.value.clone())
        }
        Field::Bad => None,
        Field::Absent if is_local => Some(local::MODEL.to_owned()),
        Field::Absent => {
            required(
                build,
                task,
                at,
                "model",
                field,
                "add the provider's name of the model; `voicespool models` lists the known ones",
            );
            None
        }
    }
}

/// Models are free strings, because lists of them go out of date: a near miss warns.
fn check_model_name(build: &mut Build, given: &At<String>, profile: Option<&Profile>) {
    match profile {
        Some(profile) if profile.kind == EngineKind::Local && given.value != local::MODEL => {
            build.error(
                given.loc,
                format!("the built-in voice has no model `{}`", given.value),
                format!("write \"{}\", or leave it out", local::MODEL),
            );
        }
        Some(profile) if profile.is_of_listed_kind() => {
            let known = known_models();
            if !known.contains(&given.value)
                && let Some(near) = nearest(&given.value, known.iter().map(String::as_str))
            {
                build.warn(
                    given.loc,
                    format!("`{}` is no model I know", given.value),
                    format!("did you mean `{near}`?"),
                );
            }
        }
        _ => {}
    }
}

/// The price must be for what the task sends, and known when there is a budget.
fn check_price(build: &mut Build, context: &Context<'_>, task_type: TaskType, budget: &Budget) {
    let at = context
        .at
        .value
        .model
        .given()
        .map_or(context.at.loc, |at| at.loc);
    let Some(listed) = &context.model.price else {
        if budget.max_cost.is_some() {
            build.warn(
                at,
                format!(
                    "the price of `{}` is unknown, so no run starts under a budget",
                    context.model_id
                ),
                format!("add [models.\"{}\"] price = {{ … }}", context.model_id),
            );
        }
        return;
    };
    let fits = matches!(
        (listed.price, task_type),
        (Price::Free, _)
            | (Price::PerMillionChars(_), TaskType::Speech)
            | (Price::PerAudioMinute(_), TaskType::Transcription)
    );
    if !fits {
        let (does, unit) = match task_type {
            TaskType::Speech => ("speaks text", "audio minutes"),
            TaskType::Transcription => ("transcribes audio", "characters"),
        };
        build.error(
            at,
            format!(
                "[task.{}] {does}, but `{}` is priced by {unit}",
                context.name, context.model_id
            ),
            "choose another model, or correct its price",
        );
    }
}

/// What the built-in list knows of the model and somebody should know before a night is
/// spent on it. Lists go out of date, so nothing is refused.
fn warn_of_listed(build: &mut Build, context: &Context<'_>) {
    let listed = context.profile.and_then(Profile::listed);
    let found = listed.and_then(|provider| catalogue::find(provider, context.model_id));
    let (Some(model), Some(at)) = (found, context.at.value.model.given()) else {
        return;
    };
    let id = model.id;
    let said = match model.availability {
        Availability::Serverless => None,
        Availability::Dedicated => Some(format!("`{id}` needs a machine rented for it")),
        Availability::Ending { on } => Some(format!("`{id}` ends on {on}")),
        Availability::Retired { since } => Some(format!("`{id}` was retired on {since}")),
    };
    if let Some(said) = said {
        let label = if model.note.is_empty() {
            "`voicespool models` lists what is open to everybody"
        } else {
            model.note
        };
        build.warn(at.loc, said, label);
    }
    if let Some(delivery) = context.at.value.delivery.given()
        && !model.deliveries().contains(&delivery.value.as_str())
    {
        let message = format!(
            "`{id}` was not known to answer by {} on {}",
            delivery.value,
            catalogue::AS_OF
        );
        let label = format!("known: {}", model.deliveries().join(", "));
        build.warn(delivery.loc, message, label);
    }
}

/// The key of a field, where it is given.
fn loc<T>(field: &Field<T>) -> Option<Loc> {
    field.given().map(|at| at.key)
}

/// The keys of a task that speaks.
fn of_speech(table: &TaskTable) -> [(&'static str, Option<Loc>); 36] {
    [
        ("voice", loc(&table.voice)),
        ("format", loc(&table.format)),
        ("speed", loc(&table.speed)),
        ("instructions", loc(&table.instructions)),
        ("response_encoding", loc(&table.response_encoding)),
        ("sample_rate", loc(&table.sample_rate)),
        ("bit_rate", loc(&table.bit_rate)),
        ("delivery", loc(&table.delivery)),
        ("alignment", loc(&table.alignment)),
        ("segment", loc(&table.segment)),
        ("max_partial_length", loc(&table.max_partial_length)),
        ("pronunciation_dict", loc(&table.pronunciation_dict)),
        ("extra_params", loc(&table.extra_params)),
        ("subtitles", loc(&table.subtitles)),
        ("clean", loc(&table.clean)),
        ("tables", loc(&table.tables)),
        ("images", loc(&table.images)),
        ("notes", loc(&table.notes)),
        ("matter", loc(&table.matter)),
        ("unspoken", loc(&table.unspoken)),
        ("lexicon", loc(&table.lexicon)),
        ("layout", loc(&table.layout)),
        ("title", loc(&table.title)),
        ("author", loc(&table.author)),
        ("narrator", loc(&table.narrator)),
        ("series", loc(&table.series)),
        ("part", loc(&table.part)),
        ("year", loc(&table.year)),
        ("genre", loc(&table.genre)),
        ("description", loc(&table.description)),
        ("cover", loc(&table.cover)),
        ("chunk", loc(&table.chunk)),
        ("pauses", loc(&table.pauses)),
        ("loudness", loc(&table.loudness)),
        ("encoder", loc(&table.encoder)),
        ("chapters", loc(&table.chapters)),
    ]
}

/// The keys of a task that transcribes.
fn of_transcription(table: &TaskTable) -> [(&'static str, Option<Loc>); 12] {
    [
        ("urls", loc(&table.urls)),
        ("formats", loc(&table.formats)),
        ("prompt", loc(&table.prompt)),
        ("temperature", loc(&table.temperature)),
        ("translate", loc(&table.translate)),
        ("diarize", loc(&table.diarize)),
        ("split", loc(&table.split)),
        ("speakers", loc(&table.speakers)),
        ("min_speakers", loc(&table.min_speakers)),
        ("max_speakers", loc(&table.max_speakers)),
        ("timestamps", loc(&table.timestamps)),
        ("cues", loc(&table.cues)),
    ]
}

/// Keys that belong to the other type of task.
fn refuse_other_type(build: &mut Build, table: &TaskTable, task_type: TaskType) {
    let (others, word): (&[_], _) = match task_type {
        TaskType::Speech => (&of_transcription(table), "stt"),
        TaskType::Transcription => (&of_speech(table), "tts"),
    };
    for (name, loc) in others {
        let label = match (*name, word) {
            ("format", _) => "did you mean `formats`?".to_owned(),
            ("formats", _) => "did you mean `format` (the audio) or `subtitles`?".to_owned(),
            _ => format!(
                "leave it out: this task has type = \"{}\"",
                task_type.as_str()
            ),
        };
        if let Some(loc) = loc {
            build.error(*loc, format!("`{name}` is for type = \"{word}\""), label);
        }
    }
}
