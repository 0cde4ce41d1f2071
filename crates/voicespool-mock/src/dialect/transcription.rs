//! `POST audio/transcriptions` as another server reads and answers it.

use std::fs::File;
use std::io::Read;

use serde_json::{Value, json};

use crate::dialect::{Profile, TranscriptionApi};
use crate::recognise::Recognition;
use crate::reply::{Refusal, Reply, Shape};
use crate::transcription::Form;
use voicespool_media::domain::Word;

/// A checked request.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) model: String,
    format: String,
    language: String,
    words: bool,
    diarize: bool,
    task: &'static str,
    api: &'static TranscriptionApi,
}

impl Profile {
    /// Checks a form; its file is read for what it is.
    pub(crate) fn transcription(
        &'static self,
        form: &Form,
        is_translation: bool,
    ) -> Result<Order, Refusal> {
        let Some(api) = &self.transcription else {
            return Err(Refusal::no_route("POST", "/audio/transcriptions"));
        };
        let invalid = |message: String| Refusal::of(400, "invalid_request_error", message);
        let Some(upload) = &form.file else {
            return Err(match self.refusals {
                Shape::Words => invalid("no 'file' field in the request".to_owned()),
                Shape::FastApi => Refusal::of(422, "missing", "Field required").param("file"),
                _ => invalid("file is a required property".to_owned()),
            });
        };
        let mut head = [0; 4];
        let read = File::open(upload.file.path()).and_then(|mut file| file.read(&mut head));
        if api.wav_only && (read.is_err() || head != *b"RIFF") {
            return Err(invalid("failed to read audio data".to_owned()));
        }
        let model = form.last("model").unwrap_or_default().to_owned();
        api.check_model(&model, self.refusals)?;
        let format = form.last("response_format").unwrap_or(api.default_format);
        if !api.formats.contains(&format) {
            let known = api.formats.join(", ");
            return Err(invalid(format!("response_format must be one of {known}")));
        }
        let words = api.wants_words(form)?;
        let diarize = api
            .diarize
            .and_then(|field| form.last(field))
            .is_some_and(|value| value == "true");
        if diarize && api.granularities == ["timestamp_granularities"] && !words {
            return Err(invalid(
                "diarize requires timestamp_granularities to include word".to_owned(),
            ));
        }
        let is_told = api.translations.is_none()
            && form.last("translate").is_some_and(|value| value == "true");
        Ok(Order {
            model,
            format: format.to_owned(),
            language: api.language(form)?,
            words,
            diarize,
            task: if is_translation || is_told {
                "translate"
            } else {
                "transcribe"
            },
            api,
        })
    }
}

impl TranscriptionApi {
    fn check_model(&self, model: &str, shape: Shape) -> Result<(), Refusal> {
        if self.models.is_empty() || self.models.contains(&model) {
            return Ok(());
        }
        let model: String = model.chars().take(100).collect();
        Err(match shape {
            Shape::FastApi => Refusal::of(
                404,
                "not_found",
                format!(
                    "Model '{model}' is not installed locally. You can download the model using `POST /v1/models`"
                ),
            ),
            _ => Refusal::of(
                404,
                "invalid_request_error",
                format!("The model `{model}` does not exist or you do not have access to it."),
            )
            .code("model_not_found"),
        })
    }

    /// Whether words are timed: under the names this server reads, and no other.
    fn wants_words(&self, form: &Form) -> Result<bool, Refusal> {
        if self.granularities.is_empty() {
            return Ok(true);
        }
        let mut words = false;
        for value in form.under(self.granularities) {
            match value {
                "word" => words = true,
                "segment" => {}
                _ => {
                    let message = "timestamp_granularities are segment and word";
                    return Err(Refusal::of(400, "invalid_request_error", message));
                }
            }
        }
        Ok(words)
    }

    /// The language answered. Left out it is found out, or English where that is the rule.
    fn language(&self, form: &Form) -> Result<String, Refusal> {
        match form.last("language") {
            None | Some("auto") if self.knows_auto => Ok("english".to_owned()),
            None => Ok("en".to_owned()),
            Some(language)
                if (2..=3).contains(&language.len())
                    && language.bytes().all(|byte| byte.is_ascii_lowercase()) =>
            {
                Ok(language.to_owned())
            }
            Some(language) => {
                let language: String = language.chars().take(20).collect();
                let message = format!("Language '{language}' is not supported.");
                Err(Refusal::of(400, "invalid_request_error", message).param("language"))
            }
        }
    }
}

impl Order {
    /// Everything but the file that decides the answer, as one text.
    pub(crate) fn identity(&self) -> String {
        format!(
            "{}\0{}\0{}\0{}\0{}\0{}",
            self.model, self.format, self.language, self.words, self.diarize, self.task
        )
    }

    /// The transcript in this server's shape.
    pub(crate) fn answer(&self, heard: &Recognition) -> Reply {
        let texts: Vec<&str> = heard
            .segments
            .iter()
            .map(|segment| segment.text.as_str())
            .collect();
        let text = texts.join(" ");
        match self.format.as_str() {
            "verbose_json" => Reply::json(&self.verbose(heard, &text)),
            "json" => Reply::json(&json!({ "text": text })),
            _ => Reply::ok("text/plain", text),
        }
    }

    fn verbose(&self, heard: &Recognition, text: &str) -> Value {
        let segments: Vec<Value> = heard
            .segments
            .iter()
            .enumerate()
            .map(|(idx, segment)| {
                let next = heard.segments.get(idx + 1);
                let mut value = json!({
                    "id": idx,
                    "seek": 0,
                    "start": segment.start.seconds(),
                    "end": segment.end.seconds(),
                    "text": format!(" {}", segment.text),
                    "tokens": [],
                    "temperature": 0.0,
                    "avg_logprob": -0.2,
                });
                if self.diarize {
                    value["speaker"] = format!("SPEAKER_{:02}", idx % 2).into();
                }
                if self.api.in_segments {
                    let own = heard
                        .words
                        .iter()
                        .filter(|word| word.start >= segment.start || idx == 0);
                    let own = own.filter(|word| next.is_none_or(|next| word.start < next.start));
                    value["words"] = own.map(|word| self.word(word)).collect();
                }
                value
            })
            .collect();
        let mut answer = json!({
            "task": self.task,
            "language": self.language,
            "duration": heard.duration.seconds(),
            "text": text,
            "segments": segments,
        });
        if self.api.in_segments {
            answer["detected_language"] = self.language.as_str().into();
        } else if self.words {
            answer["words"] = heard.words.iter().map(|word| self.word(word)).collect();
        }
        answer
    }

    fn word(&self, word: &Word) -> Value {
        let mut value = json!({ "start": word.start.seconds(), "end": word.end.seconds() });
        // Tokens begin with their space there.
        let text = if self.api.in_segments {
            format!(" {}", word.text)
        } else {
            word.text.clone()
        };
        value[self.api.word_key] = text.into();
        value["probability"] = 0.9.into();
        value
    }
}
