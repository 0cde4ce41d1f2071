//! Configuration: flags, environment and files become one [`Settings`], checked and
//! complete, with the origin of every value.
//!
//! Everything wrong is reported in one go, each with its line, carets and what to write
//! instead. Credentials are named here, never read before a request needs one. Decides nothing
//! at run time: the rooms below get their options from the cli, which builds them from
//! `Settings`.

mod address;
mod bounds;
mod build;
mod conceal;
mod contract;
mod credential;
mod document;
mod env;
mod fields;
mod files;
mod finish;
mod folders;
pub mod init;
mod lexicon;
mod load;
mod model;
mod problem;
pub mod profile;
mod profiles;
mod reader;
mod routes;
mod running;
mod scope;
mod settings;
mod sources;
mod speech;
mod suggest;
mod tables;
mod task;
mod template;
mod text;
mod transcription;
mod trust;
mod typed;
mod values;
mod voice;

#[cfg(test)]
mod tests;

pub use build::{ENVIRONMENT, Origin};
pub use credential::{Credential, CredentialError, CredentialSource};
pub use env::Env;
pub use init::{Existing, InitError, Initialised, Preset, init};
pub use load::{load, load_typed};
pub use model::{Limits, Model};
pub use problem::{ConfigError, Place, Problem, Severity};
pub use profile::{Profile, Timeouts};
pub use reader::SchemaKey;
pub use settings::{Budget, Retry, Run, Settings};
pub use sources::{FILE_NAME, Overrides, ProjectFile, Sources};
pub use suggest::nearest;
pub use tables::schema;
pub use text::{
    Auth, EngineKind, OnInDoubt, TotalTimeout, Wrong, parse_duration, parse_time_of_day,
};
pub use typed::{TypedTask, TypedValue};
