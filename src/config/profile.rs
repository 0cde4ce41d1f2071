//! A profile: where requests go, how, and where the credential is found.

use std::time::Duration;

use crate::config::credential::{Credential, CredentialError, CredentialSource};
use crate::config::env::Env;
use crate::config::text::{Auth, EngineKind, TotalTimeout};
use crate::config::trust::Target;
use crate::domain::catalogue::Provider;
use crate::engine::rest::{BaseUrl, Catalogue, Kind, Paths};

/// How long to wait for a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    pub total: TotalTimeout,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            total: TotalTimeout::Auto,
        }
    }
}

/// One place requests go to.
#[derive(Debug, Clone)]
pub struct Profile {
    pub name: String,
    pub kind: EngineKind,
    /// Whose contract the provider keeps; `None` for the local voice only.
    pub dialect: Option<Kind>,
    /// `None` for the local voice only.
    pub base_url: Option<BaseUrl>,
    /// [`Auth::None`] where no key is wanted.
    pub auth: Auth,
    pub timeouts: Timeouts,
    pub paths: Paths,
    /// What stands for the address in keys.
    pub(super) identity: Option<String>,
    /// The user lets its key travel in clear.
    pub(super) key_in_clear: bool,
    /// A project that nobody vouches for names a host that nobody here knows.
    pub(super) is_unknown_host: bool,
    pub(super) credential: CredentialSource,
    pub(super) env: Env,
}

impl Profile {
    /// Where the key is looked up; says nothing about whether it is there.
    pub fn credential_source(&self) -> &CredentialSource {
        &self.credential
    }

    /// Looks the key up now. `None` where none is wanted; that is also so for a server on
    /// this machine when the variable is not set.
    pub async fn credential(&self) -> Result<Option<Credential>, CredentialError> {
        match self.credential.resolve(&self.env).await {
            Err(CredentialError::Unset { .. }) if self.is_loopback() => Ok(None),
            other => other,
        }
    }

    /// Identity of where requests go, part of every job's key: kind, host and path, or kind and the
    /// name that the profile gives it, so that a server may move and sell nothing twice.
    /// The dialect is no part of it: naming one buys nothing again.
    pub fn endpoint(&self) -> String {
        match &self.base_url {
            Some(url) => {
                let own = self.identity.clone();
                let identity = own.unwrap_or_else(|| url.identity());
                format!("{}:{identity}", self.kind.as_str())
            }
            None => self.kind.as_str().to_owned(),
        }
    }

    /// Whether requests stay on this machine.
    pub fn is_loopback(&self) -> bool {
        self.base_url.as_ref().is_none_or(BaseUrl::is_loopback)
    }

    /// The host, where a person has to agree to it by name before anything is sent there.
    pub fn unknown_host(&self) -> Option<&str> {
        self.is_unknown_host.then(|| self.host())
    }

    /// Whether the user's own configuration lets the key travel over plain http.
    pub fn key_in_clear(&self) -> bool {
        self.key_in_clear
    }

    /// A person agreed to `host` by name.
    pub fn agree_to(&mut self, host: &str) {
        if self.host() == host {
            self.is_unknown_host = false;
        }
    }

    /// The host requests go to; empty for the local voice.
    pub(super) fn host(&self) -> &str {
        self.base_url.as_ref().map_or("", BaseUrl::host)
    }

    pub(super) fn target(&self) -> Target<'_> {
        Target {
            credential: &self.credential,
            host: self.host(),
            is_loopback: self.is_loopback(),
        }
    }

    /// What the built-in list of models says of this provider, or of a look-alike of it on
    /// this machine.
    pub(super) fn catalogue(&self) -> Option<Catalogue> {
        let url = self.base_url.as_ref()?;
        let dialect = self.dialect?;
        let catalogue = dialect.catalogue()?;
        (url.is_loopback() || dialect.has_host(url.host())).then_some(catalogue)
    }

    /// The provider whose models, voices and deliveries the built-in list has, if that is this one.
    pub(super) fn listed(&self) -> Option<Provider> {
        let catalogue = self.catalogue().filter(|catalogue| catalogue.is_full)?;
        Some(catalogue.provider)
    }

    /// Whether its kind is one whose models the built-in list has, wherever it answers.
    pub(super) fn is_of_listed_kind(&self) -> bool {
        let catalogue = self.dialect.and_then(Kind::catalogue);
        catalogue.is_some_and(|catalogue| catalogue.is_full)
    }

    /// Whether it is a program of the user's own on this machine, which charges nothing.
    pub(super) fn is_own(&self) -> bool {
        let is_own = |dialect: Kind| dialect.facts().is_own;
        self.dialect.is_some_and(is_own) && self.is_loopback()
    }
}
