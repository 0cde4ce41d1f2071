//! An engine that follows a script: for tests of everything above.
//!
//! It answers what it was told to, in the order it was told to, and remembers what it was
//! asked. Nothing here sleeps or reads a clock: an outcome that should take a while waits
//! for a permit of a [`Semaphore`] that the test holds. It speaks no HTTP and checks no parameters.

use std::collections::VecDeque;
use std::fmt;
use std::future;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use voicespool::domain::{FaultClass, SpeechParams, TranscriptionParams};
use voicespool::engine::{
    Answer, BoxFuture, Engine, EngineError, Recording, SpeechRequest, TranscriptionRequest,
};

/// What happens to one request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The body, in full.
    Answer(Vec<u8>),
    /// The request fails.
    Error(EngineError),
    /// These bytes arrive, then the request fails.
    CutOff(Vec<u8>, EngineError),
    /// Takes one permit of the semaphore (`add_permits` lets that many through), then happens.
    After(Arc<Semaphore>, Box<Outcome>),
    /// No answer ever; only dropping the future ends the request.
    Never,
}

impl Outcome {
    /// A failure of `class` without details.
    pub(crate) fn fault(class: FaultClass) -> Self {
        Self::Error(EngineError::new(class, format!("scripted: {class}")))
    }
}

/// What a request asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    Speech {
        params: SpeechParams,
        input: String,
    },
    Transcription {
        params: TranscriptionParams,
        /// `None`: the recording was named by its URL.
        path: Option<PathBuf>,
    },
}

