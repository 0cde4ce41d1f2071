//! From bytes that arrived to an answer that counts: (e) is it what was asked for, (f) is it
//! safe on the disk under its key?

use tokio::sync::SemaphorePermit;

use crate::audio::{self, SpokenLength, enclose};
use crate::domain::{AudioFormat, AudioMillis, FaultClass, RawAudio};
use crate::engine::transcription::parse_transcript;
use crate::engine::{Answer, EngineError};
use crate::pipeline::key;
use crate::pipeline::objects::Part;
use crate::store::NewObject;
use crate::worker::input::Input;
use crate::worker::machine;
use crate::worker::run::Request;

/// What a usable answer came to.
pub(super) struct Usable {
    pub(super) object: NewObject,
    pub(super) audio: Option<AudioMillis>,
    /// The audio the provider says it transcribed.
    pub(super) heard: Option<AudioMillis>,
}

/// Steps (e) and (f): is it what was asked for, and is it safe on disk?
pub(super) async fn accept(
    (asked, input): (&Request, &Input),
    part: Part,
    mut answer: Answer,
    wire: SemaphorePermit<'_>,
) -> Result<(Answer, Usable), EngineError> {
    // Safe on the disk it costs nothing to lose the process, so the wire is free again; until
    // then it counts as in flight, so a crash costs at most `workers` requests.
    let (raw, words) = (raw_audio(asked), std::mem::take(&mut answer.words));
    let arrived = tokio::task::spawn_blocking(move || {
        let mut part = part;
        if let Some(raw) = raw {
            enclose::enclose(&mut part.file, raw, &words)?;
        }
        part.arrive()
    })
    .await
    .expect("syncing an answer does not panic")
    .map_err(|error| local_fault(&error))?;
    drop(wire);
    let rules = match asked {
        Request::Speak { params, check, .. } => Some((params.format, *check)),
        Request::Transcribe { .. } | Request::Nothing => None,
    };
    let length = match input {
        Input::Text(text) => SpokenLength::of(text),
        Input::Audio { .. } | Input::Address(_) => SpokenLength::of(""),
    };
    let (status, request_id) = (answer.http_status, answer.request_id.clone());
    let first_byte = Some(answer.first_byte);
    let checked = tokio::task::spawn_blocking(move || {
        let bad = |detail: String| EngineError {
            http_status: status,
            request_id,
            may_be_billed: true,
            first_byte,
            ..EngineError::new(FaultClass::BadAnswer, detail)
        };
        let (format, audio, heard) = match rules {
            Some((format, check)) => {
                let facts = audio::check_speech(arrived.path(), format, &length, &check).map_err(
                    |error| {
                        if machine::is_at_fault(&error) {
                            local_fault(&error)
                        } else {
                            bad(error.to_string())
                        }
                    },
                )?;
                (format.as_str(), Some(facts.duration), None)
            }
            None => {
                let json = std::fs::read(arrived.path()).map_err(|error| local_fault(&error))?;
                let transcript = parse_transcript(&json).map_err(|error| bad(error.to_string()))?;
                ("json", None, transcript.duration)
            }
        };
        let sha256 = key::of_file(arrived.path()).map_err(|error| local_fault(&error))?;
        let bytes = arrived
            .path()
            .metadata()
            .map_err(|error| local_fault(&error))?
            .len();
        arrived.keep().map_err(|error| local_fault(&error))?;
        Ok(Usable {
            object: NewObject {
                sha256,
                bytes,
                format: format.to_owned(),
            },
            audio,
            heard,
        })
    })
    .await
    .expect("checking an answer does not panic");
    checked.map(|usable| (answer, usable))
}

/// What travels without a header and gets one here, before anybody takes it for an answer.
pub(super) fn raw_audio(asked: &Request) -> Option<RawAudio> {
    match asked {
        Request::Speak {
            params, delivery, ..
        } => {
            (params.wire_format(*delivery) == AudioFormat::Raw).then(|| params.raw_audio(*delivery))
        }
        Request::Transcribe { .. } | Request::Nothing => None,
    }
}

/// The answer was paid for but this disk could not keep it.
pub(super) fn local_fault(error: &(dyn std::error::Error + 'static)) -> EngineError {
    EngineError {
        may_be_billed: true,
        ..EngineError::new(FaultClass::Local, format!("cannot keep an answer: {error}"))
    }
}
