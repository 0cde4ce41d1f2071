//! Questions that the entry of a provider answers.

use crate::domain::AudioFormat;
use crate::engine::rest::dialect::facts::{Catalogue, Languages, Speech};
use crate::engine::rest::dialect::providers::Kind;

impl Kind {
    /// The provider whose `kind` it shares: itself, or the one it follows.
    #[must_use]
    pub fn family(self) -> Self {
        self.facts().family.parse().unwrap_or(self)
    }

    /// Those who give a `kind` its name.
    pub fn families() -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|kind| kind.family() == *kind)
    }

    /// The provider whose key is in the variable `name`.
    pub fn of_variable(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.facts().key_variables().any(|known| known == name))
    }

    /// Whether `host` is a provider's own.
    pub fn is_known_host(host: &str) -> bool {
        Self::ALL.iter().any(|kind| kind.has_host(host))
    }

    /// Whether `host` is this provider's own.
    pub fn has_host(self, host: &str) -> bool {
        self.facts().hosts.contains(&host)
    }

    /// `host`, or its new name where a provider renamed it.
    pub(in crate::engine::rest) fn current_host(host: &str) -> &str {
        let renamed = Self::ALL.iter().map(|kind| kind.facts());
        let mut renamed = renamed.filter(|facts| facts.former_hosts.contains(&host));
        renamed
            .find_map(|facts| facts.hosts.first().copied())
            .unwrap_or(host)
    }

    /// How it speaks; `None` where it does not.
    pub fn speech(self) -> Option<&'static Speech> {
        self.facts().speech.as_ref()
    }

    /// What the built-in list of models says of it.
    pub fn catalogue(self) -> Option<Catalogue> {
        self.facts().catalogue
    }

    /// How the provider names `format` in `response_format`.
    pub(in crate::engine::rest) fn response_format(self, format: AudioFormat) -> &'static str {
        match format {
            AudioFormat::Raw => self.speech().map_or("pcm", |speech| speech.raw),
            other => other.as_str(),
        }
    }

    /// The part of a transcription's form that takes the URL of a recording, for the provider
    /// to fetch; `None` where recordings are only taken as files.
    pub fn url_part(self) -> Option<&'static str> {
        self.facts().hearing.as_ref()?.url_part
    }

    /// What to send as `language` of a transcription; `None` leaves the field out.
    pub(in crate::engine::rest) fn transcription_language(self, language: &str) -> Option<&str> {
        let hearing = self.facts().hearing.as_ref();
        match hearing.map(|hearing| hearing.language) {
            Some(Languages::AutoLeftOut) | None if language == "auto" => None,
            _ => Some(language),
        }
    }
}
