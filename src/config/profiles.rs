//! All profiles of one loading: the built-in ones, the user's, the project's, by name. Whether a
//! credential may go where a profile points is decided by `trust`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::address::{address_override, override_address, parse_address, read_identity};
use crate::config::build::Build;
use crate::config::contract::{Contract, contract, contract_of};
use crate::config::credential::{CredentialSource, CredentialSpec};
use crate::config::document::{Loc, PROJECT};
use crate::config::env::Env;
use crate::config::folders::expand;
use crate::config::profile::{Profile, Timeouts};
use crate::config::reader::{At, Field};
use crate::config::routes::{read_paths, read_timeouts, refuse_for_local};
use crate::config::tables::{FileTable, ProfileTable};
use crate::config::text::{Auth, EngineKind};
use crate::config::trust::{self, Stated, Trust};
use crate::engine::rest::{BaseUrl, Kind, Paths, Scheme};

/// The profiles by name; `None` for one whose problems were reported.
pub(super) type Profiles = BTreeMap<String, Option<Profile>>;

/// Builds all profiles: the built-in ones, the user's, the project's. One of a higher
/// layer replaces one of the same name whole, so that no key of one meets the address of
/// the other.
pub(super) fn build_profiles(
    build: &mut Build,
    project: &FileTable,
    user: &FileTable,
    (root, trust): (&Path, &Trust),
    base_url_flag: Option<&str>,
) -> Profiles {
    let address = address_override(build, base_url_flag);
    let mut profiles = Profiles::new();
    for kind in EngineKind::all() {
        let mut profile = built_in(contract_of(kind), build.env.clone());
        override_address(&mut profile, address.as_ref());
        profile.key_in_clear = trust::lets_in_clear(trust, profile.host());
        profiles.insert(kind.as_str().to_owned(), Some(profile));
    }
    for file in [user, project] {
        let Some(named) = file.profile.value() else {
            continue;
        };
        for (name, at) in &named.0 {
            let folder = if at.key.doc == PROJECT {
                Some(root)
            } else {
                None
            };
            let profile = build_profile(build, name, at, folder, trust, address.as_ref());
            profiles.insert(name.clone(), profile);
        }
    }
    for file in [user, project] {
        for (name, at) in file.profile.value().map_or(&[][..], |named| &named.0) {
            refuse_same_identity(build, name, at, &profiles);
        }
    }
    profiles
}

/// Two addresses under one identity would share a gate, and so their requests.
fn refuse_same_identity(build: &mut Build, name: &str, at: &At<ProfileTable>, profiles: &Profiles) {
    let (Some(identity), Some(Some(own))) = (at.value.identity.given(), profiles.get(name)) else {
        return;
    };
    let address = |profile: &Profile| profile.base_url.as_ref().map(BaseUrl::identity);
    let other = profiles.values().flatten().find(|other| {
        other.name != own.name
            && other.endpoint() == own.endpoint()
            && address(other) != address(own)
    });
    if let Some(other) = other {
        build.error(
            identity.loc,
            format!(
                "[profile.{}] has this identity too, at another address",
                other.name
            ),
            "choose another name",
        );
    }
}

fn built_in((kind, dialect): Contract, env: Env) -> Profile {
    let facts = dialect.map(Kind::facts);
    let url = facts.and_then(|facts| facts.base_url);
    let variable = facts.and_then(|facts| facts.key_variable);
    Profile {
        name: kind.as_str().to_owned(),
        kind,
        dialect,
        base_url: url.and_then(|url| BaseUrl::parse(url).ok()),
        auth: match (variable, dialect) {
            (Some(_), Some(dialect)) => auth_of(dialect),
            _ => Auth::None,
        },
        timeouts: Timeouts::default(),
        paths: dialect.map(Paths::of).unwrap_or_default(),
        credential: variable.map_or(CredentialSource::None, |name| {
            CredentialSource::Env(name.to_owned())
        }),
        identity: None,
        key_in_clear: false,
        is_unknown_host: false,
        env,
    }
}

/// How a key travels to a provider of `dialect`, where one does.
fn auth_of(dialect: Kind) -> Auth {
    match dialect.facts().auth {
        Scheme::Raw => Auth::Raw,
        // A key in front of a server that asks for none is for a proxy.
        Scheme::Bearer | Scheme::None => Auth::Bearer,
    }
}

