//! Trust: which credential may go where.
//!
//! A project file comes with a folder that may not be the user's own work, so it must
//! not be able to send the user's secrets away or to run programs. The rule, in order:
//!
//! 1. What the user's own configuration, a flag or `VOICESPOOL_BASE_URL` says is trusted,
//!    and so are project files in a folder under `[trust] projects` there.
//! 2. A key **command** in any other project file is refused.
//! 3. To this machine any key may go.
//! 4. A variable of a known provider (its `key_variable`) goes to that provider's hosts only.
//! 5. Any other variable or key file goes to known providers and to hosts under
//!    `[trust] hosts`, and no further, whatever its name. A key file lies in the project's folder.
//! 6. A host that neither the user's configuration nor a built-in provider knows gets nothing at
//!    all before a person agreed to it by name (`--allow-host`, or typed at the question).

use std::path::Path;

use crate::config::build::{Build, variable_of};
use crate::config::credential::CredentialSource;
use crate::config::document::Loc;
use crate::config::folders::expand;
use crate::config::reader::{At, Field};
use crate::config::tables::{FileTable, TrustTable};
use crate::engine::rest::{BaseUrl, Kind};

/// What the user trusts, from the user's own configuration.
#[derive(Debug, Default)]
pub(super) struct Trust {
    hosts: Vec<String>,
    /// Of the local network, where a key may travel in clear.
    insecure_http: Vec<String>,
    /// Of the user's own profiles.
    own: Vec<String>,
    /// Agreed to by name, for what is sent; no key goes there for it.
    allowed: Vec<String>,
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

/// Where a request would go with its credential.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) credential: &'a CredentialSource,
    pub(super) host: &'a str,
    /// Requests stay on this machine.
    pub(super) is_loopback: bool,
}

impl Target<'_> {
    /// The provider whose own variable holds the credential.
    fn owner(self) -> Option<Kind> {
        match self.credential {
            CredentialSource::Env(name) => Kind::of_variable(name),
            _ => None,
        }
    }

    /// Whether the credential is the one of the provider whose host this is.
    pub(super) fn is_own(self) -> bool {
        self.owner().is_some_and(|owner| owner.has_host(self.host))
    }
}

/// The rule of the module's header.
pub(super) fn may_go(build: &mut Build, target: Target<'_>, stated: Stated, trust: &Trust) -> bool {
    if !stated.by_project {
        return true;
    }
    let host = target.host;
    let is_trusted = trust.hosts.iter().any(|trusted| trusted == host);
    let is_known = is_trusted || Kind::is_known_host(host);
    let trust_help =
        format!("if you trust it, add [trust] hosts = [\"{host}\"] to your user configuration");
    let (message, label) = match target.credential {
        CredentialSource::None => return true,
        CredentialSource::Command(_) => (
            "a project file may not run a key command".to_owned(),
            "move the profile to your user configuration, or list the folder there under [trust] projects".to_owned(),
        ),
        CredentialSource::Env(_) | CredentialSource::File(_)
            if target.is_loopback || stated.typed_host =>
        {
            return true;
        }
        CredentialSource::Env(_) if target.is_own() => return true,
        CredentialSource::Env(name) => match target.owner() {
            Some(_) if is_trusted => return true,
            Some(_) => (
                format!("`{name}` would be sent to {host}, which is not its provider"),
                trust_help,
            ),
            None if is_known => return true,
            None => (
                format!("`{name}` would be sent to {host}, which is no known provider"),
                trust_help,
            ),
        },
        CredentialSource::File(_) if is_known => return true,
        CredentialSource::File(path) => (
            format!(
                "the file {} would be sent to {host}, which is no known provider",
                path.display()
            ),
            trust_help,
        ),
    };
    build.error(stated.loc, message, label);
    false
}

/// Whether a person has to agree to the host by name before anything is sent to it.
pub(super) fn is_unknown(target: Target<'_>, stated: Stated, trust: &Trust) -> bool {
    let host = target.host;
    let is_among = |hosts: &[String]| hosts.iter().any(|known| known == host);
    stated.by_project
        && !target.is_loopback
        && !stated.typed_host
        && !Kind::is_known_host(host)
        && !is_among(&trust.hosts)
        && !is_among(&trust.own)
        && !is_among(&trust.allowed)
}

/// Whether the user lets a key travel in clear to `host`.
pub(super) fn lets_in_clear(trust: &Trust, host: &str) -> bool {
    trust.insecure_http.iter().any(|known| known == host)
}

/// Plain http on the local network: without a key everybody there can read along, which is said;
/// with one it is an error, unless the user's own configuration names the host.
pub(super) fn check_clear(build: &mut Build, target: Target<'_>, loc: Loc, trust: &Trust) {
    let host = target.host;
    if matches!(target.credential, CredentialSource::None) {
        build.warn(
            loc,
            format!(
                "plain http: whoever is on the network can read and change what goes to {host}"
            ),
            "use https where the server has it",
        );
    } else if !lets_in_clear(trust, host) {
        build.error(
            loc,
            format!("plain http would send the key to {host} in clear"),
            format!("use https, or key = \"none\"; or allow it in your user configuration: [trust] insecure_http = [\"{host}\"]"),
        );
    }
}

pub(super) fn read(build: &mut Build, user: &FileTable, root: &Path, allowed: &[String]) -> Trust {
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
    let profiles = user.profile.value().map(|named| named.0.as_slice());
    let own = profiles
        .unwrap_or_default()
        .iter()
        .filter_map(|(_, at)| BaseUrl::parse(at.value.base_url.value()?).ok())
        .map(|url| url.host().to_owned())
        .collect();
    let insecure_http = words(&table.insecure_http);
    Trust {
        insecure_http: insecure_http
            .iter()
            .map(|host| host.to_lowercase())
            .collect(),
        hosts,
        own,
        allowed: allowed.iter().map(|host| host.to_lowercase()).collect(),
        project,
    }
}
