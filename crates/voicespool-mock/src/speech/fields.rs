//! The fields of a speech request, one by one.

use serde_json::{Map, Value};

use voicespool_media::domain::PcmEncoding;

use crate::catalogue::Family;
use crate::events::Shape;
use crate::reply::Refusal;
use crate::speech::format::Format;

/// Fields by contract; anything else is refused.
const TOGETHER_FIELDS: &[&str] = &[
    "model",
    "input",
    "voice",
    "response_format",
    "response_encoding",
    "sample_rate",
    "bit_rate",
    "language",
    "stream",
    "alignment",
    "segment",
    "extra_params",
];
const OPENAI_FIELDS: &[&str] = &[
    "model",
    "input",
    "voice",
    "response_format",
    "speed",
    "instructions",
    "stream_format",
];

/// A field that must be a text with something in it.
pub(super) fn text<'a>(
    fields: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, Refusal> {
    fields
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| {
            Refusal::invalid(name, format!("{name:?} must be a text that is not empty."))
        })
}

pub(super) fn check_fields(fields: &Map<String, Value>, family: Family) -> Result<(), Refusal> {
    let known = if family.is_openai() {
        OPENAI_FIELDS
    } else {
        TOGETHER_FIELDS
    };
    if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        let name: String = name.chars().take(40).collect();
        return Err(Refusal::bad_request(
            "unknown_parameter",
            format!("Unrecognized request argument supplied: {name}."),
        ));
    }
    for (name, known) in [
        ("alignment", &["none", "word"][..]),
        ("segment", &["sentence", "immediate", "never"]),
        ("stream_format", &["sse", "audio"]),
    ] {
        if let Some(value) = fields.get(name)
            && !known.iter().any(|word| value == word)
        {
            return Err(Refusal::invalid(name, format!("Unknown {name}.")));
        }
    }
    if fields
        .get("stream")
        .is_some_and(|value| !value.is_boolean())
    {
        return Err(Refusal::invalid("stream", "stream must be true or false."));
    }
    if fields
        .get("extra_params")
        .is_some_and(|value| !value.is_object())
    {
        return Err(Refusal::invalid(
            "extra_params",
            "extra_params must be an object.",
        ));
    }
    for name in ["language", "instructions", "alignment", "segment"] {
        if fields.get(name).is_some_and(|value| !value.is_string()) {
            return Err(Refusal::invalid(
                "language",
                format!("{name:?} must be a text."),
            ));
        }
    }
    Ok(())
}

/// Whether the answer is asked for in events; they carry raw samples only.
pub(super) fn events(
    fields: &Map<String, Value>,
    family: Family,
    format: Format,
) -> Result<Option<Shape>, Refusal> {
    let shape = if family.is_openai() {
        (fields
            .get("stream_format")
            .is_some_and(|value| value == "sse"))
        .then_some(Shape::OpenAi)
    } else {
        (fields.get("stream").is_some_and(|value| value == true)).then_some(Shape::Together)
    };
    if shape.is_some() && !matches!(format, Format::Raw(_)) {
        return Err(Refusal::invalid(
            "response_format",
            "Streaming needs the response_format raw.",
        ));
    }
    Ok(shape)
}

pub(super) fn format(fields: &Map<String, Value>, family: Family) -> Result<Format, Refusal> {
    let default = if family.is_openai() { "mp3" } else { "wav" };
    let wanted = match fields.get("response_format") {
        None => default,
        Some(value) => value.as_str().unwrap_or_default(),
    };
    let format = match wanted {
        "wav" => Format::Wav,
        "mp3" => Format::Mp3,
        "raw" if !family.is_openai() => Format::Raw(PcmEncoding::S16),
        "pcm" => Format::Raw(PcmEncoding::S16),
        _ => {
            return Err(Refusal::invalid(
                "response_format",
                format!(
                    "Unsupported response_format {wanted:?}: this server speaks mp3, wav, raw and pcm."
                ),
            ));
        }
    };
    let encoding = match fields.get("response_encoding") {
        None => PcmEncoding::F32,
        Some(value) => value
            .as_str()
            .and_then(|name| name.parse().ok())
            .ok_or_else(|| Refusal::invalid("response_encoding", "Unknown response_encoding."))?,
    };
    // Only Cartesia's models honour the coding; the others always answer 16 bits.
    Ok(match (format, family) {
        (Format::Raw(_), Family::Cartesia) => Format::Raw(encoding),
        _ => format,
    })
}

pub(super) fn sample_rate(
    fields: &Map<String, Value>,
    family: Family,
    format: Format,
) -> Result<u32, Refusal> {
    let asked = match fields.get("sample_rate") {
        None => None,
        Some(value) => Some(
            value
                .as_u64()
                .and_then(|rate| u32::try_from(rate).ok())
                .filter(|rate| (8_000..=48_000).contains(rate))
                .ok_or_else(|| Refusal::invalid("sample_rate", "Unsupported sample_rate."))?,
        ),
    };
    if let Some(rate) = fields.get("bit_rate") {
        let is_known = [32_000, 64_000, 96_000, 128_000, 192_000]
            .iter()
            .any(|known| rate == known);
        if !is_known {
            return Err(Refusal::invalid("bit_rate", "Unsupported bit_rate."));
        }
    }
    Ok(match (family, format) {
        (Family::Cartesia, Format::Wav | Format::Raw(_)) => asked.unwrap_or(44_100),
        _ => 24_000,
    })
}

/// Thousandths of the normal speed.
pub(super) fn speed(fields: &Map<String, Value>) -> Result<u32, Refusal> {
    let Some(value) = fields.get("speed") else {
        return Ok(1000);
    };
    thousandths(value.as_f64().unwrap_or(f64::NAN))
}

pub(super) fn thousandths(speed: f64) -> Result<u32, Refusal> {
    Some(speed)
        .filter(|speed| (0.25..=4.0).contains(speed))
        .and_then(|speed| {
            let thousandths = std::time::Duration::from_secs_f64(speed).as_millis();
            u32::try_from(thousandths).ok()
        })
        .ok_or_else(|| Refusal::invalid("speed", "speed must be a number from 0.25 to 4.0."))
}
