//! Speech without a provider: SVOX Pico in process, six voices built in, no key, no
//! network, no system package.
//!
//! One call of [`LocalEngine::speak`] is one utterance, made on a blocking thread. The
//! same request gives the same bytes on every run. It is a voice of 2009: clear and
//! robotic. It does not transcribe, and it does not cut a text into chunks.

mod answer;
mod pico;
mod spoken;
mod voices;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub use voices::{LocalVoice, find, voices};

use crate::domain::{FaultClass, SpeechParams};
use crate::engine::local::answer::{Recording, Wanted};
use crate::engine::local::pico::PicoError;
use crate::engine::local::voices::Unpacked;
use crate::engine::{Answer, BoxFuture, Engine, EngineError, SpeechRequest, TranscriptionRequest};

/// Frames per second of everything the built-in voices say; mono, 16 bits.
pub const SAMPLE_RATE: u32 = pico::SAMPLE_RATE;

/// The name of the built-in model in a request.
pub const MODEL: &str = "svox-pico";

/// The built-in voices behind the same door as a provider.
#[derive(Debug, Clone)]
pub struct LocalEngine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cache_dir: PathBuf,
    /// The voices whose files were checked in this process, in the order of [`voices`].
    ready: Mutex<Vec<Option<Unpacked>>>,
}

impl LocalEngine {
    /// An engine that unpacks its voices (6.4 MB for all six) to `cache_dir`, each when it
    /// is first used. Nothing is touched before.
    pub fn new(cache_dir: PathBuf) -> Self {
        Self {
            shared: Arc::new(Shared {
                cache_dir,
                ready: Mutex::new(vec![None; voices().len()]),
            }),
        }
    }

    /// What `voice` (see [`find`]) says for `text`: mono samples at [`SAMPLE_RATE`].
    ///
    /// Blocks for 4 ms of CPU per second of speech and holds all of it in memory: for
    /// short texts. [`Engine::speak`] is the way for the rest.
    ///
    /// # Errors
    /// `Refused` for an unknown voice, `Local` when the cache folder cannot be written,
    /// `BadAnswer` when there is nothing to say.
    pub fn synthesize(&self, voice: &str, text: &str) -> Result<Vec<i16>, EngineError> {
        let index = voice_index(voice)?;
        let mut samples = Vec::new();
        let mut loudness = Loudness::default();
        self.shared.say(index, text, 100, &mut |block| {
            loudness.hear(block);
            samples.extend_from_slice(block);
            ControlFlow::Continue(())
        })?;
        loudness.check()?;
        Ok(samples)
    }
}

impl Shared {
    /// Speaks into `sink`, in blocks of about a second.
    fn say(
        &self,
        voice: usize,
        text: &str,
        speed: u16,
        sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let files = self.unpacked(voice)?;
        let text = spoken::spoken(text, voices::built_in(voice).less_than, speed);
        pico::speak(&files.ta, &files.sg, &text, sink).map_err(|error| match error {
            // The file is checked at first use only: somebody may have removed it since.
            PicoError::Setup { .. } => {
                self.forget(voice);
                EngineError::new(FaultClass::Local, error.to_string())
            }
            PicoError::Text { .. } | PicoError::Stuck => {
                EngineError::new(FaultClass::Refused, error.to_string())
            }
            PicoError::Stopped => EngineError::new(FaultClass::Local, error.to_string()),
        })
    }

    fn unpacked(&self, voice: usize) -> Result<Unpacked, EngineError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(files) = &ready[voice] {
            return Ok(files.clone());
        }
        let files = voices::built_in(voice)
            .unpack(&self.cache_dir)
            .map_err(|error| {
                let cause = std::error::Error::source(&error)
                    .map(|cause| format!(": {cause}"))
                    .unwrap_or_default();
                EngineError::new(FaultClass::Local, format!("{error}{cause}"))
            })?;
        ready[voice] = Some(files.clone());
        Ok(files)
    }

    fn forget(&self, voice: usize) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)[voice] = None;
    }
}

impl Engine for LocalEngine {
    fn speak<'a>(
        &'a self,
        request: SpeechRequest<'a>,
        body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>> {
        Box::pin(async move {
            let started = Instant::now();
            let wanted = Wanted::from(request.params)?;
            let recording = self.record(request.params, request.input).await?;
            let first_byte = started.elapsed();
            let bytes = recording.write_to(body, wanted).await?;
            Ok(Answer {
                content_type: Some(wanted.content_type().to_owned()),
                bytes,
                first_byte,
                ..Answer::default()
            })
        })
    }

