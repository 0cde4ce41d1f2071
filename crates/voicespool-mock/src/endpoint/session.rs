//! What the address of a WebSocket asks for.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value};

use voicespool_media::domain::Segmenting;

use crate::reply::Refusal;
use crate::speech::Order;

/// What the address asks for.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) fields: Map<String, Value>,
    pub(super) segment: Segmenting,
    pub(super) max_partial: usize,
    speed: f64,
}

impl Session {
    /// Checks the query.
    pub(super) fn parse(query: &HashMap<String, String>) -> Result<Self, Refusal> {
        const KNOWN: &[&str] = &[
            "model",
            "voice",
            "max_partial_length",
            "response_format",
            "sample_rate",
            "speed",
            "language",
            "alignment",
            "segment",
            "api_key",
        ];
        if let Some(name) = query.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            let name: String = name.chars().take(40).collect();
            let words = format!("Unrecognized query parameter: {name}.");
            return Err(Refusal::bad_request("unknown_parameter", words));
        }
        let get = |name: &str| query.get(name).map(String::as_str);
        if !matches!(get("response_format"), None | Some("pcm" | "raw")) {
            let words = "This server streams pcm over a WebSocket.";
            return Err(Refusal::invalid("response_format", words));
        }
        let number = |name: &'static str, default: f64| match get(name) {
            None => Ok(default),
            Some(text) => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite() && *number > 0.0)
                .ok_or_else(|| Refusal::invalid(name, format!("{name} must be a number."))),
        };
        let segment = match get("segment") {
            None => Segmenting::Sentence,
            Some(text) => text
                .parse()
                .map_err(|_| Refusal::invalid("segment", "Unknown segment."))?,
        };
        let max_partial = number("max_partial_length", 250.0)?;
        let speed = number("speed", 1.0)?;
        let rate = number("sample_rate", 24_000.0)?;
        let mut fields = Map::new();
        fields.insert("response_format".to_owned(), "raw".into());
        fields.insert("response_encoding".to_owned(), "pcm_s16le".into());
        let whole = Duration::from_secs_f64(rate.min(1e6)).as_secs();
        fields.insert("sample_rate".to_owned(), whole.into());
        for name in ["model", "voice", "language", "alignment"] {
            if let Some(value) = get(name) {
                fields.insert(name.to_owned(), value.into());
            }
        }
        Ok(Self {
            fields,
            segment,
            max_partial: usize::try_from(Duration::from_secs_f64(max_partial.min(1e9)).as_secs())
                .unwrap_or(usize::MAX),
            speed,
        })
    }

    pub(super) fn order(&self, text: &str, max_chars: usize) -> Result<Order, Refusal> {
        let mut fields = self.fields.clone();
        fields.insert("input".to_owned(), text.into());
        Order::read(&fields, max_chars, Some(self.speed))
    }
}
