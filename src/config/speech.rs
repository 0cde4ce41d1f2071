//! Speech tasks: what is asked of the engine, how text is cut, how clips are joined.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::SpeechCheck;
use crate::config::build::Build;
use crate::config::fields;
use crate::config::finish;
use crate::config::lexicon;
use crate::config::model::count;
use crate::config::reader::{At, Field};
use crate::config::scope::Context;
use crate::config::suggest::listed;
use crate::config::tables::{Checks, ChunkTable, PausesTable, TaskTable};
use crate::config::values::Count;
use crate::config::voice;
use crate::domain::{
    AudioFormat, AudioMillis, Delivery, DocumentFormat, FileFormat, Layout, OnMissing, SpeechParams,
};
use crate::engine::rest::Kind;
use crate::pipeline::objects::Objects;
use crate::pipeline::task::{Pauses, Recut, SpeechWork};
use crate::text::{ChunkRules, Lexicon, Reading, Unspoken};

/// Longest silence between two chunks.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// OpenAI's limit for `instructions`, in characters.
const MAX_INSTRUCTIONS: usize = 4096;

pub(super) fn build(build: &mut Build, context: &Context<'_>) -> Option<SpeechWork> {
    let before = build.problems.len();
    let table = &context.at.value;
    let delivery = table.delivery.value().copied().unwrap_or_default();
    let (made, clips) = made(build, context, delivery);
    let fields::Made { format, encoder } = made;
    let voice = voice::voice(build, context);
    if let Some(profile) = context.profile {
        refuse_the_mute(build, context);
        fields::refuse(build, table, profile.dialect, delivery, made);
    }
    check_numbers(build, table);
    let language = voice::language(build, context);
    let bit_rate = table.bit_rate.value().copied();
    let params = SpeechParams {
        language,
        speed: table.speed.value().copied(),
        instructions: table.instructions.value().cloned(),
        response_encoding: table.response_encoding.value().copied(),
        sample_rate: table.sample_rate.value().copied(),
        // What is coded here has a bit rate that is no part of a request.
        bit_rate: bit_rate.filter(|_| format == FileFormat::Mp3 && encoder.is_built_in()),
        alignment: table.alignment.value().copied().unwrap_or_default(),
        segment: table.segment.value().copied(),
        max_partial_length: count(&table.max_partial_length).map(NonZeroU32::get),
        extra_params: fields::extra_params(build, table),
        raw: context.model.raw,
        ..SpeechParams::new(context.model_id, voice.unwrap_or_default(), clips)
    };
    fields::warn_of_idle_wishes(build, table, &params, delivery);
    let work = SpeechWork {
        params,
        delivery,
        format,
        layout: table.layout.value().copied().unwrap_or(Layout::Files),
        mastering: finish::mastering(build, table, format, encoder),
        book: Box::new(finish::book(table)),
        cover: finish::cover(build, context),
        as_before: finish::is_as_before(table),
        subtitles: documents(build, &table.subtitles),
        reading: reading(table),
        unspoken: table.unspoken.value().copied().unwrap_or(Unspoken::Warn),
        chapters: table.chapters.value().cloned(),
        excerpt: None,
        lexicon: lexicon(build, context),
        chunk: chunk_rules(build, context),
        packed_before: packed_before(context),
        recut: context.model.learned_chars().map(|max_chars| Recut {
            max_chars,
            bought: Objects::new(context.state),
        }),
        learned: context.model.learned.clone(),
        pauses: pauses(build, table),
        check: speech_check(build, table),
        latin_only: context.is_local(),
        on_missing: table.on_missing.value().copied().unwrap_or(OnMissing::Stop),
    };
    (build.problems.len() == before).then_some(work)
}

fn pauses(build: &mut Build, table: &TaskTable) -> Pauses {
    let pauses = table.pauses.value();
    pauses.map_or_else(Pauses::default, |pauses| read_pauses(build, pauses))
}

/// What is read aloud of a text.
fn reading(table: &TaskTable) -> Reading {
    let usual = Reading::default();
    Reading {
        clean: table.clean.value().cloned().unwrap_or_default(),
        tables: table.tables.value().copied().unwrap_or(usual.tables),
        images: table.images.value().copied().unwrap_or(usual.images),
        notes: table.notes.value().copied().unwrap_or(usual.notes),
        matter: table.matter.value().copied().unwrap_or(usual.matter),
    }
}

