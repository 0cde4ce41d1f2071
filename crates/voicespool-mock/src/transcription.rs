//! `POST audio/transcriptions` and `audio/translations`: the form, checked part by part,
//! and the transcript.

use std::io::{self, Write};

use axum::extract::Multipart;
use axum::extract::multipart::Field;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::catalogue::{self, Family};
use crate::recognise::Recognition;
use crate::reply::Refusal;
use voicespool_media::domain::{AudioMillis, ContentKey, Segment, Word};

/// Four hours: Together's limit of one recording.
const LONGEST: AudioMillis = AudioMillis(4 * 3_600_000);

/// Longest text part of a form, in bytes, and most parts.
const MAX_FIELD: usize = 64 * 1024;
const MAX_PARTS: usize = 64;

/// A form as it came.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// Names of all parts in the order they came.
    pub(crate) parts: Vec<String>,
    fields: Vec<(String, String)>,
    pub(crate) file: Option<Upload>,
}

/// The uploaded file, on disk until it is dropped.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) file: NamedTempFile,
    pub(crate) sha256: ContentKey,
}

/// A checked request.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) model: String,
    language: String,
    is_verbose: bool,
    with_words: bool,
    diarize: bool,
    task: &'static str,
}

impl Form {
    pub(crate) async fn read(mut form: Multipart, max_bytes: usize) -> Result<Self, Refusal> {
        let mut read = Self::default();
        loop {
            let next = form.next_field().await.map_err(|_| malformed())?;
            let Some(mut field) = next else { break };
            let name: String = field.name().unwrap_or_default().chars().take(60).collect();
            if read.parts.len() == MAX_PARTS {
                return Err(malformed());
            }
            read.parts.push(name.clone());
            if name == "file" && field.file_name().is_some() {
                read.file = Some(Upload::receive(&mut field, max_bytes).await?);
            } else {
                let text = text(&mut field).await?;
                read.fields.push((name, text));
            }
        }
        Ok(read)
    }

    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .rev()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// The URL of the recording, where it stands in place of the file.
    pub(crate) fn address(&self) -> Option<&str> {
        self.last("file")
    }

    /// Both spellings, repeated or separated by commas.
    fn granularities(&self) -> impl Iterator<Item = &str> {
        self.under(&["timestamp_granularities", "timestamp_granularities[]"])
    }

    /// All values of the fields called `names`, also of those with commas.
    pub(crate) fn under<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .flat_map(|(_, value)| value.split(','))
            .map(|value| value.trim_matches([' ', '"', '[', ']']))
            .filter(|value| !value.is_empty())
    }
}

fn malformed() -> Refusal {
    Refusal::bad_request("invalid_multipart", "The multipart form cannot be read.")
}

async fn text(field: &mut Field<'_>) -> Result<String, Refusal> {
    let mut content = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|_| malformed())? {
        if content.len() + chunk.len() > MAX_FIELD {
            return Err(Refusal::too_large(MAX_FIELD));
        }
        content.extend_from_slice(&chunk);
    }
    String::from_utf8(content).map_err(|_| malformed())
}

impl Upload {
    /// Straight to a temporary file that only this user can read.
    async fn receive(field: &mut Field<'_>, max_bytes: usize) -> Result<Self, Refusal> {
        let no_room = |error: io::Error| Refusal::broken(format!("The upload is lost: {error}."));
        let mut file = NamedTempFile::new().map_err(no_room)?;
        let mut hash = Sha256::new();
        let mut bytes = 0;
        while let Some(chunk) = field.chunk().await.map_err(|_| malformed())? {
            bytes += chunk.len();
            if bytes > max_bytes {
                // Read to its end, and not kept: a connection that is closed on an upload may
                // take the refusal with it.
                continue;
            }
            hash.update(&chunk);
            file.write_all(&chunk).map_err(no_room)?;
        }
        if bytes > max_bytes {
            return Err(Refusal::too_large(max_bytes));
        }
        Ok(Self {
            file,
            sha256: ContentKey(hash.finalize().into()),
        })
    }
}

