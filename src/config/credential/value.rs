//! A credential that was found, and never shows itself.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::config::credential::error::CredentialError;
use crate::config::credential::source::CredentialSource;

/// Longest key: real ones have up to a few hundred characters, signed tokens a few thousand.
pub(super) const MAX_KEY_BYTES: usize = 8192;

/// A key and where it came from.
#[derive(Clone)]
pub struct Credential {
    secret: SecretString,
    source: String,
}

impl Credential {
    /// The key itself, for the header of a request and nothing else.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// `env NAME`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// `…9fQ2`: the last four characters, or none of a key that is too short to spare them.
    pub fn masked_tail(&self) -> String {
        let key = self.secret.expose_secret();
        match key.len() {
            16.. => format!("…{}", &key[key.len() - 4..]),
            _ => "…".to_owned(),
        }
    }

    /// Takes the first line of `text`.
    pub(super) fn parse(text: &str, source: &CredentialSource) -> Result<Self, CredentialError> {
        let line = text.split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let source = source.to_string();
        if line.is_empty() {
            return Err(CredentialError::Empty {
                source_text: source,
            });
        }
        let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if line.len() > MAX_KEY_BYTES || line.trim() != line || !line.bytes().all(fits) {
            return Err(CredentialError::NotAKey {
                source_text: source,
            });
        }
        Ok(Self {
            secret: SecretString::from(line),
            source,
        })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(***)")
    }
}
