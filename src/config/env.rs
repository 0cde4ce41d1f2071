//! The environment, as a look-up that tests replace.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

/// The environment.
#[derive(Clone)]
pub struct Env(Arc<LookUp>);

type LookUp = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl Env {
    /// A look-up by `find`.
    pub fn new(find: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// The environment of this process.
    pub fn process() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    /// The value of `name`; one that is set to nothing counts as not set.
    pub fn get(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env(..)")
    }
}
