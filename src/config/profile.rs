//! Profiles: where requests go, how, and where the credential is found. Whether it may go
//! there is decided by `trust`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::config::build::{Build, Origin, variable_of};
use crate::config::credential::{Credential, CredentialError, CredentialSource, CredentialSpec};
use crate::config::document::{Loc, PROJECT};
use crate::config::env::Env;
use crate::config::folders::expand;
use crate::config::problem::Problem;
use crate::config::reader::{At, Field};
use crate::config::tables::{FileTable, ProfileTable, TimeoutsTable};
use crate::config::text::{Auth, EngineKind, TotalTimeout};
use crate::config::trust::{self, Stated, Target, Trust};
use crate::domain::catalogue::Provider;
use crate::engine::rest::{BaseUrl, Catalogue, Kind, OptionsError, Paths, Scheme};

/// How long to wait for a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    pub total: TotalTimeout,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            total: TotalTimeout::Auto,
        }
    }
}

/// One place requests go to.
#[derive(Debug, Clone)]
pub struct Profile {
    pub name: String,
    pub kind: EngineKind,
    /// Whose contract the provider keeps; `None` for the local voice only.
    pub dialect: Option<Kind>,
    /// `None` for the local voice only.
    pub base_url: Option<BaseUrl>,
    /// [`Auth::None`] where no key is wanted.
    pub auth: Auth,
    pub timeouts: Timeouts,
    pub paths: Paths,
    /// What stands for the address in keys.
    identity: Option<String>,
    /// The user lets its key travel in clear.
    key_in_clear: bool,
    /// A project that nobody vouches for names a host that nobody here knows.
    is_unknown_host: bool,
    credential: CredentialSource,
    env: Env,
}

impl Profile {
    /// Where the key is looked up; says nothing about whether it is there.
    pub fn credential_source(&self) -> &CredentialSource {
        &self.credential
    }

    /// Looks the key up now. `None` where none is wanted; that is also so for a server on
    /// this machine when the variable is not set.
    pub async fn credential(&self) -> Result<Option<Credential>, CredentialError> {
        match self.credential.resolve(&self.env).await {
            Err(CredentialError::Unset { .. }) if self.is_loopback() => Ok(None),
            other => other,
        }
    }

    /// Identity of where requests go, part of every job's key: kind, host and path, or kind and the
    /// name that the profile gives it, so that a server may move and sell nothing twice.
    /// The dialect is no part of it: naming one buys nothing again.
    pub fn endpoint(&self) -> String {
        match &self.base_url {
            Some(url) => {
                let own = self.identity.clone();
                let identity = own.unwrap_or_else(|| url.identity());
                format!("{}:{identity}", self.kind.as_str())
            }
            None => self.kind.as_str().to_owned(),
        }
    }

    /// Whether requests stay on this machine.
    pub fn is_loopback(&self) -> bool {
        self.base_url.as_ref().is_none_or(BaseUrl::is_loopback)
    }

    /// The host, where a person has to agree to it by name before anything is sent there.
    pub fn unknown_host(&self) -> Option<&str> {
        self.is_unknown_host.then(|| self.host())
    }

    /// Whether the user's own configuration lets the key travel over plain http.
    pub fn key_in_clear(&self) -> bool {
        self.key_in_clear
    }

    /// A person agreed to `host` by name.
    pub fn agree_to(&mut self, host: &str) {
        if self.host() == host {
            self.is_unknown_host = false;
        }
    }

    /// The host requests go to; empty for the local voice.
    pub(super) fn host(&self) -> &str {
        self.base_url.as_ref().map_or("", BaseUrl::host)
    }

