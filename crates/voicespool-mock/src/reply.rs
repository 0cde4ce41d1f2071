//! Answers in the provider's shapes, and their delivery with or without a fault.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode, Version};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;

use crate::fault::{Fault, Framing};

/// An answer before it is put on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn json(value: &impl serde::Serialize) -> Self {
        // Nothing that is answered here can fail to be written as JSON.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self::ok("application/json", body)
    }

    /// On the wire, with a request id and what `fault` does to it.
    pub(crate) fn deliver(self, request_id: &str, fault: Option<&Fault>) -> Response<Body> {
        let length = self.body.len();
        let mut response = Response::new(match fault {
            Some(fault) => faulty_body(&self.body, fault),
            None => Body::from(self.body),
        });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        let mut add = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        add("x-request-id", request_id);
        for (name, value) in &self.headers {
            add(name, value);
        }
        let Some(fault) = fault else { return response };
        for (name, value) in &fault.headers {
            add(name, value);
        }
        if let Some(target) = &fault.redirect {
            add(LOCATION.as_str(), target);
        }
        match fault.framing {
            Framing::Length if !fault.endless => add(CONTENT_LENGTH.as_str(), &length.to_string()),
            Framing::Close => *response.version_mut() = Version::HTTP_10,
            Framing::Length | Framing::Chunked => {}
        }
        response
    }
}

/// The body in pieces: cut, slow, or without an end.
fn faulty_body(body: &Bytes, fault: &Fault) -> Body {
    /// Pieces a dripping body sends in a second.
    const DRIPS: usize = 20;
    let end = fault.cut.unwrap_or(body.len()).min(body.len());
    let size = fault.drip.map_or(16 * 1024, |rate| (rate / DRIPS).max(1));
    let wait = fault.drip.map(|_| Duration::from_secs(1) / 20);
    let pieces: Vec<Bytes> = body[..end]
        .chunks(size)
        .map(Bytes::copy_from_slice)
        .collect();
    let filler = body.clone();
    let sound = stream::iter(pieces).then(move |piece| async move {
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
        Ok(piece)
    });
    if fault.endless {
        let filler = if filler.is_empty() {
            Bytes::from_static(b"x")
        } else {
            filler
        };
        let more = stream::repeat_with(move || Ok(filler.clone()));
        return streamed(sound.chain(more));
    }
    if fault.cut.is_some() && fault.framing != Framing::Close {
        // The error makes the server close the connection in the middle. What was sent
        // before must be on its way first.
        let broken = stream::once(async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Err(io::Error::other("cut on purpose"))
        });
        return streamed(sound.chain(broken));
    }
    streamed(sound)
}

fn streamed(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    Body::from_stream(pieces)
}

/// The shape of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `{"id", "error": {"message", "type", "param", "code"}}`.
    Together,
    /// The same without `id`.
    OpenAi,
    /// `LocalAI`'s: the status as `code`.
    NumberedCode,
    /// `{"detail": "…"}`; of the schema, a list of places.
    FastApi,
    /// `{"detail": {"error", "message", "type"}}`; of the schema, a list of places.
    FastApiObject,
    /// `{"error": "…"}`.
    Words,
}

/// A request that is not granted, in the provider's words.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<&'static str>,
    message: String,
    headers: Vec<(&'static str, String)>,
    /// A web page instead, of a proxy in front.
    page: Option<&'static str>,
}

impl Refusal {
    /// A refusal with nothing but a kind and words.
    pub(crate) fn of(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(status, kind, message)
    }

