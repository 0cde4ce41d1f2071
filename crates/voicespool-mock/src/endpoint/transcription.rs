//! `POST audio/transcriptions` and `audio/translations`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequest, Multipart, Path, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Response};

use crate::app::App;
use crate::dialect::{Profile, TranscriptionOrder};
use crate::endpoint::response::{Asked, answered};
use crate::hostile::HostileKind;
use crate::recognise::Recognition;
use crate::reply::{Refusal, Reply};
use crate::transcription::{self, Form};
use crate::visit::{Outcome, Visit, sha256};
use crate::wire::RawWire;

pub(crate) async fn transcriptions(
    State(app): State<Arc<App>>,
    ConnectInfo(wire): ConnectInfo<RawWire>,
    asked: Asked,
    request: Request,
) -> Response<Body> {
    let visit = Visit::begin(&app, "audio/transcriptions", asked.map(|Path(name)| name));
    transcribed(&app, visit, wire, request).await
}

pub(crate) async fn translations(
    State(app): State<Arc<App>>,
    ConnectInfo(wire): ConnectInfo<RawWire>,
    asked: Asked,
    request: Request,
) -> Response<Body> {
    let visit = Visit::begin(&app, "audio/translations", asked.map(|Path(name)| name));
    transcribed(&app, visit, wire, request).await
}

async fn transcribed(
    app: &Arc<App>,
    visit: Visit,
    wire: RawWire,
    request: Request,
) -> Response<Body> {
    let headers = request.headers().clone();
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let sent = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let form = match Multipart::from_request(request, &()).await {
        Ok(form) => Form::read(form, app.options.max_upload_bytes).await,
        Err(_) => Err(Refusal::bad_request(
            "invalid_content_type",
            "Send the audio as multipart/form-data.",
        )),
    };
    match form {
        Ok(form) => answered(tokio::spawn(work(visit, headers, form)), wire).await,
        Err(refusal) => match app.profile.filter(|_| refusal.status() == 413) {
            Some(profile) => visit.refuse(profile.too_large(app.options.max_upload_bytes, sent)),
            None => visit.refuse(refusal),
        },
    }
}

/// The rest of a request, once its form is here; see `speech`.
async fn work(mut visit: Visit, headers: HeaderMap, form: Form) -> Outcome {
    let result = transcribe(&mut visit, &headers, form).await;
    visit.finish(result)
}

async fn transcribe(
    visit: &mut Visit,
    headers: &HeaderMap,
    mut form: Form,
) -> Result<Reply, Refusal> {
    visit.record.parts = std::mem::take(&mut form.parts);
    if let Some(reply) = visit.before(headers).await? {
        return Ok(reply);
    }
    let order = AnyOrder::parse(visit.app.profile, &form, visit.record.path)?;
    order.model().clone_into(&mut visit.record.model);
    let upload = match (form.file.take(), form.address()) {
        (Some(upload), _) => upload,
        (None, Some(address)) => {
            let most = visit.app.options.max_fetch_bytes;
            visit.app.files.fetch(address, most)?
        }
        (None, None) => return Err(Refusal::invalid("file", "\"file\" is missing.")),
    };
    let hash = upload.sha256;
    visit.record.sha256 = Some(hash);
    visit.identity = Some(sha256(format!("{hash}{}", order.identity()).as_bytes()));
    visit.pick_hostile(HostileKind::Transcription)?;
    let speaker = Arc::clone(&visit.app.speaker);
    let heard = tokio::task::spawn_blocking(move || speaker.recognise(upload.file.path(), hash))
        .await
        .map_err(|_| Refusal::broken("The recogniser broke down."))?;
    let heard = heard.ok_or_else(|| {
        Refusal::bad_request("unsupported_format", "The audio cannot be decoded.")
    })?;
    let answer = order.answer(&heard)?;
    visit.charge(|record| record.audio_ms = heard.duration.0);
    Ok(answer)
}

/// A checked transcription request, by whose rules it was.
enum AnyOrder {
    Contract(transcription::Order),
    Dialect(TranscriptionOrder),
}

impl AnyOrder {
    fn parse(profile: Option<&'static Profile>, form: &Form, path: &str) -> Result<Self, Refusal> {
        let is_translation = path.ends_with("translations");
        match profile {
            Some(profile) => profile
                .transcription(form, is_translation)
                .map(Self::Dialect),
            None => transcription::Order::parse(form, is_translation).map(Self::Contract),
        }
    }

    fn model(&self) -> &str {
        match self {
            Self::Contract(order) => &order.model,
            Self::Dialect(order) => &order.model,
        }
    }

    fn identity(&self) -> String {
        match self {
            Self::Contract(order) => order.identity(),
            Self::Dialect(order) => order.identity(),
        }
    }

    fn answer(&self, heard: &Recognition) -> Result<Reply, Refusal> {
        match self {
            Self::Contract(order) => order.answer(heard).map(|answer| Reply::json(&answer)),
            Self::Dialect(order) => Ok(order.answer(heard)),
        }
    }
}
