//! Which path is answered by what.

use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::routing::{get, post};

use crate::admin;
use crate::app::App;
use crate::dialect::Profile;
use crate::endpoint::{socket, speech, transcriptions, translations};
use crate::lists::{listed, models, voices};

/// The routes of Together and OpenAI.
fn usual_routes() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/audio/speech", post(speech))
        .route("/audio/speech/websocket", get(socket))
        .route("/audio/transcriptions", post(transcriptions))
        .route("/audio/translations", post(translations))
        .route("/voices", get(voices))
        .route("/models", get(models));
    Router::new()
        .nest("/v1", api.clone())
        .nest("/hostile/{answer}/v1", api.clone())
        .merge(api)
}

/// The routes of another server, and no other.
fn routes_of(profile: &'static Profile) -> Router<Arc<App>> {
    let mut api = Router::new();
    if profile.speech.is_some() {
        api = api.route("/audio/speech", post(speech));
    }
    if let Some(transcription) = &profile.transcription {
        api = api.route(transcription.route, post(transcriptions));
        if let Some(route) = transcription.translations {
            api = api.route(route, post(translations));
        }
    }
    if let Some(route) = profile.voices {
        api = api.route(
            route,
            get(move |app, headers: HeaderMap| {
                ready(listed(app, &headers, &profile.voices_list()))
            }),
        );
    }
    if profile.lists_models {
        api = api.route(
            "/models",
            get(move |app, headers: HeaderMap| {
                ready(listed(app, &headers, &profile.models_list()))
            }),
        );
    }
    match profile.prefix {
        "" => api,
        prefix => Router::new().nest(prefix, api),
    }
}

/// All routes of `app`.
pub(crate) fn router(app: Arc<App>) -> Router {
    app.profile
        .map_or_else(usual_routes, routes_of)
        .route("/_mock/bill", get(admin::invoice))
        .route("/_mock/requests", get(admin::requests))
        .route("/_mock/hostile", get(admin::hostile))
        .route("/_mock/faults", post(admin::faults))
        .route(
            "/_mock/audio/{name}",
            get(admin::download).put(admin::upload),
        )
        .route("/_mock/reset", post(admin::reset))
        .fallback(admin::nothing_here)
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}
