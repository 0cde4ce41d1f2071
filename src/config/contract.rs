//! Which client speaks to a profile and whose contract it keeps, from `kind`, `dialect` and the name.

use crate::config::build::Build;
use crate::config::reader::{At, Field};
use crate::config::tables::ProfileTable;
use crate::config::text::EngineKind;
use crate::engine::rest::Kind;

/// Which client, and whose contract; no contract for the built-in voice.
pub(super) type Contract = (EngineKind, Option<Kind>);

/// The client that speaks `dialect`.
fn client_of(dialect: Kind) -> EngineKind {
    EngineKind::Rest(dialect.family())
}

/// What `kind` alone says.
pub(super) fn contract_of(kind: EngineKind) -> Contract {
    match kind {
        EngineKind::Local => (kind, None),
        EngineKind::Rest(family) => (kind, Some(family)),
    }
}

/// What `kind` and `dialect` say together; where neither is written, the profile's name.
pub(super) fn contract(build: &mut Build, name: &str, at: &At<ProfileTable>) -> Option<Contract> {
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