impl Order {
    pub(crate) fn parse(form: &Form, is_translation: bool) -> Result<Self, Refusal> {
        let model = form
            .last("model")
            .ok_or_else(|| Refusal::invalid("model", "\"model\" is missing."))?;
        let Some(family @ (Family::Recogniser { .. } | Family::OpenAiRecogniser)) =
            catalogue::family(model)
        else {
            return Err(Refusal::no_model(model));
        };
        if is_translation && family == (Family::Recogniser { translates: false }) {
            return Err(Refusal::no_model(model));
        }
        if form.file.is_none() && (form.address().is_none() || family.is_openai()) {
            let message = match form.address() {
                Some(_) => "\"file\" must be a file.",
                None => "\"file\" is missing.",
            };
            return Err(Refusal::invalid("file", message));
        }
        let is_verbose = match form.last("response_format").unwrap_or("json") {
            "json" => false,
            "verbose_json" => true,
            other => {
                return Err(Refusal::invalid(
                    "response_format",
                    format!("Unsupported response_format {other:?}."),
                ));
            }
        };
        let mut with_words = false;
        for granularity in form.granularities() {
            match granularity {
                "word" => with_words = true,
                "segment" => {}
                _ => {
                    let message = "timestamp_granularities are \"segment\" and \"word\".";
                    return Err(Refusal::invalid("timestamp_granularities", message));
                }
            }
        }
        check_numbers(form)?;
        Ok(Self {
            model: model.to_owned(),
            language: language(form, family)?,
            is_verbose,
            with_words,
            diarize: form
                .last("diarize")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            task: if is_translation {
                "translate"
            } else {
                "transcribe"
            },
        })
    }

    /// Everything but the file that decides the answer, as one text.
    pub(crate) fn identity(&self) -> String {
        format!("{self:?}")
    }

    /// The transcript in the form that was asked for.
    pub(crate) fn answer(&self, heard: &Recognition) -> Result<Value, Refusal> {
        if heard.duration > LONGEST {
            return Err(Refusal::bad_request(
                "audio_too_long",
                "The audio is longer than 4 hours.",
            ));
        }
        let text: Vec<&str> = heard
            .segments
            .iter()
            .map(|part| part.text.as_str())
            .collect();
        let text = text.join(" ");
        if !self.is_verbose && !self.diarize {
            return Ok(json!({ "text": text }));
        }
        let mut answer = json!({
            "task": self.task,
            "language": self.language,
            "duration": heard.duration.seconds(),
            "text": text,
            "segments": numbered(heard.segments.iter().map(segment)),
        });
        if self.with_words || self.diarize {
            answer["words"] = numbered(self.words(heard));
        }
        if self.diarize {
            answer["speaker_segments"] =
                numbered(heard.segments.iter().enumerate().map(|(idx, part)| {
                    let mut value = segment(part);
                    value["speaker_id"] = speaker(idx).into();
                    let own = heard.words.iter().zip(self.words(heard));
                    value["words"] = numbered(
                        own.filter(|(word, _)| turn_of(word, &heard.segments) == idx)
                            .map(|(_, value)| value),
                    );
                    value
                }));
        }
        Ok(answer)
    }

    fn words<'a>(&self, heard: &'a Recognition) -> impl Iterator<Item = Value> + 'a {
        let diarize = self.diarize;
        heard.words.iter().map(move |word| {
            let mut value = json!({
                "word": word.text,
                "start": word.start.seconds(),
                "end": word.end.seconds(),
            });
            if diarize {
                value["speaker_id"] = speaker(turn_of(word, &heard.segments)).into();
            }
            value
        })
    }
}

/// Speakers take turns by segment.
fn speaker(turn: usize) -> &'static str {
    if turn.is_multiple_of(2) {
        "SPEAKER_00"
    } else {
        "SPEAKER_01"
    }
}

fn turn_of(word: &Word, segments: &[Segment]) -> usize {
    segments
        .iter()
        .rposition(|segment| segment.start <= word.start)
        .unwrap_or(0)
}

fn segment(segment: &Segment) -> Value {
    json!({
        "start": segment.start.seconds(),
        "end": segment.end.seconds(),
        "text": segment.text,
    })
}

/// A list whose entries carry their place as `id`.
fn numbered(values: impl Iterator<Item = Value>) -> Value {
    values
        .enumerate()
        .map(|(idx, mut value)| {
            value["id"] = idx.into();
            value
        })
        .collect()
}

/// The language answered: the one asked for, or English. OpenAI knows no `auto`.
fn language(form: &Form, family: Family) -> Result<String, Refusal> {
    match form.last("language") {
        None => Ok("en".to_owned()),
        Some("auto") if !family.is_openai() => Ok("en".to_owned()),
        Some(language)
            if (2..=5).contains(&language.len())
                && language != "auto"
                && language
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-') =>
        {
            Ok(language.to_owned())
        }
        Some(_) => Err(Refusal::invalid("language", "Unknown language.")),
    }
}

fn check_numbers(form: &Form) -> Result<(), Refusal> {
    if let Some(text) = form.last("temperature")
        && !text
            .parse()
            .is_ok_and(|value: f64| (0.0..=1.0).contains(&value))
    {
        return Err(Refusal::invalid(
            "temperature",
            "temperature must be from 0.0 to 1.0.",
        ));
    }
    for name in ["min_speakers", "max_speakers"] {
        if form
            .last(name)
            .is_some_and(|text| text.parse::<u8>().is_err())
        {
            return Err(Refusal::invalid(
                "min_speakers",
                format!("{name} must be a number."),
            ));
        }
    }
    Ok(())
}
