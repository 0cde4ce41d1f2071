//! From bytes that arrived to an answer that counts: (e) is it what was asked for, (f) is it
//! safe on the disk under its key?

use tokio::sync::SemaphorePermit;

use crate::audio::{self, SpeechCheck, SpokenLength, enclose};
use crate::domain::{AudioFormat, AudioMillis, FaultClass, RawAudio};
use crate::engine::transcription::parse_transcript;
use crate::engine::{Answer, EngineError};
use crate::pipeline::key;
use crate::pipeline::objects::{Arrived, Part};
use crate::store::NewObject;
use crate::worker::input::Input;
use crate::worker::machine;
use crate::worker::request::Request;

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
    .map_err(local_fault)?;
    drop(wire);
    let expected = Expected::of(asked, input);
    let checked = tokio::task::spawn_blocking(move || expected.check(arrived)).await;
    match checked.expect("checking an answer does not panic") {
        Ok(usable) => Ok((answer, usable)),
        Err(Rejected::Local(error)) => Err(error),
        Err(Rejected::Bad(detail)) => Err(EngineError {
            http_status: answer.http_status,
            request_id: answer.request_id,
            may_be_billed: true,
            first_byte: Some(answer.first_byte),
            ..EngineError::new(FaultClass::BadAnswer, detail)
        }),
    }
}

/// What an answer has to be.
enum Expected {
    Speech {
        format: AudioFormat,
        check: SpeechCheck,
        length: SpokenLength,
    },
    Transcript,
}

/// Why an answer does not count.
enum Rejected {
    /// It is not what was asked for.
    Bad(String),
    /// This disk could not keep it.
    Local(EngineError),
}

impl Rejected {
    fn local(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Local(local_fault(error))
    }
}

impl Expected {
    fn of(asked: &Request, input: &Input) -> Self {
        match asked {
            Request::Speak { params, check, .. } => Self::Speech {
                format: params.format,
                check: *check,
                length: match input {
                    Input::Text(text) => SpokenLength::of(text),
                    Input::Audio { .. } | Input::Address(_) => SpokenLength::of(""),
                },
            },
            Request::Transcribe { .. } | Request::Nothing => Self::Transcript,
        }
    }

    /// Looks at the answer and gives it its name.
    fn check(&self, arrived: Arrived) -> Result<Usable, Rejected> {
        let path = arrived.path();
        let (format, audio, heard) = match self {
            Self::Speech {
                format,
                check,
                length,
            } => {
                let facts = audio::check_speech(path, *format, length, check);
                let facts = facts.map_err(|error| {
                    if machine::is_at_fault(&error) {
                        Rejected::local(&error)
                    } else {
                        Rejected::Bad(error.to_string())
                    }
                })?;
                (format.as_str(), Some(facts.duration), None)
            }
            Self::Transcript => {
                let json = std::fs::read(path).map_err(|error| Rejected::local(&error))?;
                let transcript =
                    parse_transcript(&json).map_err(|error| Rejected::Bad(error.to_string()))?;
                ("json", None, transcript.duration)
            }
        };
        let sha256 = key::of_file(path).map_err(|error| Rejected::local(&error))?;
        let facts = path.metadata().map_err(|error| Rejected::local(&error))?;
        arrived.keep().map_err(|error| Rejected::local(&error))?;
        Ok(Usable {
            object: NewObject {
                sha256,
                bytes: facts.len(),
                format: format.to_owned(),
            },
            audio,
            heard,
        })
    }
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
fn local_fault(why: impl std::fmt::Display) -> EngineError {
    EngineError {
        may_be_billed: true,
        ..EngineError::new(FaultClass::Local, format!("cannot keep an answer: {why}"))
    }
}