    /// `self` with a code.
    pub(crate) fn code(self, code: &'static str) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    /// `self`, about the parameter `param`.
    pub(crate) fn param(self, param: &'static str) -> Self {
        Self {
            param: Some(param),
            ..self
        }
    }

    /// A page of a proxy.
    pub(crate) fn page(status: u16, page: &'static str) -> Self {
        Self {
            page: Some(page),
            ..Self::new(status, "page", "")
        }
    }

    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code: None,
            param: None,
            message: message.into(),
            headers: Vec::new(),
            page: None,
        }
    }

    pub(crate) fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Some("invalid_params"),
            param: Some(param),
            ..Self::new(400, "invalid_request_error", message)
        }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::new(400, "invalid_request_error", message)
        }
    }

    pub(crate) fn no_model(model: &str) -> Self {
        let model: String = model.chars().take(100).collect();
        Self {
            code: Some("model_not_available"),
            param: Some("model"),
            ..Self::new(
                404,
                "invalid_request_error",
                format!(
                    "Unable to access model {model}. Please visit the models page to see what there is."
                ),
            )
        }
    }

    pub(crate) fn unauthorized() -> Self {
        Self {
            code: Some("invalid_api_key"),
            ..Self::new(401, "invalid_request_error", "Invalid API key provided.")
        }
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            413,
            "request_too_large",
            format!("The body is larger than {limit} bytes."),
        )
    }

    pub(crate) fn throttled(wait: Duration) -> Self {
        let seconds = wait.as_secs_f64();
        Self {
            headers: vec![
                ("x-ratelimit-reset", format!("{seconds:.3}")),
                ("retry-after", format!("{:.0}", seconds.ceil().max(1.0))),
            ],
            ..Self::new(
                429,
                "dynamic_request_limited",
                "You are sending requests faster than your current rate limit.",
            )
        }
    }

    pub(crate) fn no_route(method: &str, path: &str) -> Self {
        Self::new(
            404,
            "invalid_request_error",
            format!("There is no {method} {path} here."),
        )
    }

    pub(crate) fn broken(message: impl Into<String>) -> Self {
        Self {
            code: Some("processing_failed"),
            ..Self::new(500, "server_error", message)
        }
    }

    /// What `status` looks like when it is injected.
    pub(crate) fn injected(status: u16) -> Self {
        let (kind, code) = match status {
            401 => ("invalid_request_error", Some("invalid_api_key")),
            402 => ("credit_limit", None),
            404 => ("invalid_request_error", Some("model_not_available")),
            413 => ("request_too_large", None),
            429 => ("dynamic_request_limited", None),
            400..=499 => ("invalid_request_error", None),
            503 => ("service_unavailable_error", None),
            _ => ("server_error", None),
        };
        Self {
            code,
            ..Self::new(status, kind, format!("Injected fault: status {status}."))
        }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn into_reply(self, request_id: &str) -> Reply {
        self.into_shape(Shape::Together, request_id)
    }

    /// On the wire in `shape`.
    pub(crate) fn into_shape(self, shape: Shape, request_id: &str) -> Reply {
        let error = json!({
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        });
        let places = || {
            json!({ "detail": [{
                "type": self.kind,
                "loc": ["body", self.param],
                "msg": self.message,
            }] })
        };
        let body = match shape {
            Shape::Together => json!({ "id": request_id, "error": error }),
            Shape::OpenAi => json!({ "error": error }),
            Shape::NumberedCode => json!({ "error": {
                "code": self.status, "message": self.message, "type": "",
            } }),
            Shape::FastApi | Shape::FastApiObject if self.status == 422 => places(),
            Shape::FastApi => json!({ "detail": self.message }),
            Shape::FastApiObject => json!({ "detail": {
                "error": self.code, "message": self.message, "type": self.kind,
            } }),
            Shape::Words => json!({ "error": self.message }),
        };
        let reply = match self.page {
            Some(page) => Reply::ok("text/html", page),
            None => Reply::json(&body),
        };
        Reply {
            status: StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: self.headers,
            ..reply
        }
    }

    /// The status it will have.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }
}

/// An answer that never comes.
pub(crate) async fn never() -> Infallible {
    std::future::pending().await
}

/// `reply` to a request that is no visit of an audio endpoint.
pub(crate) fn answer(reply: Reply) -> Response<Body> {
    reply.deliver("mock", None)
}
