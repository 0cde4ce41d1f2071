//! How a profile is reached at its address: timeouts and routes, which the built-in voice has none of.

use std::time::Duration;

use crate::config::build::Build;
use crate::config::profile::{Profile, Timeouts};
use crate::config::reader::Field;
use crate::config::tables::{ProfileTable, TimeoutsTable};
use crate::config::text::TotalTimeout;
use crate::engine::rest::Kind;

pub(super) fn refuse_for_local(build: &mut Build, table: &ProfileTable) {
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

pub(super) fn read_timeouts(build: &mut Build, table: &TimeoutsTable) -> Timeouts {
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

pub(super) fn read_paths(build: &mut Build, table: &ProfileTable, profile: &mut Profile) {
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