fn build_profile(
    build: &mut Build,
    name: &str,
    at: &At<ProfileTable>,
    project: Option<&Path>,
    trust: &Trust,
    address: Option<&BaseUrl>,
) -> Option<Profile> {
    let table = &at.value;
    let Some(contract) = contract(build, name, at) else {
        // What else is wrong with the address is worth saying at once.
        if let Some(url) = table.base_url.given() {
            parse_address(build, url);
        }
        return None;
    };
    let mut profile = Profile {
        name: name.to_owned(),
        ..built_in(contract, build.env.clone())
    };
    let (EngineKind::Rest(_), Some(dialect)) = contract else {
        refuse_for_local(build, table);
        return Some(profile);
    };
    profile.base_url = Some(base_url(build, at, &profile, address)?);
    override_address(&mut profile, address);
    if let Some(timeouts) = table.timeouts.value() {
        profile.timeouts = read_timeouts(build, timeouts);
    }
    read_paths(build, table, &mut profile);
    profile.identity = read_identity(build, table);
    let spec = match &table.key {
        Field::Given(key) => Some(key),
        Field::Bad => return None,
        Field::Absent => None,
    };
    profile.credential = source_of(build, &profile, spec, at.loc, project)?;
    profile.auth = match (&profile.credential, table.auth.value()) {
        (CredentialSource::None, _) => Auth::None,
        (_, auth) => auth.copied().unwrap_or(auth_of(dialect)),
    };
    if profile.auth == Auth::None {
        profile.credential = CredentialSource::None;
    }
    let spec_loc = spec.map(|spec| spec.loc);
    let by_project = project.is_some() && !trust.project;
    let stated = Stated {
        by_project,
        typed_host: address.is_some(),
        loc: spec_loc.unwrap_or(at.loc),
    };
    judge(build, &mut profile, at, stated, trust).then_some(profile)
}

/// Where the server answers; `None` if that is wrong, which has been said then.
fn base_url(
    build: &mut Build,
    at: &At<ProfileTable>,
    profile: &Profile,
    flag: Option<&BaseUrl>,
) -> Option<BaseUrl> {
    match &at.value.base_url {
        Field::Given(url) => parse_address(build, url),
        Field::Bad => None,
        Field::Absent if profile.base_url.is_none() && flag.is_none() => {
            build.error(
                at.loc,
                format!("[profile.{}] has no `base_url`", profile.name),
                "add base_url = \"https://…/v1\": where the server answers",
            );
            None
        }
        Field::Absent => profile.base_url.clone().or_else(|| flag.cloned()),
    }
}

/// The source of the key: as written, or the usual one of the provider.
fn source_of(
    build: &mut Build,
    profile: &Profile,
    spec: Option<&At<CredentialSpec>>,
    header: Loc,
    project: Option<&Path>,
) -> Option<CredentialSource> {
    let Some(spec) = spec else {
        if profile.is_loopback() {
            return Some(CredentialSource::None);
        }
        if profile.target().is_own() {
            return Some(profile.credential.clone());
        }
        let label = "add key = { env = \"VOICESPOOL_KEY_…\" }, or key = \"none\"";
        build.error(
            header,
            format!("[profile.{}] has no `key`", profile.name),
            label,
        );
        return None;
    };
    Some(match &spec.value {
        CredentialSpec::None => CredentialSource::None,
        CredentialSpec::Env(name) => CredentialSource::Env(name.clone()),
        CredentialSpec::Command(argv) => CredentialSource::Command(argv.clone()),
        CredentialSpec::File(path) => CredentialSource::File(expand(path, project, &build.env)),
    })
}

/// Whether the profile may be used as it stands; what a person has to agree to is noted in it.
fn judge(
    build: &mut Build,
    profile: &mut Profile,
    at: &At<ProfileTable>,
    stated: Stated,
    trust: &Trust,
) -> bool {
    if let (CredentialSource::File(path), Some(at)) = (&profile.credential, at.value.key.given())
        && build.refuse_outside(at.loc, "the key file", path)
    {
        return false;
    }
    profile.key_in_clear = trust::lets_in_clear(trust, profile.host());
    if profile
        .base_url
        .as_ref()
        .is_some_and(BaseUrl::is_local_clear)
    {
        let loc = at.value.base_url.given().map_or(at.loc, |url| url.loc);
        trust::check_clear(build, profile.target(), loc, trust);
    }
    profile.is_unknown_host = trust::is_unknown(profile.target(), stated, trust);
    trust::may_go(build, profile.target(), stated, trust)
}
