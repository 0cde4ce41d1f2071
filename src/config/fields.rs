//! Which fields of a speech request a provider has, over which delivery. A field that is
//! silently left out would be another recording than the one that was ordered. Which they
//! are, the engine's table says; here stands where in the file, and what to write instead.

use serde_json::Value;

use crate::config::build::Build;
use crate::config::document::Loc;
use crate::config::reader::Field;
use crate::config::suggest::listed;
use crate::config::tables::TaskTable;
use crate::domain::{Alignment, AudioFormat, Delivery, Encoder, FileFormat, SpeechParams};
use crate::engine::rest::{Kind, Speech, SpeechField};

const BIT_RATE: &str = "bit_rate";
/// Where a name stands in `extra_params` that has a key of its own.
const PRONUNCIATION: &str = "pronunciation_dict";

/// Reports what cannot be had of a provider of `dialect`; `None` is the built-in voice.
pub(super) fn refuse(
    build: &mut Build,
    table: &TaskTable,
    dialect: Option<Kind>,
    delivery: Delivery,
    made: Made,
) {
    if !refuse_delivery(build, table, dialect, delivery) {
        return;
    }
    refuse_fields(build, table, dialect, delivery, made);
    refuse_for_format(build, table, dialect, made);
}

/// What the file is, and what makes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub(super) format: FileFormat,
    pub(super) encoder: Encoder,
}

impl Made {
    /// Its sound is the provider's, as it is coded there.
    fn is_copied(self) -> bool {
        self.format == FileFormat::Mp3 && self.encoder.is_built_in()
    }

    /// Its bit rate is decided here.
    fn is_coded(self) -> bool {
        self.format.bit_rates().is_some() || !self.encoder.is_built_in()
    }
}

/// What `dialect` says of speech; `None` also where it has none.
fn speech_of(dialect: Option<Kind>) -> Option<&'static Speech> {
    dialect.and_then(Kind::speech)
}

/// Whether the delivery itself can be had.
fn refuse_delivery(
    build: &mut Build,
    table: &TaskTable,
    dialect: Option<Kind>,
    delivery: Delivery,
) -> bool {
    let Some(at) = table
        .delivery
        .given()
        .filter(|_| delivery != Delivery::Rest)
    else {
        return true;
    };
    let has = |delivery| speech_of(dialect).is_some_and(|speech| speech.fields(delivery).is_some());
    match dialect {
        None => build.error(
            at.loc,
            format!("the built-in voice has no `{delivery}`"),
            "leave it out: it speaks on this machine",
        ),
        Some(dialect) if !has(delivery) => {
            let what = match delivery {
                Delivery::WebSocket => "WebSocket",
                Delivery::Rest | Delivery::Stream => "documented events",
            };
            let label = if has(Delivery::Stream) {
                "write \"rest\" or \"stream\""
            } else {
                "write \"rest\", or leave it out"
            };
            build.error(at.loc, format!("{dialect} has no {what} for speech"), label);
        }
        _ => return true,
    }
    false
}

fn refuse_fields(
    build: &mut Build,
    table: &TaskTable,
    dialect: Option<Kind>,
    delivery: Delivery,
    made: Made,
) {
    let speech = speech_of(dialect);
    let fields = speech.and_then(|speech| speech.fields(delivery));
    let here = match dialect {
        None => "the built-in voice".to_owned(),
        // The delivery matters where it has other fields than a plain request.
        Some(dialect) if fields != speech.map(|speech| speech.fields) => {
            format!("{dialect} over `{delivery}`")
        }
        Some(dialect) => dialect.as_str().to_owned(),
    };
    let mut has: Vec<&str> = Vec::new();
    match fields {
        // What it cannot do at all was said.
        None if dialect.is_some() => return,
        None => has.push("language"),
        Some(fields) => {
            for field in fields {
                // The pronunciations travel in them.
                has.extend((*field == SpeechField::ExtraParams).then_some(PRONUNCIATION));
                has.push(field.name());
            }
        }
    }
    if made.is_coded() {
        has.push(BIT_RATE);
    }
    for (name, loc) in written(table) {
        let Some(loc) = loc.filter(|_| !has.contains(&name)) else {
            continue;
        };
        let field = SpeechField::ALL.iter().find(|field| field.name() == name);
        let elsewhere = field.and_then(|field| speech?.delivery_of(*field));
        let label = match elsewhere {
            Some(Delivery::Stream) if name == "alignment" => {
                "write delivery = \"stream\": word times come with events only".to_owned()
            }
            Some(elsewhere) => format!("write delivery = \"{elsewhere}\", or leave it out"),
            _ if has.iter().all(|name| *name == BIT_RATE) => "leave it out".to_owned(),
            _ => format!("leave it out: {here} has {}", listed(has.iter().copied())),
        };
        build.error(loc, format!("{here} has no `{name}` for speech"), label);
    }
}

