//! The address of a profile: as its table, a flag or the environment states it.

use crate::config::build::{Build, Origin, variable_of};
use crate::config::problem::Problem;
use crate::config::profile::Profile;
use crate::config::reader::At;
use crate::config::tables::ProfileTable;
use crate::engine::rest::{BaseUrl, Kind, OptionsError};

/// A base URL for every profile that has one, from the flag or the environment.
pub(super) fn address_override(build: &mut Build, flag: Option<&str>) -> Option<BaseUrl> {
    let variable = variable_of("base_url").unwrap_or_default();
    let (text, origin, place) = match flag {
        Some(text) => (text.to_owned(), Origin::Flag, "--base-url".to_owned()),
        None => (
            build.variable::<String>(variable)?,
            Origin::Env(variable),
            format!("environment variable {variable}"),
        ),
    };
    match BaseUrl::parse(&text) {
        Ok(url) => {
            build.origins.insert("base_url".to_owned(), origin);
            Some(url)
        }
        Err(error) => {
            let problem = Problem::error(error.to_string()).outside(place);
            let problem = problem.note(address_help(&error));
            build.problems.push(problem);
            None
        }
    }
}

pub(super) fn override_address(profile: &mut Profile, address: Option<&BaseUrl>) {
    if let (true, Some(url)) = (profile.base_url.is_some(), address) {
        profile.base_url = Some(url.clone());
    }
}

pub(super) fn parse_address(build: &mut Build, url: &At<String>) -> Option<BaseUrl> {
    match BaseUrl::parse(&url.value) {
        Ok(base) => Some(base),
        Err(error) => {
            let doc = &build.docs[url.loc.doc];
            let marked = url.loc.start..url.loc.end;
            // A password in the URL is a secret like any other.
            let is_plain = !url.value.contains(['@', '?', '#']);
            let hidden = if is_plain { 0..0 } else { marked.clone() };
            let problem = doc.problem_hiding(marked, hidden, error.to_string());
            build.problems.push(problem.label(address_help(&error)));
            None
        }
    }
}

/// The name that stands for the address in keys.
pub(super) fn read_identity(build: &mut Build, table: &ProfileTable) -> Option<String> {
    let at = table.identity.given()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/[]".contains(c);
    if at.value.is_empty() || at.value.len() > 200 || !at.value.chars().all(is_plain) {
        build.error(
            at.loc,
            "the identity is no plain name",
            "write a name of letters, digits and -_.:/[], or the address the server had, like \"127.0.0.1:8880/v1\"",
        );
        return None;
    }
    Some(at.value.clone())
}

/// What to write instead.
fn address_help(error: &OptionsError) -> String {
    let help = match error {
        OptionsError::PlainHttp { .. } => {
            "use https; http is for this machine (localhost, 127.0.0.1, ::1) and the local network"
        }
        OptionsError::UserInfo { .. } => "leave them out and use `key`",
        OptionsError::Query { .. } => "end it with the path",
        _ => {
            let example = Kind::USUAL.facts().base_url.unwrap_or_default();
            return format!("write it like \"{example}\"");
        }
    };
    help.to_owned()
}
