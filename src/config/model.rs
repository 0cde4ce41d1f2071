//! What is known of models: prices, limits of a request, and how much text serves them
//! well. Built-in values are data with their source; `[models]` overrides each one.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::build::Build;
use crate::config::document::Loc;
use crate::config::profile::Profile;
use crate::config::reader::{At, Field};
use crate::config::tables::{LimitsTable, ModelTable, PriceTable, RawTable};
use crate::config::text::EngineKind;
use crate::config::values::Count;
use crate::domain::catalogue;
use crate::domain::{Lesson, ListedPrice, Price, RawAudio, UtcMillis};
use crate::engine::local;
use crate::engine::rest::{CAUTIOUS_MAX_CHARS, Kind, OPENAI_MAX_CHARS};
use crate::pipeline::task::{Learnt, UploadLimits};
use crate::store::learned::Lessons;
use crate::text::{ChunkRules, Paragraphs};

/// What the provider allows, or what the user wants to allow; `None`: no ceiling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub requests_per_minute: Option<NonZeroU32>,
    pub chars_per_minute: Option<NonZeroU32>,
    pub audio_seconds_per_minute: Option<NonZeroU32>,
    /// Requests in flight at once.
    pub concurrency: Option<NonZeroU32>,
}

/// One model at one kind of provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// `None`: unknown, so no run under a budget.
    pub price: Option<ListedPrice>,
    pub limits: Limits,
    /// The defaults of `chunk` of a task.
    pub chunk: ChunkRules,
    pub upload: UploadLimits,
    /// What its raw samples are, where the built-in knowledge is overruled.
    pub raw: Option<RawAudio>,
    /// Limits the provider named in refusals, but for those that `[models]` overrules.
    pub learned: Vec<Learnt>,
}

/// `[models."ID"]`, checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ModelRules {
    pub(super) price: Option<ListedPrice>,
    pub(super) limits: Limits,
    max_chars: Option<NonZeroU32>,
    max_bytes: Option<NonZeroU32>,
    max_upload: Option<u64>,
    max_audio: Option<Duration>,
    raw: Option<RawAudio>,
    /// The price is a stranger's word: it holds where nobody else knows one.
    price_is_doubted: bool,
    /// The name in the file.
    pub(super) name: Option<Loc>,
}

/// Model, most characters in a request, characters a chunk aims for.
///
/// No provider here documents a limit for Together's models. Self-hosted Orpheus is cut
/// off between 24 and 60 s of audio, which is 340 to 840 characters at 14 a second, so it
/// is sent what it can say in 24 s. Kokoro takes about 510 phonemes at once and splits
/// the rest by itself, worse than the chunker does: 400 characters fit. Pico has no limit
/// worth naming and gains nothing from longer texts.
const SPEECH_MODELS: &[(&str, u32, u32)] = &[
    ("canopylabs/orpheus-3b-0.1-ft", 600, 300),
    ("hexgrad/Kokoro-82M", 2000, 400),
    (local::MODEL, 2000, 400),
];

/// What every other model aims for: long chunks make models skip and slur.
const TARGET_CHARS: u32 = 400;

/// A sentence of one or two words: prompts that short glitch.
const MIN_CHARS: u32 = 20;

/// Where no longest duration is documented: a day is one.
const LONGEST: Duration = Duration::from_hours(24);

impl Model {
    /// The model `id` at `profile`; without one, at somebody like OpenAI.
    pub(super) fn of(
        profile: Option<&Profile>,
        id: &str,
        rules: Option<&ModelRules>,
        lessons: &Lessons,
    ) -> Self {
        let default = ModelRules::default();
        let rules = rules.unwrap_or(&default);
        let dialect = profile.map_or(Some(Kind::UNKNOWN), |profile| profile.dialect);
        let (known_max, target) = speech_limits(dialect, id);
        let max_chars = rules.max_chars.map_or(known_max, NonZeroU32::get);
        let known_upload = upload_limits(dialect);
        Self {
            price: price_of(profile, id, rules),
            limits: rules.limits,
            chunk: ChunkRules {
                max_chars,
                // Four bytes is the longest character: no limit but the other one.
                max_bytes: rules
                    .max_bytes
                    .map_or(max_chars.saturating_mul(4), NonZeroU32::get),
                target_chars: target.min(max_chars),
                min_chars: MIN_CHARS.min(max_chars),
                paragraphs: Paragraphs::Apart,
            },
            upload: UploadLimits {
                max_bytes: rules.max_upload.unwrap_or(known_upload.max_bytes),
                max_duration: rules.max_audio.unwrap_or(known_upload.max_duration),
            },
            raw: rules.raw,
            learned: profile
                .map(|profile| rules.learned(profile, id, lessons))
                .unwrap_or_default(),
        }
    }

