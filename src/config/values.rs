//! Single values as TOML holds them: each type says what it expects and how a near miss
//! is to be written.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::civil;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::DeValue;

use crate::config::reader::{FromToml, Reader};
use crate::config::text::{
    Auth, ByteSize, EngineKind, FromText, Loud, OnInDoubt, TaskType, Timestamps, TotalTimeout,
    Wrong,
};
use crate::domain::{
    Alignment, Delivery, DocumentFormat, Encoder, FileFormat, Layout, NanoUsd, OnMissing,
    PauseMeasure, PcmEncoding, Segmenting, SoundCheck,
};
use crate::engine::rest::{DIALECTS_EXPECTED, KINDS_EXPECTED, Kind};
use crate::text::{Aloud, ChosenChapters, CleanUp, Matter, Paragraphs, Rule, Unspoken};

macro_rules! from_string {
    ($($type:ty: $expected:expr),+ $(,)?) => {$(
        impl FromToml for $type {
            const EXPECTED: &'static str = $expected;

            fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
                let DeValue::String(text) = value.get_ref() else {
                    let help = in_quotes(value.get_ref());
                    reader.wrong_type(value, Self::EXPECTED, help);
                    return None;
                };
                <$type as FromText>::from_text(text).map_err(|wrong| reader.reject(value.span(), wrong)).ok()
            }
        }
    )+};
}

/// Numbers where a text with a unit belongs: the same in quotes.
fn in_quotes(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::Integer(number) => {
            Some(format!("write it in quotes, with its unit: \"{number} …\""))
        }
        DeValue::Float(number) => Some(format!("write it in quotes: \"{number}\"")),
        _ => None,
    }
}

from_string! {
    String: "a string",
    Duration: "a duration such as \"60s\"",
    ByteSize: "a size such as \"80 MB\"",
    civil::Time: "a time of day such as \"07:00\"",
    TotalTimeout: "\"auto\" or a duration such as \"10m\"",
    EngineKind: KINDS_EXPECTED,
    Kind: DIALECTS_EXPECTED,
    Auth: "one of \"bearer\", \"raw\", \"none\"",
    OnInDoubt: "one of \"resend\", \"hold\"",
    TaskType: "one of \"tts\", \"stt\"",
    Timestamps: "one of \"word\", \"segment\"",
    FileFormat: "an audio format such as \"wav\"",
    DocumentFormat: "one of \"srt\", \"vtt\", \"json\", \"txt\", \"tsv\", \"lrc\", \"md\"",
    PcmEncoding: "a coding of samples such as \"pcm_s16le\"",
    Delivery: "one of \"rest\", \"stream\", \"websocket\"",
    Alignment: "one of \"none\", \"word\"",
    Paragraphs: "one of \"apart\", \"packed\"",
    OnMissing: "one of \"stop\", \"silence\"",
    Encoder: "one of \"auto\", \"built-in\", \"ffmpeg\"",
    ChosenChapters: "chapters such as \"1-5,8\"",
    Aloud: "one of \"read\", \"skip\"",
    Matter: "one of \"body\", \"all\"",
    Unspoken: "one of \"warn\", \"error\"",
    Layout: "one of \"files\", \"book\", \"chapters\", \"both\"",
    SoundCheck: "one of \"off\", \"flag\", \"strict\"",
    PauseMeasure: "one of \"heard\", \"added\"",
    Loud: "a loudness such as \"-19 LUFS\", \"acx\", \"librivox\" or \"off\"",
    Segmenting: "one of \"sentence\", \"immediate\", \"never\"",
}

/// A table that is passed on to the provider as JSON, whatever it holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Json(pub(super) Map<String, Value>);

impl FromToml for Json {
    const EXPECTED: &'static str = "a table such as { key = \"value\" }";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let table = reader.table(value, Self::EXPECTED)?;
        reader.note_given(value);
        let mut members = Map::new();
        for (key, value) in table {
            members.insert(key.get_ref().to_string(), json(value, reader)?);
        }
        // In one order, because the text of it is part of a job's identity.
        members.sort_keys();
        Some(Self(members))
    }
}

/// Rules of the clean-up by name, each on or off.
impl FromToml for CleanUp {
    const EXPECTED: &'static str = "a table such as { note-marks = false }";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let table = reader.table(value, Self::EXPECTED)?;
        let names: Vec<_> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
        reader.note_given(value);
        reader.refuse_unknown(table, &names);
        let mut rules = Self::default();
        for (key, value) in table {
            let Ok(rule) = key.get_ref().parse() else {
                continue;
            };
            let DeValue::Boolean(on) = value.get_ref() else {
                reader.wrong_type(value, "true or false", None);
                return None;
            };
            rules.set(rule, *on);
        }
        Some(rules)
    }
}

/// A text, or a number as it is written: `part = 2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label(pub(super) String);

impl FromToml for Label {
    const EXPECTED: &'static str = "a string or a number";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self(match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            _ => {
                reader.wrong_type(value, Self::EXPECTED, None);
                return None;
            }
        }))
    }
}

impl FromText for Label {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        Ok(Self(text.to_owned()))
    }
}

/// Names by what they stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels(pub(super) BTreeMap<String, String>);

