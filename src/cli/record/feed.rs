//! The record of `feed`: an episode, and what became of it.

use serde::Serialize;

use crate::pipeline::feed::Episode as Found;

/// One episode of a feed.
#[derive(Debug, Serialize)]
pub(crate) struct Episode {
    pub id: String,
    pub title: String,
    /// A day; null if the feed does not say.
    pub published: Option<String>,
    pub duration_s: Option<u64>,
    /// Of its file.
    pub name: String,
    /// It was not in the list, or the folder, before.
    pub new: bool,
    /// Why it could not be fetched.
    pub error: Option<String>,
}

impl Episode {
    pub(crate) fn new(found: &Found, new: bool, error: Option<String>) -> Self {
        let published = Some(found.published.clone());
        Self {
            id: found.id.clone(),
            title: found.title.clone(),
            published: published.filter(|day| !day.is_empty()),
            duration_s: found.duration.map(|length| length.0 / 1_000),
            name: found.name.clone(),
            new,
            error,
        }
    }
}
