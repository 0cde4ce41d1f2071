//! A base URL that passed the client's own checks, for those who decide about it before
//! there is a client: no spelling means one host to them and another to the request.

use std::fmt;

use crate::engine::rest::dialect::Kind;
use crate::engine::rest::endpoint::Endpoint;
use crate::engine::rest::options::{OptionsError, Paths};

/// Where a provider's API begins: https, or http to this machine or the local network; no user, query or
/// fragment.
#[derive(Debug, Clone)]
pub struct BaseUrl {
    written: String,
    endpoint: Endpoint,
}

impl BaseUrl {
    /// Checks `text` as [`RestEngine::new`](crate::engine::rest::RestEngine::new) will.
    pub fn parse(text: &str) -> Result<Self, OptionsError> {
        let endpoint = Endpoint::parse(text, &Paths::default())?;
        Ok(Self {
            written: text.trim().to_owned(),
            endpoint,
        })
    }

    /// Checks `path` as a path override of this URL.
    pub fn check_path(&self, path: &str) -> Result<(), OptionsError> {
        let paths = Paths {
            speech: Some(path.to_owned()),
            ..Paths::default()
        };
        Endpoint::parse(&self.written, &paths).map(drop)
    }

    /// Whether requests stay on this machine.
    pub fn is_loopback(&self) -> bool {
        self.endpoint.is_loopback
    }

    /// Whether requests go over plain http to another machine of the local network.
    pub fn is_local_clear(&self) -> bool {
        self.endpoint.is_local_clear
    }

    /// The host in lower case, without the port.
    pub fn host(&self) -> &str {
        self.endpoint.speech.host_str().unwrap_or_default()
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Host, port where it is not the usual one, and path: `api.together.ai/v1`. One
    /// service has one identity: with or without `/v1`, under its old name or its new one.
    pub fn identity(&self) -> String {
        let host = Kind::current_host(self.host());
        let port = self.endpoint.speech.port();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = self.endpoint.speech.path();
        let path = path.strip_suffix("/audio/speech").unwrap_or(path);
        format!("{host}{port}{path}")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_service_has_one_identity() {
        for text in [
            "https://api.together.ai",
            "https://api.together.ai/v1/",
            "https://API.together.xyz:443/v1",
            "https://api.together.ai/v1/audio/speech",
        ] {
            assert_eq!(
                BaseUrl::parse(text).unwrap().identity(),
                "api.together.ai/v1",
                "{text}"
            );
        }
        assert_eq!(
            BaseUrl::parse("http://127.0.0.1:8880/v1")
                .unwrap()
                .identity(),
            "127.0.0.1:8880/v1"
        );
    }

    #[test]
    fn a_path_override_is_judged_as_the_client_will() {
        let base = BaseUrl::parse("https://h.example/api/v1").unwrap();

        for good in ["/inference", "asr", "v2/tts"] {
            assert_eq!(base.check_path(good), Ok(()), "{good}");
        }
        for bad in ["", "//evil.example", "https://evil.example", "a?b", "a b"] {
            assert!(base.check_path(bad).is_err(), "{bad}");
        }
    }
}