/// What the file is, what makes it, and what its clips are asked for in.
fn made(
    build: &mut Build,
    context: &Context<'_>,
    delivery: Delivery,
) -> (fields::Made, AudioFormat) {
    let table = &context.at.value;
    let format = table.format.value().copied().unwrap_or(FileFormat::Wav);
    let answers_mp3 = answers_mp3(context, delivery);
    let encoder = finish::encoder(build, table, format, answers_mp3);
    let clips = match format {
        FileFormat::Mp3 if !answers_mp3 => AudioFormat::Wav,
        _ => format.clips(),
    };
    (fields::Made { format, encoder }, clips)
}

/// Whether the provider answers in MP3: then its frames need no coding.
fn answers_mp3(context: &Context<'_>, delivery: Delivery) -> bool {
    let dialect = context.profile.and_then(|profile| profile.dialect);
    let formats = dialect
        .and_then(Kind::speech)
        .map(|speech| speech.formats_of(context.model_id));
    // Of a provider that is not known it is believed.
    let has_mp3 = formats.is_none_or(|formats| formats.contains(&AudioFormat::Mp3));
    !context.is_local() && delivery == Delivery::Rest && has_mp3
}

/// All files of the lexicon; of equal words the later one holds.
fn lexicon(build: &mut Build, context: &Context<'_>) -> Arc<Lexicon> {
    let files = context.at.value.lexicon.value();
    let mut entries = Vec::new();
    for at in files.map(Vec::as_slice).unwrap_or_default() {
        let path = context.root.join(&at.value);
        if build.refuse_outside(at.loc, "the lexicon", &path) {
            continue;
        }
        match lexicon::read(&path) {
            Ok(read) => entries.extend(read),
            Err(why) => build.error(
                at.loc,
                format!("the lexicon `{}`: {why}", at.value),
                "a line for each word: written,said",
            ),
        }
    }
    Arc::new(Lexicon::new(entries))
}

/// Whether the provider speaks at all, and with this model.
fn refuse_the_mute(build: &mut Build, context: &Context<'_>) {
    let Some(dialect) = context.profile.and_then(|profile| profile.dialect) else {
        return;
    };
    let table = &context.at.value;
    let Some(speech) = &dialect.facts().speech else {
        let loc = table.profile.given().map_or(context.at.loc, |at| at.loc);
        build.error(
            loc,
            format!("{dialect} transcribes, it does not speak"),
            "name another profile, or write type = \"stt\"",
        );
        return;
    };
    let is_strange =
        !speech.only_models.is_empty() && !speech.only_models.contains(&context.model_id);
    if let Some(at) = table.model.given().filter(|_| is_strange) {
        build.warn(
            at.loc,
            format!("{dialect} is known to refuse the model `{}`", at.value),
            format!(
                "write one of {}",
                listed(speech.only_models.iter().copied())
            ),
        );
    }
}

fn check_numbers(build: &mut Build, table: &TaskTable) {
    if let Some(at) = table
        .speed
        .given()
        .filter(|at| !(0.25..=4.0).contains(&at.value))
    {
        build.error(
            at.loc,
            format!("the speed {} is out of range", at.value),
            "write a number from 0.25 to 4.0",
        );
    }
    if let Some(at) = table
        .sample_rate
        .given()
        .filter(|at| !(8_000..=192_000).contains(&at.value))
    {
        build.error(
            at.loc,
            format!("the sample rate {} is out of range", at.value),
            "write a number from 8000 to 192000",
        );
    }
    if let Some(at) = table
        .instructions
        .given()
        .filter(|at| at.value.chars().count() > MAX_INSTRUCTIONS)
    {
        build.error(
            at.loc,
            "the instructions are too long",
            "write at most 4096 characters",
        );
    }
}

/// The list of documents, each once.
pub(super) fn documents(
    build: &mut Build,
    field: &Field<Vec<At<DocumentFormat>>>,
) -> Vec<DocumentFormat> {
    let mut formats = Vec::new();
    for at in field.value().map(Vec::as_slice).unwrap_or_default() {
        if formats.contains(&at.value) {
            build.error(
                at.loc,
                format!("`{}` stands here twice", at.value),
                "leave one out",
            );
        } else {
            formats.push(at.value);
        }
    }
    formats
}