    /// The most characters of a request, as the provider named it.
    pub(super) fn learned_chars(&self) -> Option<u32> {
        self.learned.iter().find_map(|learnt| match learnt.lesson {
            Lesson::MaxChars(most) => Some(most),
            _ => None,
        })
    }
}

/// Most characters of a request, and how many a chunk aims for.
fn speech_limits(dialect: Option<Kind>, id: &str) -> (u32, u32) {
    let speech = dialect.and_then(Kind::speech);
    if let Some(model) = speech.and_then(|speech| speech.model(id)) {
        return (model.max_chars, TARGET_CHARS);
    }
    if let Some(&(_, max, target)) = SPEECH_MODELS.iter().find(|(name, _, _)| *name == id) {
        return (max, target);
    }
    let known = speech.and_then(|speech| speech.max_chars);
    let cautious = match dialect {
        None => CAUTIOUS_MAX_CHARS,
        Some(_) => speech.map_or(OPENAI_MAX_CHARS, |speech| speech.assumed_max_chars),
    };
    (known.unwrap_or(cautious), TARGET_CHARS)
}

fn upload_limits(dialect: Option<Kind>) -> UploadLimits {
    let hearing = dialect.and_then(|dialect| dialect.facts().hearing.as_ref());
    UploadLimits {
        // Not documented, or set by the server's owner: it is asked.
        max_bytes: hearing
            .and_then(|hearing| hearing.max_upload)
            .unwrap_or(u64::MAX),
        max_duration: hearing
            .and_then(|hearing| hearing.max_duration)
            .unwrap_or(LONGEST),
    }
}

fn price_of(profile: Option<&Profile>, id: &str, rules: &ModelRules) -> Option<ListedPrice> {
    let free = |source: &str| {
        Some(ListedPrice {
            model: id.to_owned(),
            price: Price::Free,
            as_of: catalogue::PRICES_AS_OF.to_owned(),
            source: source.to_owned(),
        })
    };
    if profile.is_some_and(|profile| profile.kind == EngineKind::Local) {
        return free("runs on this machine");
    }
    let stated = || rules.price.clone();
    let known = || {
        let profile = profile?;
        if profile.is_own() {
            return free("a server on this machine");
        }
        let catalogue = profile.catalogue()?;
        if !catalogue.is_full {
            let model = catalogue::find(catalogue.provider, id)?;
            return Some(ListedPrice {
                model: id.to_owned(),
                price: model.price?,
                as_of: catalogue::AS_OF.to_owned(),
                source: "the built-in list".to_owned(),
            });
        }
        catalogue::prices()
            .into_iter()
            .find(|price| price.model == id)
    };
    let is_near = profile.is_some_and(Profile::is_loopback);
    match (stated(), known()) {
        (Some(stated), Some(known)) if rules.price_is_doubted && !is_near => {
            Some(if is_cheaper(stated.price, known.price) {
                known
            } else {
                stated
            })
        }
        (stated, known) => stated.or(known),
    }
}

/// Whether `stated` could make a run look cheaper than `known`; so does another unit.
fn is_cheaper(stated: Price, known: Price) -> bool {
    match (stated, known) {
        (Price::PerMillionChars(stated), Price::PerMillionChars(known))
        | (Price::PerAudioMinute(stated), Price::PerAudioMinute(known)) => stated < known,
        (stated, known) => stated != known,
    }
}

/// Whether `id` is spelled almost like a model of the built-in list.
pub(super) fn known_models() -> Vec<String> {
    catalogue::prices()
        .into_iter()
        .map(|price| price.model)
        .collect()
}

impl ModelRules {
    /// What refusals taught of the model, where nothing here says otherwise.
    fn learned(&self, profile: &Profile, id: &str, lessons: &Lessons) -> Vec<Learnt> {
        let is_overruled = |lesson: &Lesson| match lesson {
            Lesson::MaxChars(_) => self.max_chars.is_some(),
            Lesson::MaxUpload(_) => self.max_upload.is_some(),
            Lesson::MaxAudio(_) => self.max_audio.is_some(),
            Lesson::NoFormat(_) => false,
        };
        lessons
            .of(&profile.endpoint(), id)
            .filter(|learned| !is_overruled(&learned.lesson))
            .map(|learned| Learnt {
                lesson: learned.lesson.clone(),
                from: format!("learned from {} on {}", profile.host(), day_of(learned.at)),
            })
            .collect()
    }

    /// Checks one table; `user` is the same model in the user's file, used key by key.
    pub(super) fn build(build: &mut Build, name: &str, at: &At<ModelTable>) -> Self {
        let table = &at.value;
        Self {
            price: table
                .price
                .given()
                .and_then(|price| listed_price(build, name, price)),
            limits: table.limits.value().map(limits).unwrap_or_default(),
            max_chars: count(&table.max_chars),
            max_bytes: count(&table.max_bytes),
            max_upload: table.max_upload.value().map(|size| size.0),
            max_audio: table.max_audio.value().copied(),
            raw: table.raw.given().and_then(|raw| raw_audio(build, raw)),
            price_is_doubted: false,
            name: Some(at.key),
        }
    }

