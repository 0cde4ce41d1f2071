//! `POST audio/speech`: one JSON body, answered by one body or by events.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Url};

use crate::domain::FaultClass;
use crate::engine::rest::dialect::{Kind, unsupported};
use crate::engine::rest::wire::SpeechBody;
use crate::engine::{EngineError, SpeechRequest};

/// Whether the provider can do what is asked; the reasons why not.
pub(super) fn check(kind: Kind, request: SpeechRequest<'_>) -> Result<(), EngineError> {
    let lacking = unsupported(kind, request.delivery, request.params);
    if lacking.is_empty() {
        Ok(())
    } else {
        Err(EngineError::new(FaultClass::Refused, lacking.join("; ")))
    }
}

/// The request, or the reason why it must not be sent.
pub(super) fn request(
    client: &Client,
    url: &Url,
    kind: Kind,
    request: SpeechRequest<'_>,
) -> Result<RequestBuilder, EngineError> {
    check(kind, request)?;
    let body = SpeechBody::new(kind, request)
        .and_then(|body| serde_json::to_vec(&body))
        .map_err(|error| EngineError::new(FaultClass::Refused, error.to_string()))?;
    Ok(client
        .post(url.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(body))
}