    fn target(&self) -> Target<'_> {
        Target {
            credential: &self.credential,
            host: self.host(),
            is_loopback: self.is_loopback(),
        }
    }

    /// What the built-in list of models says of this provider, or of a look-alike of it on
    /// this machine.
    pub(super) fn catalogue(&self) -> Option<Catalogue> {
        let url = self.base_url.as_ref()?;
        let dialect = self.dialect?;
        let catalogue = dialect.catalogue()?;
        (url.is_loopback() || dialect.has_host(url.host())).then_some(catalogue)
    }

    /// The provider whose models, voices and deliveries the built-in list has, if that is this one.
    pub(super) fn listed(&self) -> Option<Provider> {
        let catalogue = self.catalogue().filter(|catalogue| catalogue.is_full)?;
        Some(catalogue.provider)
    }

    /// Whether its kind is one whose models the built-in list has, wherever it answers.
    pub(super) fn is_of_listed_kind(&self) -> bool {
        let catalogue = self.dialect.and_then(Kind::catalogue);
        catalogue.is_some_and(|catalogue| catalogue.is_full)
    }

    /// Whether it is a program of the user's own on this machine, which charges nothing.
    pub(super) fn is_own(&self) -> bool {
        let is_own = |dialect: Kind| dialect.facts().is_own;
        self.dialect.is_some_and(is_own) && self.is_loopback()
    }
}

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

