//! A project that stays on the disk when its experiment fails.

use std::mem;
use std::ops::Deref;
use std::thread;

use crate::support::Project;

/// A project; its folder is left behind, and its path told, if the experiment panics.
pub(crate) struct Kept(Option<Project>);

impl Kept {
    pub(crate) fn new(project: Project) -> Self {
        Self(Some(project))
    }
}

impl Deref for Kept {
    type Target = Project;

    fn deref(&self) -> &Project {
        self.0.as_ref().expect("it is taken only when dropped")
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the project is kept in {}", self.root().display());
            mem::forget(self.0.take());
        }
    }
}
