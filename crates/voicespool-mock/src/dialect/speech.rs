//! `POST audio/speech` as another server reads it.

use serde_json::{Map, Value};

use crate::dialect::{Profile, SpeechApi};
use crate::events::Shape as EventShape;
use crate::reply::{Refusal, Shape};
use crate::speech::{Asked, Order};

impl Profile {
    /// Checks a request; also whether the answer has a header of unknown length.
    pub(crate) fn speech(&self, body: &[u8]) -> Result<(Order, bool), Refusal> {
        let Some(api) = &self.speech else {
            return Err(Refusal::no_route("POST", "/audio/speech"));
        };
        let fields: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|_| Refusal::of(422, "json_invalid", "JSON decode error").param("body"))?;
        let asked = api.read(&fields, self.refusals)?;
        let is_stream = api.streams
            && fields.get("stream").is_none_or(|stream| stream == true)
            && asked.format == "wav";
        Order::of(asked).map(|order| (order, is_stream))
    }
}

impl SpeechApi {
    fn read<'a>(&self, fields: &'a Map<String, Value>, shape: Shape) -> Result<Asked<'a>, Refusal> {
        let unknown = fields
            .keys()
            .find(|name| !self.fields.contains(&name.as_str()));
        if let Some(name) = unknown.filter(|_| self.is_strict) {
            let name: String = name.chars().take(40).collect();
            let message = format!("Unrecognized request argument supplied: {name}");
            return Err(Refusal::of(400, "invalid_request_error", message));
        }
        let text = |name: &'static str| {
            fields
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .ok_or_else(|| schema(shape, name, "missing", "Field required"))
        };
        let (model, input, voice) = (text("model")?, text("input")?, text("voice")?);
        self.check_model(model, shape)?;
        let narrow = self.narrow.filter(|(prefix, _)| model.starts_with(prefix));
        self.check_length(input, narrow, shape)?;
        let first = voice.split(['+', '(']).next().unwrap_or_default();
        if !self.voices.contains(&first) {
            let message = format!(
                "Voice '{first}' not found. Available voices: {}",
                self.voices.join(", ")
            );
            return Err(Refusal::of(400, "invalid_request_error", message).code("validation_error"));
        }
        let speed = fields.get("speed").map_or(Some(1.0), Value::as_f64);
        let speed = speed
            .filter(|speed| (0.25..=4.0).contains(speed))
            .ok_or_else(|| {
                schema(
                    shape,
                    "speed",
                    "less_than_equal",
                    "Input should be less than or equal to 4",
                )
            })?;
        Ok(Asked {
            model,
            input,
            voice,
            format: self.format(fields, narrow.is_some())?,
            speed,
            events: fields
                .get("stream_format")
                .is_some_and(|format| format == "sse")
                .then_some(EventShape::OpenAi),
        })
    }

    fn check_model(&self, model: &str, shape: Shape) -> Result<(), Refusal> {
        if self.models.contains(&model) {
            return Ok(());
        }
        let model: String = model.chars().take(100).collect();
        Err(match shape {
            Shape::FastApiObject => Refusal::of(
                400,
                "invalid_request_error",
                format!("Unsupported model: {model}"),
            )
            .code("invalid_model"),
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

    fn check_length(
        &self,
        input: &str,
        narrow: Option<(&str, usize)>,
        shape: Shape,
    ) -> Result<(), Refusal> {
        let chars = input.chars().count();
        if let Some((_, most)) = narrow.filter(|(_, most)| chars > *most) {
            let message = format!(
                "'input' : value must be at most {most} characters, got {chars} characters"
            );
            return Err(Refusal::of(400, "invalid_request_error", message));
        }
        match self.max_chars.filter(|most| chars > *most) {
            None => Ok(()),
            // A list in Python's spelling, within the message, the whole input in it.
            Some(most) if shape == Shape::OpenAi => Err(Refusal::of(
                400,
                "invalid_request_error",
                format!(
                    "[{{'type': 'string_too_long', 'loc': ('body', 'input'), 'msg': 'String should have at most {most} characters', 'input': '{input}', 'ctx': {{'max_length': {most}}}}}]"
                ),
            )),
            Some(most) => Err(schema(
                shape,
                "input",
                "string_too_long",
                &format!("String should have at most {most} characters"),
            )),
        }
    }

    fn format(&self, fields: &Map<String, Value>, wav_only: bool) -> Result<&'static str, Refusal> {
        let wanted = match fields.get("response_format") {
            None => self.default_format,
            Some(value) => value.as_str().unwrap_or_default(),
        };
        let known = self.formats.iter().find(|format| **format == wanted);
        match known {
            Some(&format) if !wav_only || format == "wav" => Ok(format),
            None if self.ignores_unknown_format => Ok(self.default_format),
            _ => {
                let known = if wav_only { &["wav"][..] } else { self.formats };
                let message = format!("response_format must be one of [{}]", known.join(" "));
                Err(Refusal::of(400, "invalid_request_error", message).param("response_format"))
            }
        }
    }
}

/// What a schema refuses: 422 with a place where the server is `FastAPI`, else 400.
fn schema(shape: Shape, param: &'static str, kind: &'static str, message: &str) -> Refusal {
    match shape {
        Shape::FastApi | Shape::FastApiObject => Refusal::of(422, kind, message).param(param),
        _ => Refusal::of(400, "invalid_request_error", message).param(param),
    }
}
