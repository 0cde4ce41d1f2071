//! Who speaks: the voice, the stored recording, and the memory of all that was said.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sha2::{Digest, Sha256};

use voicespool_media::audio::mp3::frames;
use voicespool_media::domain::{AudioMillis, ContentKey};

use crate::lock::lock;
use crate::memory::Memory;
use crate::mp3::Stock;
use crate::recognise::{Recognition, recognise};
use crate::reply::Refusal;
use crate::sound;
use crate::speech::format::Format;
use crate::speech::order::Order;
use crate::speech::spoken::Spoken;
use crate::voice::{Voice, beats, tones};

/// Bytes of speech kept in each of two generations.
const KEPT_BYTES: usize = 64 << 20;

/// Speaks, and knows again what it spoke.
#[derive(Debug)]
pub(crate) struct Speaker {
    voice: Voice,
    stock: Stock,
    memory: RwLock<Memory>,
    cache: Mutex<SpeechCache>,
    /// One answer to everything, for benchmarks.
    fixed: Option<Spoken>,
}

impl Speaker {
    /// Speaks with `voice`, or answers everything with one WAV of `fixed_bytes`.
    pub(crate) fn new(voice: Voice, fixed_bytes: Option<usize>) -> Self {
        Self {
            voice,
            stock: Stock::new(),
            memory: RwLock::default(),
            cache: Mutex::default(),
            fixed: fixed_bytes.map(fixed_answer),
        }
    }

    /// The sound of `order`, from the cache if it was spoken before.
    pub(crate) async fn speak(self: &Arc<Self>, order: Order) -> Result<Spoken, Refusal> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.clone());
        }
        let key = ContentKey(Sha256::digest(order.identity()).into());
        if let Some(spoken) = lock(&self.cache).get(key) {
            return Ok(spoken);
        }
        let speaker = Arc::clone(self);
        let spoken = tokio::task::spawn_blocking(move || speaker.say(&order))
            .await
            .map_err(|_| Refusal::broken("The voice broke down."))??;
        lock(&self.cache).keep(key, spoken.clone());
        Ok(spoken)
    }

    /// What is said in the file at `path`; `None` if it is no audio. `hash` decides what is
    /// invented for a recording that was not spoken here.
    pub(crate) fn recognise(&self, path: &Path, hash: ContentKey) -> Option<Recognition> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        recognise(path, hash, &memory)
    }

    /// What the fault `body=other` answers: well formed speech of something else.
    pub(crate) fn something_else(&self, order: &Order) -> Spoken {
        if order.format == Format::Mp3 {
            return Spoken::of_frames(self.stock.cut(20, 0));
        }
        let samples = tones("other", "something else").unwrap_or_default();
        Spoken::of_samples(order, &samples)
    }

    /// What the fault `body=silence` answers: as long as the speech would be, and silent
    /// (in MP3, with no encoder to make silence, it is speech).
    pub(crate) fn silence(&self, order: &Order) -> Spoken {
        if order.format == Format::Mp3 {
            return self.something_else(order);
        }
        let seconds = 1 + beats(&order.input) / 14;
        let rate = usize::try_from(order.sample_rate).unwrap_or(24_000);
        Spoken::of_samples(order, &vec![0; seconds * rate])
    }

    /// Speaks and remembers it. Takes as long as the voice does.
    fn say(&self, order: &Order) -> Result<Spoken, Refusal> {
        if order.format == Format::Mp3 {
            return Ok(self.cut_mp3(order));
        }
        let samples = self
            .voice
            .speak(order.voice, &order.input)
            .map_err(Refusal::broken)?;
        let from = u64::from(Voice::SAMPLE_RATE) * u64::from(order.speed) / 1000;
        let from = u32::try_from(from).unwrap_or(Voice::SAMPLE_RATE);
        let mut samples = sound::resample(&samples, from, order.sample_rate);
        // A text without anything to say is answered with a moment of silence.
        let least = usize::try_from(order.sample_rate / 4).unwrap_or(0);
        if samples.len() < least {
            samples.resize(least, 0);
        }
        self.remember(|memory| memory.remember_samples(&samples, &order.input));
        Ok(Spoken::of_samples(order, &samples))
    }

    fn cut_mp3(&self, order: &Order) -> Spoken {
        let chars = u64::try_from(beats(&order.input)).unwrap_or(0);
        let chars = chars * 1000 / u64::from(order.speed.max(1));
        let cut = self.stock.cut(chars, short_hash(&order.identity()));
        self.remember(|memory| {
            memory.remember_frames(frames(&cut.file).filter_map(Result::ok), &order.input);
        });
        Spoken::of_frames(cut)
    }

    fn remember(&self, remember: impl FnOnce(&mut Memory)) {
        remember(&mut self.memory.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Speech of the last requests, by what was asked.
#[derive(Debug, Default)]
struct SpeechCache {
    young: HashMap<ContentKey, Spoken>,
    old: HashMap<ContentKey, Spoken>,
    bytes: usize,
}

impl SpeechCache {
    fn get(&self, key: ContentKey) -> Option<Spoken> {
        self.young.get(&key).or_else(|| self.old.get(&key)).cloned()
    }

    fn keep(&mut self, key: ContentKey, spoken: Spoken) {
        self.bytes += spoken.body.len();
        self.young.insert(key, spoken);
        if self.bytes > KEPT_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
    }
}

/// The answer of benchmarks: `bytes` of loud, valid WAV.
fn fixed_answer(bytes: usize) -> Spoken {
    let mut samples: Vec<i16> = tones("en-US", &"benchmark ".repeat(1 + bytes / 10_000))
        .unwrap_or_default()
        .into_iter()
        .filter(|sample| *sample != 0)
        .cycle()
        .take(bytes.saturating_sub(44) / 2)
        .collect();
    samples.truncate(bytes.saturating_sub(44) / 2);
    Spoken {
        content_type: "audio/wav",
        duration: AudioMillis::of_frames(u64::try_from(samples.len()).unwrap_or(0), 24_000),
        body: sound::wav(&samples, 24_000).into(),
    }
}

/// The first eight bytes of a SHA-256.
fn short_hash(text: &str) -> u64 {
    Sha256::digest(text)
        .iter()
        .take(8)
        .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}
