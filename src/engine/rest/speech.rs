//! `POST audio/speech`: one JSON body.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Url};

use crate::domain::FaultClass;
use crate::engine::rest::dialect::{Kind, unsupported};
use crate::engine::rest::wire::SpeechBody;
use crate::engine::{EngineError, SpeechRequest};

/// The request, or the reason why it must not be sent.
pub(super) fn request(
    client: &Client,
    url: &Url,
    kind: Kind,
    request: SpeechRequest<'_>,
) -> Result<RequestBuilder, EngineError> {
    let lacking = unsupported(kind, request.params);
    if !lacking.is_empty() {
        return Err(EngineError::new(FaultClass::Refused, lacking.join("; ")));
    }
    let body = serde_json::to_vec(&SpeechBody::new(kind, request.params, request.input))
        .map_err(|error| EngineError::new(FaultClass::Refused, error.to_string()))?;
    Ok(client
        .post(url.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(body))
}
