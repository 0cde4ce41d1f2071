//! Where a credential is found; holds none.

use std::fmt;
use std::path::PathBuf;

/// Where a key is found. Holds no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// A variable of the environment.
    Env(String),
    /// The first line of a file only its owner can read.
    File(PathBuf),
    /// The first line of what a program prints; no shell.
    Command(Vec<String>),
    /// The server wants none.
    None,
}

/// `env NAME`: what `doctor` and errors say.
impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            // Arguments may be private.
            Self::Command(argv) => write!(f, "command {}", argv.first().map_or("", String::as_str)),
            Self::None => f.write_str("none"),
        }
    }
}