/// The model's defaults, narrowed by the task; the limits of the model stay the limits.
fn chunk_rules(build: &mut Build, context: &Context<'_>) -> ChunkRules {
    let model = context.model.chunk;
    let default = ChunkTable::default();
    let table = context.at.value.chunk.value().unwrap_or(&default);
    let mut limit = |field: &Field<Count>, most: u32, what: &str| {
        let own = count(field).map_or(most, NonZeroU32::get);
        if let Some(at) = field.given().filter(|_| own > most) {
            let id = context.model_id;
            let message = format!("`{id}` takes at most {most} {what} in a request");
            let label = format!("write {most} or less, or raise it in [models]");
            build.error(at.loc, message, label);
        }
        own
    };
    let max_chars = limit(&table.max_chars, model.max_chars, "characters");
    let max_bytes = limit(&table.max_bytes, model.max_bytes, "bytes");
    let target = count(&table.target_chars).map(NonZeroU32::get);
    let target_chars = target.unwrap_or_else(|| model.target_chars.min(max_chars));
    let min = table.min_chars.value().copied();
    let rules = ChunkRules {
        max_chars,
        max_bytes,
        target_chars,
        min_chars: min.unwrap_or_else(|| model.min_chars.min(target_chars)),
        paragraphs: table
            .paragraphs
            .value()
            .copied()
            .unwrap_or(model.paragraphs),
    };
    check_order(build, table, rules);
    rules
}

/// Where to look for what was bought by the older cut, unless the task says how it wants it.
fn packed_before(context: &Context<'_>) -> Option<Objects> {
    let chunk = context.at.value.chunk.value();
    let is_said = chunk.is_some_and(|table| table.paragraphs.value().is_some());
    (!is_said).then(|| Objects::new(context.state))
}

/// At least, aim and at most must come in this order.
fn check_order(build: &mut Build, table: &ChunkTable, rules: ChunkRules) {
    let (min, target, max) = (rules.min_chars, rules.target_chars, rules.max_chars);
    if let Some(at) = table.target_chars.given().filter(|_| target > max) {
        let message = format!("a chunk cannot aim for more than its limit of {max} characters");
        build.error(at.loc, message, format!("write {max} or less"));
    }
    if let Some(at) = table.min_chars.given().filter(|_| min > target) {
        let message = format!("a chunk of at least {min} characters cannot aim for {target}");
        build.error(at.loc, message, format!("write {target} or less"));
    }
    if let Some(at) = table.max_bytes.given().filter(|_| rules.max_bytes < 4) {
        let message = "a single character may have 4 bytes";
        build.error(at.loc, message, "write 4 or more");
    }
}

fn read_pauses(build: &mut Build, table: &PausesTable) -> Pauses {
    let default = Pauses::default();
    let mut pause = |field: &Field<Duration>, default: AudioMillis| {
        let Some(at) = field.given() else {
            return default;
        };
        if at.value > MAX_PAUSE {
            build.error(
                at.loc,
                "a pause lasts at most a minute",
                "write a shorter time",
            );
        }
        millis(at.value)
    };
    Pauses {
        clause: pause(&table.clause, default.clause),
        sentence: pause(&table.sentence, default.sentence),
        paragraph: pause(&table.paragraph, default.paragraph),
        scene: pause(&table.scene, default.scene),
        heading: pause(&table.heading, default.heading),
        chapter: pause(&table.chapter, default.chapter),
    }
}

pub(super) fn millis(duration: Duration) -> AudioMillis {
    AudioMillis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn speech_check(build: &mut Build, table: &TaskTable) -> SpeechCheck {
    let default = SpeechCheck::default();
    let Some(at) = table.check.given() else {
        return default;
    };
    let Checks::Speech(check) = &at.value else {
        build.error(
            at.loc,
            "a task that speaks has a table here",
            "write check = { max_cps = 30 }, or leave it out",
        );
        return default;
    };
    let min_cps = check.min_cps.value().copied().unwrap_or(default.min_cps);
    let max_cps = check.max_cps.value().copied().unwrap_or(default.max_cps);
    if min_cps < 0.0 || max_cps <= min_cps {
        build.error(
            at.loc,
            format!(
                "no speech has more than {max_cps} and less than {min_cps} characters a second"
            ),
            "min_cps must be the smaller one, and not negative",
        );
    }
    SpeechCheck { min_cps, max_cps }
}
