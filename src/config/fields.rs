//! Which fields of a speech request a provider has, over which delivery. A field that is
//! silently left out would be another recording than the one that was ordered.

use serde_json::Value;

use crate::config::build::Build;
use crate::config::document::Loc;
use crate::config::reader::Field;
use crate::config::suggest::listed;
use crate::config::tables::TaskTable;
use crate::config::text::EngineKind;
use crate::domain::{Alignment, AudioFormat, Delivery, SpeechParams};

/// Bit rates Together takes for an mp3 (its `OpenAPI` schema, 2026-04).
const TOGETHER_BIT_RATES: &[u32] = &[32_000, 64_000, 96_000, 128_000, 192_000];

/// Where a name stands in `extra_params` that has a key of its own.
const PRONUNCIATION: &str = "pronunciation_dict";

/// Reports what cannot be had.
pub(super) fn refuse(
    build: &mut Build,
    table: &TaskTable,
    kind: EngineKind,
    delivery: Delivery,
    format: AudioFormat,
) {
    if !refuse_delivery(build, table, kind, delivery, format) {
        return;
    }
    refuse_fields(build, table, kind, delivery);
    refuse_for_format(build, table, kind, format);
}

/// Whether the delivery itself can be had.
fn refuse_delivery(
    build: &mut Build,
    table: &TaskTable,
    kind: EngineKind,
    delivery: Delivery,
    format: AudioFormat,
) -> bool {
    let Some(at) = table
        .delivery
        .given()
        .filter(|_| delivery != Delivery::Rest)
    else {
        return true;
    };
    match (kind, delivery) {
        (EngineKind::Local, _) => build.error(
            at.loc,
            format!("the built-in voice has no `{delivery}`"),
            "leave it out: it speaks on this machine",
        ),
        (EngineKind::OpenAi, Delivery::WebSocket) => build.error(
            at.loc,
            "openai has no WebSocket for speech",
            "write \"rest\" or \"stream\"",
        ),
        _ if format == AudioFormat::Mp3 => build.error(
            at.loc,
            format!("`{delivery}` brings samples, and no mp3 is made of them here"),
            "write delivery = \"rest\", or format = \"flac\"",
        ),
        _ => return true,
    }
    false
}

fn refuse_fields(build: &mut Build, table: &TaskTable, kind: EngineKind, delivery: Delivery) {
    let (here, has): (&str, &[&str]) = match (kind, delivery) {
        (EngineKind::Together, Delivery::Rest) => (
            "together",
            &[
                "language",
                "response_encoding",
                "sample_rate",
                "bit_rate",
                "segment",
                PRONUNCIATION,
                "extra_params",
            ],
        ),
        (EngineKind::Together, Delivery::Stream) => (
            "together over `stream`",
            &[
                "language",
                "response_encoding",
                "sample_rate",
                "alignment",
                "segment",
                PRONUNCIATION,
                "extra_params",
            ],
        ),
        (EngineKind::Together, Delivery::WebSocket) => (
            "together over `websocket`",
            &[
                "language",
                "speed",
                "sample_rate",
                "alignment",
                "segment",
                "max_partial_length",
                PRONUNCIATION,
                "extra_params",
            ],
        ),
        (EngineKind::OpenAi, _) => ("openai", &["speed", "instructions"]),
        (EngineKind::Local, _) => ("the built-in voice", &["language"]),
    };
    for (name, loc) in written(table) {
        let Some(loc) = loc.filter(|_| !has.contains(&name)) else {
            continue;
        };
        let label = match (kind, name) {
            (EngineKind::Together, "alignment") => {
                "write delivery = \"stream\": word times come with events only".to_owned()
            }
            (EngineKind::Together, "speed" | "max_partial_length") => {
                "write delivery = \"websocket\", or leave it out".to_owned()
            }
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
        ("bit_rate", loc(&table.bit_rate)),
        ("alignment", alignment.map(|at| at.key)),
        ("segment", loc(&table.segment)),
        ("max_partial_length", loc(&table.max_partial_length)),
        (PRONUNCIATION, loc(&table.pronunciation_dict)),
        ("extra_params", loc(&table.extra_params)),
    ]
}

fn refuse_for_format(build: &mut Build, table: &TaskTable, kind: EngineKind, format: AudioFormat) {
    if let Some(at) = table
        .response_encoding
        .given()
        .filter(|_| format == AudioFormat::Mp3)
    {
        build.error(
            at.key,
            "`response_encoding` is for raw samples, the format here is mp3",
            "leave it out, or write format = \"wav\"",
        );
    }
    if let Some(at) = table.bit_rate.given() {
        if format != AudioFormat::Mp3 {
            build.error(
                at.key,
                "`bit_rate` is for the format mp3",
                "leave it out, or write format = \"mp3\"",
            );
        } else if kind == EngineKind::Together && !TOGETHER_BIT_RATES.contains(&at.value) {
            build.error(
                at.loc,
                format!("together makes no mp3 at {} bits a second", at.value),
                "write 32000, 64000, 96000, 128000 or 192000",
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