    /// A price that makes a run look cheap would get round the question: a higher one of the user's
    /// or of the built-in list's holds.
    pub(super) fn distrust_price(&mut self, build: &mut Build, user: &Self) {
        if let (Some(stated), Some(own)) = (&self.price, &user.price)
            && is_cheaper(stated.price, own.price)
        {
            self.price.clone_from(&user.price);
            if let Some(loc) = self.name {
                build.warn(
                    loc,
                    "the price in a project file is below your own, which holds",
                    "not used",
                );
            }
        }
        self.price_is_doubted = self.price.is_some();
    }

    /// Where a price was stated that does not hold, because others know a higher one.
    pub(super) fn refused_price(&self, holding: Option<&ListedPrice>) -> Option<Loc> {
        let is_refused = self.price_is_doubted && self.price.as_ref() != holding;
        self.name.filter(|_| is_refused)
    }

    /// `self` where it says something, else `below`.
    pub(super) fn over(self, below: Self) -> Self {
        Self {
            price_is_doubted: self.price_is_doubted && self.price.is_some(),
            price: self.price.or(below.price),
            limits: Limits {
                requests_per_minute: self
                    .limits
                    .requests_per_minute
                    .or(below.limits.requests_per_minute),
                chars_per_minute: self
                    .limits
                    .chars_per_minute
                    .or(below.limits.chars_per_minute),
                audio_seconds_per_minute: self
                    .limits
                    .audio_seconds_per_minute
                    .or(below.limits.audio_seconds_per_minute),
                concurrency: self.limits.concurrency.or(below.limits.concurrency),
            },
            max_chars: self.max_chars.or(below.max_chars),
            max_bytes: self.max_bytes.or(below.max_bytes),
            max_upload: self.max_upload.or(below.max_upload),
            max_audio: self.max_audio.or(below.max_audio),
            raw: self.raw.or(below.raw),
            name: self.name.or(below.name),
        }
    }
}

/// `2026-11-22`, in UTC.
fn day_of(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(
        |_| "an unknown day".to_owned(),
        |at| at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
    )
}

pub(super) fn count(field: &Field<Count>) -> Option<NonZeroU32> {
    field.value().map(|count| count.0)
}

fn limits(table: &LimitsTable) -> Limits {
    Limits {
        requests_per_minute: count(&table.rpm),
        chars_per_minute: count(&table.chars_per_minute),
        audio_seconds_per_minute: count(&table.audio_seconds_per_minute),
        concurrency: count(&table.concurrency),
    }
}

/// Both or none: half of it would be a guess.
fn raw_audio(build: &mut Build, at: &At<RawTable>) -> Option<RawAudio> {
    let table = &at.value;
    for (name, is_absent) in [
        ("encoding", table.encoding.is_absent()),
        ("sample_rate", table.sample_rate.is_absent()),
    ] {
        if is_absent {
            build.error(
                at.loc,
                format!("raw samples without `{name}` cannot be read"),
                format!("add {name} = …"),
            );
        }
    }
    let rate = table.sample_rate.given()?;
    if !(8_000..=192_000).contains(&rate.value) {
        build.error(
            rate.loc,
            format!("the sample rate {} is out of range", rate.value),
            "write a number from 8000 to 192000",
        );
    }
    Some(RawAudio {
        encoding: table.encoding.value().copied()?,
        sample_rate: rate.value,
    })
}

fn listed_price(build: &mut Build, model: &str, at: &At<PriceTable>) -> Option<ListedPrice> {
    let table = &at.value;
    let price = match (&table.per_1m_chars, &table.per_audio_minute) {
        (Field::Given(chars), Field::Absent) => Price::PerMillionChars(chars.value),
        (Field::Absent, Field::Given(minute)) => Price::PerAudioMinute(minute.value),
        (Field::Bad, _) | (_, Field::Bad) => return None,
        (Field::Absent, Field::Absent) => {
            build.error(
                at.loc,
                "the price has no amount",
                "add per_1m_chars = \"…\" or per_audio_minute = \"…\"",
            );
            return None;
        }
        (Field::Given(_), Field::Given(second)) => {
            build.error(
                second.key,
                "the price has two units",
                "a model charges by characters or by minutes",
            );
            return None;
        }
    };
    if table.as_of.is_absent() {
        build.error(
            at.loc,
            "the price has no date",
            "add as_of = \"2026-11-01\": prices change",
        );
    }
    let as_of = table.as_of.value()?.to_string();
    let source = table
        .source
        .value()
        .cloned()
        .unwrap_or_else(|| build.origin_of(at.key));
    Some(ListedPrice {
        model: model.to_owned(),
        price,
        as_of,
        source,
    })
}