/// The optional fields that stand in the file, and where.
fn written(table: &TaskTable) -> [(&'static str, Option<Loc>); 11] {
    fn loc<T>(field: &Field<T>) -> Option<Loc> {
        field.given().map(|at| at.key)
    }
    let alignment = table
        .alignment
        .given()
        .filter(|at| at.value != Alignment::None);
    [
        ("language", loc(&table.language)),
        ("speed", loc(&table.speed)),
        ("instructions", loc(&table.instructions)),
        ("response_encoding", loc(&table.response_encoding)),
        ("sample_rate", loc(&table.sample_rate)),
        (BIT_RATE, loc(&table.bit_rate)),
        ("alignment", alignment.map(|at| at.key)),
        ("segment", loc(&table.segment)),
        ("max_partial_length", loc(&table.max_partial_length)),
        (PRONUNCIATION, loc(&table.pronunciation_dict)),
        ("extra_params", loc(&table.extra_params)),
    ]
}

fn refuse_for_format(build: &mut Build, table: &TaskTable, dialect: Option<Kind>, made: Made) {
    if let Some(at) = table.response_encoding.given().filter(|_| made.is_copied()) {
        build.error(
            at.key,
            "`response_encoding` is for raw samples, the format here is mp3",
            "leave it out, or write format = \"wav\"",
        );
    }
    if let Some(at) = table.bit_rate.given() {
        if !made.is_copied() && !made.is_coded() {
            build.error(
                at.key,
                "`bit_rate` is for the formats m4b, opus and mp3",
                "leave it out, or write format = \"m4b\"",
            );
        } else if made.is_coded() {
            // What the provider has does not matter.
        } else if let (Some(dialect), Some(speech)) = (dialect, speech_of(dialect))
            && !speech.bit_rates.is_empty()
            && !speech.bit_rates.contains(&at.value)
        {
            let known: Vec<String> = speech.bit_rates.iter().map(u32::to_string).collect();
            let known = known.join(", ");
            let known = known
                .rsplit_once(", ")
                .map_or(known.clone(), |(others, last)| {
                    format!("{others} or {last}")
                });
            build.error(
                at.loc,
                format!("{dialect} makes no mp3 at {} bits a second", at.value),
                format!("write {known}"),
            );
        }
    }
}

/// The JSON that is passed on, with the pronunciations in it; `None` when there is none.
pub(super) fn extra_params(build: &mut Build, table: &TaskTable) -> Option<String> {
    let mut extra = table
        .extra_params
        .value()
        .map(|json| json.0.clone())
        .unwrap_or_default();
    if let Some(at) = table.pronunciation_dict.given() {
        let entries = at.value.iter();
        let wrong = entries.clone().find(|entry| {
            let parts = entry.value.split_once('/');
            !parts.is_some_and(|(written, said)| {
                !written.trim().is_empty() && !said.trim().is_empty()
            })
        });
        if let Some(wrong) = wrong {
            build.error(
                wrong.loc,
                format!("`{}` is no pronunciation", wrong.value),
                "write \"written/said\"",
            );
        }
        if extra.contains_key(PRONUNCIATION) {
            build.error(
                at.key,
                "the pronunciations stand here twice",
                "leave them out of extra_params",
            );
        }
        let entries = entries.map(|entry| Value::String(entry.value.clone()));
        extra.insert(PRONUNCIATION.to_owned(), entries.collect());
        extra.sort_keys();
    }
    (!extra.is_empty()).then(|| Value::Object(extra).to_string())
}

/// Wishes about samples that the model is known to ignore.
pub(super) fn warn_of_idle_wishes(
    build: &mut Build,
    table: &TaskTable,
    params: &SpeechParams,
    delivery: Delivery,
) {
    if params.wire_format(delivery) != AudioFormat::Raw || params.raw.is_some() {
        return;
    }
    let raw = params.raw_audio(delivery);
    if let Some(at) = table
        .sample_rate
        .given()
        .filter(|at| at.value != raw.sample_rate)
    {
        build.warn(
            at.loc,
            format!(
                "`{}` answers {} Hz whatever is asked",
                params.model, raw.sample_rate
            ),
            "leave it out",
        );
    }
    if let Some(at) = table
        .response_encoding
        .given()
        .filter(|at| at.value != raw.encoding)
    {
        build.warn(
            at.loc,
            format!(
                "`{}` answers {} whatever is asked",
                params.model, raw.encoding
            ),
            "leave it out",
        );
    }
}
