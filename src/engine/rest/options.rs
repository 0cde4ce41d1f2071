//! Where a provider is, how it is spoken to, and how long it may take.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;

use crate::domain::{AudioFormat, AudioMillis, CharCount};
use crate::engine::rest::dialect::Kind;

/// How the key is sent.
#[derive(Debug, Clone)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer(SecretString),
    /// `Authorization: KEY`, as some providers want it.
    Raw(SecretString),
    /// No such header at all.
    None,
}

impl Auth {
    /// The key, for scrubbing it out of texts.
    pub(super) fn into_key(self) -> Option<SecretString> {
        match self {
            Self::Bearer(key) | Self::Raw(key) => Some(key),
            Self::None => None,
        }
    }
}

/// How long one request may take, from sending to the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// Speech: two minutes and 0.2 s a character. Transcription: three minutes, the
    /// upload at 64 KiB/s, and half the length of the audio.
    Auto,
    Fixed(Duration),
}

impl Deadline {
    /// Gives a server that speaks at a third of real time just enough.
    pub(super) fn for_speech(self, chars: CharCount) -> Duration {
        match self {
            Self::Fixed(limit) => limit,
            Self::Auto => Duration::from_mins(2)
                .saturating_add(Duration::from_millis(chars.0.saturating_mul(200))),
        }
    }

    /// Audio of unknown length (zero) counts as 16 kB a second.
    pub(super) fn for_transcription(self, audio: AudioMillis, upload_bytes: u64) -> Duration {
        match self {
            Self::Fixed(limit) => limit,
            Self::Auto => {
                let audio_ms = if audio.0 == 0 {
                    upload_bytes / 16
                } else {
                    audio.0
                };
                Duration::from_mins(3)
                    .saturating_add(Duration::from_secs(upload_bytes / (64 * 1024)))
                    .saturating_add(Duration::from_millis(audio_ms / 2))
            }
        }
    }
}

/// The most bytes an answer may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteCap {
    /// 4 MiB and then 32 KiB (samples) or 8 KiB (coded audio) a character, several times
    /// what the slowest speaker at the highest rate needs. A transcript: 1 MiB and then
    /// 4 KiB a second of the recording, several times what words with times and speakers
    /// need, but never more than 64 MiB.
    Auto,
    Fixed(u64),
}

impl ByteCap {
    pub(super) fn for_speech(self, chars: CharCount, format: AudioFormat) -> u64 {
        let per_char = match format {
            AudioFormat::Wav | AudioFormat::Flac | AudioFormat::Raw => 32 * 1024,
            AudioFormat::Mp3 | AudioFormat::Opus | AudioFormat::Aac => 8 * 1024,
        };
        match self {
            Self::Fixed(cap) => cap,
            Self::Auto => (4_u64 << 20).saturating_add(chars.0.saturating_mul(per_char)),
        }
    }

    /// Audio of unknown length (zero) may need all of it.
    pub(super) fn for_transcript(self, audio: AudioMillis) -> u64 {
        const MOST: u64 = 64 << 20;
        match self {
            Self::Fixed(cap) => cap,
            Self::Auto if audio.0 == 0 => MOST,
            Self::Auto => (1_u64 << 20)
                .saturating_add(audio.0.saturating_mul(4))
                .min(MOST),
        }
    }
}

/// Routes that differ from the usual ones. With a leading `/` one counts from the host,
/// else from the base URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// Instead of `audio/speech`.
    pub speech: Option<String>,
    /// Instead of `audio/transcriptions`.
    pub transcriptions: Option<String>,
    /// Instead of `audio/translations`.
    pub translations: Option<String>,
    /// Instead of `models`.
    pub models: Option<String>,
    /// Instead of `voices`.
    pub voices: Option<String>,
}

impl Paths {
    /// The routes of `kind` that are not the usual ones.
    pub fn of(kind: Kind) -> Self {
        let routes = kind.facts().routes;
        let owned = |route: Option<&str>| route.map(str::to_owned);
        Self {
            speech: None,
            transcriptions: owned(routes.transcriptions),
            translations: owned(routes.translations),
            models: owned(routes.models),
            voices: owned(routes.voices),
        }
    }
}

/// Everything [`RestEngine::new`](crate::engine::rest::RestEngine::new) needs to know.
#[derive(Clone)]
pub struct RestOptions {
    pub kind: Kind,
    /// With or without a trailing slash, with or without `/v1`:
    /// a bare host gets `/v1`, any other path is taken as it is.
    pub base_url: String,
    pub paths: Paths,
    pub auth: Auth,
    /// The user's own configuration lets the key travel in clear to this host of the local network.
    pub key_in_clear: bool,
    pub connect_timeout: Duration,
    /// Longest silence between two pieces of an answer. Before the first piece only
    /// `total` counts, because a provider may think for minutes.
    pub idle_timeout: Duration,
    pub total: Deadline,
    pub max_answer_bytes: ByteCap,
    pub user_agent: String,
}

impl RestOptions {
    /// The defaults for a provider at `base_url`: its own routes, connect 10 s, idle 60 s, the
    /// rest scaled.
    pub fn new(kind: Kind, base_url: impl Into<String>, auth: Auth) -> Self {
        Self {
            kind,
            base_url: base_url.into(),
            paths: Paths::of(kind),
            auth,
            key_in_clear: false,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            total: Deadline::Auto,
            max_answer_bytes: ByteCap::Auto,
            user_agent: concat!("voicespool/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Leaves the base URL out: before it is checked it may hold a password.
impl fmt::Debug for RestOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestOptions")
            .field("kind", &self.kind)
            .field("auth", &self.auth)
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("total", &self.total)
            .field("max_answer_bytes", &self.max_answer_bytes)
            .finish_non_exhaustive()
    }
}

/// Why no engine can be made of the options. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("the base URL is no URL ({reason})")]
    NoUrl { reason: String },
    #[error("the base URL begins with `{scheme}:`, only https and loopback http are spoken")]
    Scheme { scheme: String },
    #[error("plain http would send the key and the text to `{host}` in clear; use https")]
    PlainHttp { host: String },
    #[error("plain http would send the key to `{host}` in clear")]
    KeyInClear { host: String },
    #[error("the base URL for `{host}` holds a user name or password; keys come from elsewhere")]
    UserInfo { host: String },
    #[error("the base URL for `{host}` holds a query or a fragment")]
    Query { host: String },
    #[error("the path override `{path}` is no plain path")]
    Path { path: String },
    #[error("the key holds characters that no header can carry, or is empty")]
    Key,
    #[error("the user agent holds characters that no header can carry")]
    UserAgent,
    #[error("the HTTP client cannot be set up ({reason})")]
    Client { reason: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_of_a_transcript_grows_with_its_recording() {
        let cap = |seconds: u64| ByteCap::Auto.for_transcript(AudioMillis(seconds * 1000));

        assert_eq!(cap(3), (1 << 20) + 12_000);
        // Ten words a second, a hundred bytes each with their times.
        assert!(cap(4 * 3600) > 4 * 3600 * 10 * 100);
        assert_eq!(cap(1 << 40), 64 << 20);
        assert_eq!(cap(0), 64 << 20, "unknown");
    }
}