impl FromToml for Labels {
    const EXPECTED: &'static str = "a table such as { SPEAKER_00 = \"Ann\" }";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let table = reader.table(value, Self::EXPECTED)?;
        reader.note_given(value);
        let mut names = BTreeMap::new();
        for (key, value) in table {
            let name = String::from_toml(value, reader)?;
            names.insert(key.get_ref().to_string(), name);
        }
        Some(Self(names))
    }
}

/// One name, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names(pub(super) Vec<String>);

impl FromToml for Names {
    const EXPECTED: &'static str = "a name, or a list of names";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(name) => Some(Self(vec![name.to_string()])),
            DeValue::Array(names) => {
                let names = names.iter().map(|name| String::from_toml(name, reader));
                names.collect::<Option<_>>().map(Self)
            }
            _ => {
                reader.wrong_type(value, Self::EXPECTED, None);
                None
            }
        }
    }
}

impl FromText for Names {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        Ok(Self(vec![text.to_owned()]))
    }
}

/// A TOML value as JSON.
fn json(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Value> {
    let number = |text: &str| text.parse().ok().map(Value::Number);
    let read = match value.get_ref() {
        DeValue::String(text) => Some(Value::String(text.to_string())),
        DeValue::Boolean(truth) => Some(Value::Bool(*truth)),
        DeValue::Integer(whole) => i64::from_str_radix(whole.as_str(), whole.radix())
            .ok()
            .map(Value::from),
        DeValue::Float(float) => number(float.as_str()),
        DeValue::Datetime(date) => Some(Value::String(date.to_string())),
        DeValue::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(|item| json(item, reader)).collect();
            return items.map(Value::Array);
        }
        DeValue::Table(table) => {
            let mut members = Map::new();
            for (key, value) in table {
                members.insert(key.get_ref().to_string(), json(value, reader)?);
            }
            members.sort_keys();
            return Some(Value::Object(members));
        }
    };
    if read.is_none() {
        let wrong = Wrong::new("this is no value that JSON has", "write a finite number");
        reader.reject(value.span(), wrong);
    }
    read
}

/// Money is exact, so it is text: a float would already have lost a part of a cent.
impl FromToml for NanoUsd {
    const EXPECTED: &'static str = "an amount in US dollars such as \"25.00\"";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.as_ref(),
            DeValue::Integer(number) => {
                reader.wrong_type(
                    value,
                    Self::EXPECTED,
                    Some(format!("write it in quotes: \"{number}\"")),
                );
                return None;
            }
            other => {
                reader.wrong_type(value, Self::EXPECTED, in_quotes(other));
                return None;
            }
        };
        Self::from_text(text)
            .map_err(|wrong| reader.reject(value.span(), wrong))
            .ok()
    }
}

/// A TOML date or the same in quotes.
impl FromToml for civil::Date {
    const EXPECTED: &'static str = "a date such as \"2026-11-01\"";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            _ => {
                reader.wrong_type(value, Self::EXPECTED, None);
                return None;
            }
        };
        Self::from_text(&text)
            .map_err(|wrong| reader.reject(value.span(), wrong))
            .ok()
    }
}

impl FromToml for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let read = value.get_ref().as_bool();
        if read.is_none() {
            let help = match value.get_ref().as_str() {
                Some(word @ ("true" | "false")) => Some(format!("write it without quotes: {word}")),
                _ => None,
            };
            reader.wrong_type(value, Self::EXPECTED, help);
        }
        read
    }
}

macro_rules! from_integer {
    ($($type:ty: $expected:expr),+ $(,)?) => {$(
        impl FromToml for $type {
            const EXPECTED: &'static str = $expected;

            fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
                let DeValue::Integer(number) = value.get_ref() else {
                    let help = value.get_ref().as_str().filter(|text| text.parse::<i64>().is_ok());
                    let help = help.map(|text| format!("write it without quotes: {text}"));
                    reader.wrong_type(value, Self::EXPECTED, help);
                    return None;
                };
                let read = i64::from_str_radix(number.as_str(), number.radix()).ok();
                let read = read.and_then(|number| <$type>::try_from(number).ok());
                if read.is_none() {
                    let wrong = Wrong::new(format!("{number} is out of range"), concat!("expected ", $expected));
                    reader.reject(value.span(), wrong);
                }
                read
            }
        }
    )+};
}

/// A count that cannot be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) NonZeroU32);

impl TryFrom<i64> for Count {
    type Error = std::num::TryFromIntError;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        NonZeroU32::try_from(u32::try_from(number)?).map(Self)
    }
}

impl FromText for Count {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        NonZeroU32::from_text(text).map(Self)
    }
}

from_integer! {
    Count: "a whole number above 0",
    u32: "a whole number, not negative",
    u16: "a whole number from 0 to 65535",
    u8: "a whole number from 0 to 255",
    i64: "a whole number",
}

impl FromToml for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = match value.get_ref() {
            DeValue::Float(number) => number.as_str(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            _ => {
                reader.wrong_type(value, Self::EXPECTED, None);
                return None;
            }
        };
        let read = text.parse().ok().filter(|number: &f64| number.is_finite());
        if read.is_none() {
            reader.reject(
                value.span(),
                Wrong::new(
                    format!("{text} is no usable number"),
                    "write a finite number",
                ),
            );
        }
        read
    }
}