/// A base URL for every profile that has one, from the flag or the environment.
fn address_override(build: &mut Build, flag: Option<&str>) -> Option<BaseUrl> {
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

fn override_address(profile: &mut Profile, address: Option<&BaseUrl>) {
    if let (true, Some(url)) = (profile.base_url.is_some(), address) {
        profile.base_url = Some(url.clone());
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
    match &table.base_url {
        Field::Given(url) => profile.base_url = Some(parse_address(build, url)?),
        Field::Bad => return None,
        Field::Absent if profile.base_url.is_none() && address.is_none() => {
            build.error(
                at.loc,
                format!("[profile.{name}] has no `base_url`"),
                "add base_url = \"https://…/v1\": where the server answers",
            );
            return None;
        }
        Field::Absent => {}
    }
    if let (None, Some(url)) = (&profile.base_url, address) {
        profile.base_url = Some(url.clone());
    }
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
    let stated = Stated {
        by_project: project.is_some() && !trust.project,
        typed_host: address.is_some(),
        loc: spec.map_or(at.loc, |spec| spec.loc),
    };
    if let (CredentialSource::File(path), Some(at)) = (&profile.credential, spec)
        && build.refuse_outside(at.loc, "the key file", path)
    {
        return None;
    }
    profile.key_in_clear = trust::lets_in_clear(trust, profile.host());
    if profile
        .base_url
        .as_ref()
        .is_some_and(BaseUrl::is_local_clear)
    {
        let loc = table.base_url.given().map_or(at.loc, |url| url.loc);
        trust::check_clear(build, profile.target(), loc, trust);
    }
    profile.is_unknown_host = trust::is_unknown(profile.target(), stated, trust);
    trust::may_go(build, profile.target(), stated, trust).then_some(profile)
}

/// Which client, and whose contract; no contract for the built-in voice.
type Contract = (EngineKind, Option<Kind>);

/// The client that speaks `dialect`.
fn client_of(dialect: Kind) -> EngineKind {
    EngineKind::Rest(dialect.family())
}

/// What `kind` alone says.
fn contract_of(kind: EngineKind) -> Contract {
    match kind {
        EngineKind::Local => (kind, None),
        EngineKind::Rest(family) => (kind, Some(family)),
    }
}

/// What `kind` and `dialect` say together; where neither is written, the profile's name.
fn contract(build: &mut Build, name: &str, at: &At<ProfileTable>) -> Option<Contract> {
    let kind = match &at.value.kind {
        Field::Given(kind) => Some(kind.value),
        Field::Bad => return None,
        Field::Absent => None,
    };
    let dialect = match &at.value.dialect {
        Field::Given(dialect) => Some(dialect),
        Field::Bad => return None,
        Field::Absent => None,
    };
    if let (Some(kind), Some(dialect)) = (kind, dialect)
        && client_of(dialect.value) != kind
    {
        build.error(
            dialect.loc,
            format!(
                "the dialect `{}` is of kind \"{}\", not \"{}\"",
                dialect.value,
                client_of(dialect.value).as_str(),
                kind.as_str()
            ),
            "leave `kind` out",
        );
        return None;
    }
    let stated = dialect.map(|dialect| dialect.value);
    let found = stated
        .map(|dialect| (client_of(dialect), Some(dialect)))
        .or(kind.map(contract_of))
        .or_else(|| match name {
            "local" => Some((EngineKind::Local, None)),
            name => {
                let dialect: Kind = name.parse().ok()?;
                Some((client_of(dialect), Some(dialect)))
            }
        });
    if found.is_none() {
        build.error(
            at.loc,
            format!("[profile.{name}] has no `kind`"),
            kind_help(),
        );
    }
    found
}

/// `add kind = "a", "b" or "local", or a dialect such as "c"`.
fn kind_help() -> String {
    let families: Vec<String> = Kind::families()
        .map(|family| format!("\"{family}\""))
        .collect();
    format!(
        "add kind = {} or \"local\", or a dialect such as \"{}\"",
        families.join(", "),
        Kind::EXAMPLE
    )
}

fn parse_address(build: &mut Build, url: &At<String>) -> Option<BaseUrl> {
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
fn read_identity(build: &mut Build, table: &ProfileTable) -> Option<String> {
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

fn refuse_for_local(build: &mut Build, table: &ProfileTable) {
    let written = [
        ("dialect", table.dialect.given().map(|at| at.key)),
        ("base_url", table.base_url.given().map(|at| at.key)),
        ("identity", table.identity.given().map(|at| at.key)),
        ("key", table.key.given().map(|at| at.key)),
        ("auth", table.auth.given().map(|at| at.key)),
        ("timeouts", table.timeouts.given().map(|at| at.key)),
        ("paths", table.paths.given().map(|at| at.key)),
    ];
    for (name, loc) in written {
        if let Some(loc) = loc {
            build.error(
                loc,
                format!("`{name}` says nothing for the built-in voice"),
                format!(
                    "leave it out; a server on this machine has kind = \"{}\"",
                    Kind::UNKNOWN
                ),
            );
        }
    }
}

fn read_timeouts(build: &mut Build, table: &TimeoutsTable) -> Timeouts {
    let default = Timeouts::default();
    let mut positive = |field: &Field<Duration>, default: Duration| match field.given() {
        Some(at) if at.value.is_zero() => {
            build.error(
                at.loc,
                "a timeout of zero stops every request",
                "write a longer time",
            );
            default
        }
        given => given.map_or(default, |at| at.value),
    };
    let (connect, idle) = (
        positive(&table.connect, default.connect),
        positive(&table.idle, default.idle),
    );
    let total = table.total.value().copied().unwrap_or(default.total);
    if let (TotalTimeout::After(Duration::ZERO), Some(at)) = (total, table.total.given()) {
        build.error(
            at.loc,
            "a timeout of zero stops every request",
            "write a longer time, or \"auto\"",
        );
    }
    Timeouts {
        connect,
        idle,
        total,
    }
}

fn read_paths(build: &mut Build, table: &ProfileTable, profile: &mut Profile) {
    let (Some(given), Some(base)) = (table.paths.value(), &profile.base_url) else {
        return;
    };
    for (field, target) in [
        (&given.speech, &mut profile.paths.speech),
        (&given.transcriptions, &mut profile.paths.transcriptions),
        (&given.translations, &mut profile.paths.translations),
        (&given.models, &mut profile.paths.models),
        (&given.voices, &mut profile.paths.voices),
    ] {
        let Some(at) = field.given() else { continue };
        match base.check_path(&at.value) {
            Ok(()) => *target = Some(at.value.clone()),
            Err(error) => build.error(
                at.loc,
                error.to_string(),
                "write it like \"/v1/audio/speech\" or \"audio/speech\"",
            ),
        }
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
