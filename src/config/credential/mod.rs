//! Credentials: where an API key is found, and the value that never shows itself.
//!
//! A key is never written into a configuration file, never given by a flag (the process
//! list is world-readable) and not looked up before a request needs it: planning and dry
//! runs touch none. `Debug` prints `***`; there is no `Display` and no `Serialize`.

mod error;
mod look_up;
mod source;
mod spec;
mod value;

pub use error::CredentialError;
pub use source::CredentialSource;
pub(super) use spec::CredentialSpec;
pub use value::Credential;
