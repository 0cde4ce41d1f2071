//! Why there is no credential.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why there is no key. No variant holds one, or what a command printed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error(
        "the environment variable `{name}` is not set; set it, or name another source of the key in the profile"
    )]
    Unset { name: String },
    #[error("the key from {source_text} is empty")]
    Empty { source_text: String },
    #[error(
        "what {source_text} gives is no key: a key is one line of printable ASCII without spaces around it"
    )]
    NotAKey { source_text: String },
    #[error("cannot read the key file {path}")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the key file {path} is no regular file")]
    NotAFile { path: PathBuf },
    #[error("the key file {path} can be read by others (mode {mode:03o}); run `chmod 600 {path}`")]
    Open { path: PathBuf, mode: u32 },
    #[error("cannot run the key command `{program}`")]
    Command {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("the key command `{program}` failed ({status}); run it by hand to see why")]
    CommandFailed { program: String, status: ExitStatus },
    #[error("the key command `{program}` gave no answer within {} s", limit.as_secs())]
    CommandTimeout { program: String, limit: Duration },
}