    fn transcribe<'a>(
        &'a self,
        _request: TranscriptionRequest<'a>,
        _body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>> {
        Box::pin(async {
            Err(refused(
                "the local engine has no recogniser; transcribe with a `together` or `openai` profile"
                    .to_owned(),
            ))
        })
    }
}

impl LocalEngine {
    /// Speaks on a blocking thread. Dropping the future stops the thread within a second of
    /// speech (4 ms of work).
    async fn record(&self, params: &SpeechParams, input: &str) -> Result<Recording, EngineError> {
        check_model(&params.model)?;
        let voice = voice_index(&params.voice)?;
        check_language(params, voice)?;
        let speed = speed_percent(params.speed)?;
        let shared = Arc::clone(&self.shared);
        let input = input.to_owned();
        let stop = StopOnDrop::default();
        let stopped = Arc::clone(&stop.0);
        tokio::task::spawn_blocking(move || {
            let mut recording = Recording::new(&shared.cache_dir);
            let mut loudness = Loudness::default();
            let mut kept = Ok(());
            shared
                .say(voice, &input, speed, &mut |block| {
                    loudness.hear(block);
                    kept = recording.push(block);
                    if kept.is_err() || stopped.load(Ordering::Relaxed) {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })
                // A full disk is the cause, stopping only its consequence.
                .map_err(|error| kept.err().unwrap_or(error))?;
            loudness.check()?;
            Ok(recording)
        })
        .await
        .unwrap_or_else(|_| {
            Err(EngineError::new(
                FaultClass::Local,
                "the local voice's thread ended early",
            ))
        })
    }
}

/// Tells the blocking thread that nobody waits any more.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether anything was said. Pico answers a text without words with no samples at all,
/// or with noise of at most 106 of 32,767 for its punctuation.
#[derive(Default)]
struct Loudness {
    peak: u16,
}

/// Below this peak (−36 dB) nothing was said.
const QUIET: u16 = 512;

impl Loudness {
    fn hear(&mut self, block: &[i16]) {
        let peak = block.iter().map(|sample| sample.unsigned_abs()).max();
        self.peak = self.peak.max(peak.unwrap_or(0));
    }

    fn check(&self) -> Result<(), EngineError> {
        if self.peak < QUIET {
            return Err(EngineError::new(
                FaultClass::BadAnswer,
                "the text has nothing this voice can say (no letters, digits or signs of its language)",
            ));
        }
        Ok(())
    }
}

fn refused(detail: String) -> EngineError {
    EngineError::new(FaultClass::Refused, detail)
}

fn check_model(model: &str) -> Result<(), EngineError> {
    if [MODEL, "pico"].contains(&model) {
        return Ok(());
    }
    Err(refused(format!(
        "the local engine has no model `{model}`; its model is `{MODEL}`"
    )))
}

fn voice_index(voice: &str) -> Result<usize, EngineError> {
    voices::index_of(voice).ok_or_else(|| {
        let names: Vec<_> = voices().iter().map(|voice| voice.name).collect();
        refused(format!(
            "the local engine has no voice `{voice}`; it has {}",
            names.join(", ")
        ))
    })
}

/// A language is fine when it is the voice's; a voice cannot change it.
fn check_language(params: &SpeechParams, voice: usize) -> Result<(), EngineError> {
    let own = voices()[voice].language;
    let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or(tag).to_lowercase();
    match &params.language {
        Some(asked) if primary(asked) != primary(own) => Err(refused(format!(
            "voice `{}` speaks {own}, not `{asked}`",
            voices()[voice].name
        ))),
        _ => Ok(()),
    }
}

/// Percent of the voice's own speed. Outside the range Pico's result is far from what was
/// asked (measured on four languages: 2.0 speaks 1.65 times as fast, 0.5 0.55 times, but
/// 4.0 only 2.5 times).
fn speed_percent(speed: Option<f64>) -> Result<u16, EngineError> {
    let speed = speed.unwrap_or(1.0);
    if !(0.5..=2.0).contains(&speed) {
        return Err(refused(format!(
            "the local engine speaks at 0.5 to 2.0 times its speed, not at {speed}"
        )));
    }
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    let percent = (speed * 100.0).round() as u16;
    Ok(percent)
}
