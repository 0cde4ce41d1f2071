//! Limits that refusals name: noted, so that the next plan keeps to them.

use std::sync::Arc;

use crate::domain::{FaultClass, Lesson, Quantity};
use crate::engine::EngineError;
use crate::engine::lesson::{Refused, lesson};
use crate::store::learned::{self, Learned};
use crate::store::{self, Claim};
use crate::worker::event::Event;
use crate::worker::request::Request;
use crate::worker::run::Run;

/// The limit that a refusal names, if it clearly names one.
pub(super) fn lesson_of(
    run: &Run,
    asked: &Request,
    claim: &Claim,
    error: &EngineError,
) -> Option<Lesson> {
    if error.class != FaultClass::Refused {
        return None;
    }
    let refused = match (asked, claim.quantity) {
        (
            Request::Speak {
                params, delivery, ..
            },
            Quantity::Chars(chars),
        ) => Refused::Speech {
            chars: chars.0,
            format: params.wire_format(*delivery).as_str(),
        },
        (Request::Transcribe { .. }, Quantity::Audio(audio)) => Refused::Transcription {
            bytes: run
                .places
                .input(&claim.source.path)
                .metadata()
                .map_or(0, |file| file.len()),
            audio,
        },
        _ => return None,
    };
    lesson(error.http_status, &error.detail, refused)
}

/// Notes the limit that a refusal named, for the next plan; the refusal's words with what
/// follows from it.
pub(super) async fn remember(
    run: &Arc<Run>,
    claim: &Claim,
    lesson: Lesson,
    words: String,
) -> String {
    let next = match lesson {
        Lesson::MaxChars(_) => "run again: what is too long is cut smaller",
        Lesson::MaxUpload(_) => "`voicespool retry` sends it smaller, if it fits so",
        Lesson::MaxAudio(_) => "such files are refused from now on before they are uploaded",
        Lesson::NoFormat(_) => "it is not asked for it again",
    };
    let told = format!("{words} (noted: {lesson}; {next})");
    let noted = async {
        let gates = run.store.gates().await?;
        let Some(gate) = gates.into_iter().find(|gate| gate.id == claim.spec.gate) else {
            return Ok(false);
        };
        let learned = Learned {
            endpoint: gate.endpoint,
            model: gate.model,
            lesson,
            at: run.clock.now(),
            words,
        };
        let state = run.places.state.clone();
        tokio::task::spawn_blocking(move || learned::learn(&state, learned))
            .await
            .expect("writing a note does not panic")
    };
    let outcome: Result<bool, store::Error> = noted.await;
    match outcome {
        Ok(_) => told,
        Err(error) => {
            let warning = format!("what a refusal taught cannot be noted: {error}");
            run.tell(Event::Warning(warning));
            told
        }
    }
}
