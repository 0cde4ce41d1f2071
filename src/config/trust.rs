//! Trust: which key may go where.
//!
//! A project file comes with a folder that may not be the user's own work, so it must
//! not be able to send the user's secrets away or to run programs. The rule, in order:
//!
//! 1. What the user's own configuration, a flag or `VOICESPOOL_BASE_URL` says is trusted,
//!    and so are project files in a folder under `[trust] projects` there.
//! 2. A key **command** in any other project file is refused.
//! 3. To this machine any key may go.
//! 4. A variable of a known provider (`TOGETHER_API_KEY`, …) goes to that provider's hosts only.
//! 5. Any other variable or key file goes to known providers and to hosts under
//!    `[trust] hosts`; a variable named `VOICESPOOL_…` was set for this program and goes
//!    to any https host.

use std::path::Path;

use crate::config::build::{Build, variable_of};
use crate::config::document::Loc;
use crate::config::key::KeySource;
use crate::config::profile::{Profile, expand};
use crate::config::reader::{At, Field};
use crate::config::tables::{FileTable, TrustTable};
use crate::engine::rest::BaseUrl;

/// Providers whose variables and hosts are known: variable, hosts.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("TOGETHER_API_KEY", &["api.together.ai", "api.together.xyz"]),
    ("OPENAI_API_KEY", &["api.openai.com"]),
    ("GROQ_API_KEY", &["api.groq.com"]),
    ("DEEPINFRA_API_KEY", &["api.deepinfra.com"]),
    ("DEEPINFRA_TOKEN", &["api.deepinfra.com"]),
    (
        "FIREWORKS_API_KEY",
        &[
            "api.fireworks.ai",
            "audio-prod.api.fireworks.ai",
            "audio-turbo.api.fireworks.ai",
            "audio-prod.us-virginia-1.direct.fireworks.ai",
            "audio-turbo.us-virginia-1.direct.fireworks.ai",
        ],
    ),
];

/// Whether `url` is Together's own.
pub(super) fn is_together(url: &BaseUrl) -> bool {
    PROVIDERS[0].1.contains(&url.host())
}

/// Whether `url` is Groq's own.
pub(super) fn is_groq(url: &BaseUrl) -> bool {
    url.host() == "api.groq.com"
}

/// What the user trusts, from the user's own configuration.
#[derive(Debug, Default)]
pub(super) struct Trust {
    hosts: Vec<String>,
    /// The project file is in a folder the user listed.
    pub(super) project: bool,
}

/// Where a base URL or a key was stated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stated {
    /// In the project's file, as opposed to the user's, a flag or a default.
    pub(super) by_project: bool,
    /// The host comes from a flag or the environment.
    pub(super) typed_host: bool,
    /// For messages; the profile's header where nothing was written.
    pub(super) loc: Loc,
}

/// The host requests of `profile` go to; empty for the local voice.
pub(super) fn host_of(profile: &Profile) -> &str {
    profile.base_url.as_ref().map_or("", BaseUrl::host)
}

pub(super) fn own_variable(
    profile: &Profile,
) -> Option<&'static (&'static str, &'static [&'static str])> {
    match profile.key_source() {
        KeySource::Env(name) => PROVIDERS.iter().find(|(variable, _)| variable == name),
        _ => None,
    }
}

/// The rule of the module's header.
pub(super) fn may_go(build: &mut Build, profile: &Profile, stated: Stated, trust: &Trust) -> bool {
    if !stated.by_project {
        return true;
    }
    let host = host_of(profile);
    let known_host = PROVIDERS.iter().any(|(_, hosts)| hosts.contains(&host))
        || trust.hosts.iter().any(|trusted| trusted == host);
    let trust_help =
        format!("if you trust it, add [trust] hosts = [\"{host}\"] to your user configuration");
    let (message, label) = match profile.key_source() {
        KeySource::None => return true,
        KeySource::Command(_) => (
            "a project file may not run a key command".to_owned(),
            "move the profile to your user configuration, or list the folder there under [trust] projects".to_owned(),
        ),
        KeySource::Env(_) | KeySource::File(_) if profile.is_loopback() || stated.typed_host => return true,
        KeySource::Env(name) => match own_variable(profile) {
            Some((_, hosts)) if hosts.contains(&host) || trust.hosts.iter().any(|trusted| trusted == host) => return true,
            Some(_) => (format!("`{name}` would be sent to {host}, which is not its provider"), trust_help),
            None if known_host || name.starts_with("VOICESPOOL_") => return true,
            None => (
                format!("`{name}` would be sent to {host}, which is no known provider"),
                format!("name the variable VOICESPOOL_…, or {trust_help}"),
            ),
        },
        KeySource::File(_) if known_host => return true,
        KeySource::File(path) => (format!("the file {} would be sent to {host}, which is no known provider", path.display()), trust_help),
    };
    build.error(stated.loc, message, label);
    false
}

pub(super) fn read(build: &mut Build, user: &FileTable, root: &Path) -> Trust {
    let default = TrustTable::default();
    let table = user.trust.value().unwrap_or(&default);
    let words = |field: &Field<Vec<At<String>>>| -> Vec<String> {
        field
            .value()
            .map(|list| list.iter().map(|at| at.value.clone()).collect())
            .unwrap_or_default()
    };
    let mut hosts: Vec<String> = words(&table.hosts)
        .iter()
        .map(|host| host.to_lowercase())
        .collect();
    if let Some(text) =
        variable_of("trust.hosts").and_then(|variable| build.variable::<String>(variable))
    {
        hosts.extend(text.split(',').map(|host| host.trim().to_lowercase()));
    }
    let real = |path: &Path| path.canonicalize().ok();
    let folder = real(root);
    let project = words(&table.projects)
        .iter()
        .filter_map(|path| real(&expand(path, None, &build.env)))
        .any(|trusted| {
            folder
                .as_ref()
                .is_some_and(|folder| folder.starts_with(&trusted))
        });
    Trust { hosts, project }
}