type DefaultOutcome = Box<dyn Fn(&SpeechRequest<'_>) -> Outcome + Send + Sync>;

/// The engine. Clones share one script and one memory.
#[derive(Clone)]
pub(crate) struct Scripted {
    default: Arc<DefaultOutcome>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Outcome>,
    asked: Vec<Asked>,
    in_flight: usize,
    most_in_flight: usize,
    finished: usize,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Scripted {
    /// An engine without a script: `default` decides every speech request. Transcriptions
    /// beyond the script are refused.
    pub(crate) fn new(
        default: impl Fn(&SpeechRequest<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self {
            default: Arc::new(Box::new(default)),
            state: Arc::default(),
        }
    }

    /// An engine that answers every speech request with `body`.
    pub(crate) fn answering(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::new(move |_| Outcome::Answer(body.clone()))
    }

    /// Adds the outcome of the next request that has none yet.
    pub(crate) fn then(&self, outcome: Outcome) -> &Self {
        self.state().script.push_back(outcome);
        self
    }

    /// Everything asked for so far, in the order it arrived.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// Requests that have arrived and not yet ended.
    pub(crate) fn in_flight(&self) -> usize {
        self.state().in_flight
    }

    /// The most requests there were at once.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.state().most_in_flight
    }

    /// Requests that got their outcome; one that was dropped before did not.
    pub(crate) fn finished(&self) -> usize {
        self.state().finished
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the request and takes its outcome from the script.
    fn arrive(&self, asked: Asked) -> (Flight<'_>, Option<Outcome>) {
        let mut state = self.state();
        state.asked.push(asked);
        state.in_flight += 1;
        state.most_in_flight = state.most_in_flight.max(state.in_flight);
        let scripted = state.script.pop_front();
        drop(state);
        (Flight(self), scripted)
    }
}

/// One request in flight.
struct Flight<'a>(&'a Scripted);

impl Flight<'_> {
    async fn play(
        &self,
        mut outcome: Outcome,
        body: &mut (dyn Write + Send),
    ) -> Result<Answer, EngineError> {
        while let Outcome::After(sign, then) = outcome {
            // A closed semaphore lets everybody through.
            if let Ok(permit) = sign.acquire().await {
                permit.forget();
            }
            outcome = *then;
        }
        let result = match outcome {
            Outcome::Answer(bytes) => write(&bytes, body),
            Outcome::Error(error) => Err(error),
            Outcome::CutOff(bytes, error) => write(&bytes, body).and(Err(error)),
            Outcome::After(..) | Outcome::Never => future::pending().await,
        };
        self.0.state().finished += 1;
        result
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

fn write(bytes: &[u8], body: &mut (dyn Write + Send)) -> Result<Answer, EngineError> {
    body.write_all(bytes).map_err(|error| {
        EngineError::new(
            FaultClass::Local,
            format!("cannot write the answer: {error}"),
        )
    })?;
    Ok(Answer {
        http_status: Some(200),
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        ..Answer::default()
    })
}

impl Engine for Scripted {
    fn speak<'a>(
        &'a self,
        request: SpeechRequest<'a>,
        body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>> {
        Box::pin(async move {
            let (flight, scripted) = self.arrive(Asked::Speech {
                params: request.params.clone(),
                input: request.input.to_owned(),
            });
            let outcome = scripted.unwrap_or_else(|| (self.default)(&request));
            flight.play(outcome, body).await
        })
    }

    fn transcribe<'a>(
        &'a self,
        request: TranscriptionRequest<'a>,
        body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>> {
        Box::pin(async move {
            let (flight, scripted) = self.arrive(Asked::Transcription {
                params: request.params.clone(),
                path: match request.recording {
                    Recording::File(path) => Some(path.to_owned()),
                    Recording::Url(_) => None,
                },
            });
            let outcome = scripted.unwrap_or_else(|| Outcome::fault(FaultClass::Refused));
            flight.play(outcome, body).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use voicespool::domain::{AudioFormat, Delivery};

    use super::*;

    fn params() -> SpeechParams {
        SpeechParams::new("m", "v", AudioFormat::Wav)
    }

    async fn ask(engine: &Scripted, input: &str) -> (Result<Answer, EngineError>, Vec<u8>) {
        let params = params();
        let mut body = Vec::new();
        let request = SpeechRequest {
            params: &params,
            input,
            delivery: Delivery::Rest,
        };
        (engine.speak(request, &mut body).await, body)
    }

    #[tokio::test]
    async fn the_script_is_followed_in_order_and_then_the_default() {
        let engine = Scripted::answering(b"default");
        engine
            .then(Outcome::Answer(b"first".to_vec()))
            .then(Outcome::fault(FaultClass::Throttled))
            .then(Outcome::CutOff(
                b"ha".to_vec(),
                EngineError::new(FaultClass::Overloaded, "cut"),
            ));

        let first = ask(&engine, "a").await;
        let second = ask(&engine, "b").await;
        let third = ask(&engine, "c").await;
        let fourth = ask(&engine, "d").await;

        assert_eq!(first.1, b"first");
        assert_eq!(second.0.unwrap_err().class, FaultClass::Throttled);
        assert_eq!(third.0.unwrap_err().class, FaultClass::Overloaded);
        assert_eq!(third.1, b"ha");
        assert_eq!(
            (fourth.0.unwrap().bytes, fourth.1),
            (7, b"default".to_vec())
        );
        let inputs: Vec<_> = engine
            .asked()
            .into_iter()
            .map(|asked| match asked {
                Asked::Speech { input, .. } => input,
                Asked::Transcription { .. } => String::new(),
            })
            .collect();
        assert_eq!(inputs, ["a", "b", "c", "d"]);
        assert_eq!((engine.in_flight(), engine.finished()), (0, 4));
    }

    #[tokio::test]
    async fn a_request_waits_for_its_sign_and_is_counted_in_flight() {
        let sign = Arc::new(Semaphore::new(0));
        let engine = Scripted::new({
            let sign = Arc::clone(&sign);
            move |_| Outcome::After(Arc::clone(&sign), Box::new(Outcome::Answer(vec![1])))
        });
        let asking: Vec<_> = (0..3)
            .map(|_| {
                let engine = engine.clone();
                tokio::task::spawn(async move { ask(&engine, "x").await.0 })
            })
            .collect();
        while engine.in_flight() < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(engine.finished(), 0);

        sign.add_permits(1);
        while engine.in_flight() == 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!((engine.in_flight(), engine.finished()), (2, 1));
        sign.add_permits(2);
        for task in asking {
            assert!(task.await.unwrap().is_ok());
        }

        assert_eq!((engine.most_in_flight(), engine.finished()), (3, 3));
    }

    #[tokio::test]
    async fn a_dropped_request_leaves_the_flight() {
        let engine = Scripted::new(|_| Outcome::Never);
        let mut asking = Box::pin(ask(&engine, "x"));
        assert!(futures_util::poll!(&mut asking).is_pending());
        assert_eq!(engine.in_flight(), 1);

        drop(asking);

        assert_eq!((engine.in_flight(), engine.finished()), (0, 0));
        assert_eq!(engine.asked().len(), 1);
    }
}
