//! How loud a finished file came out, against what was asked for.

use crate::audio::{Joined, Proof};
use crate::domain::Aim;
use crate::pipeline::recipe::{Assemble, Sound};

/// How loud the file came out, if that was asked for: measured on what was written. What was missed is an error.
pub(super) fn came_out(
    recipe: &Assemble,
    joined: &Joined,
    proof: Option<Proof>,
) -> Option<Result<String, String>> {
    let Sound {
        loudness, standard, ..
    } = recipe.sound;
    let standards = standard.map(|standard| standard.to_string());
    let wanted = standards.or(loudness.map(|loudness| loudness.to_string()))?;
    let (Some(level), Some(proof)) = (joined.level, proof) else {
        return Some(Err(format!(
            "too short or too quiet to be brought to {wanted}: left as it is"
        )));
    };
    let found = match level.aim {
        Aim::Lufs(_) => proof.loudness,
        Aim::Rms(_) => proof.rms,
    };
    let unit = level.aim.unit();
    let peak = match standard {
        Some(_) => format!("peak {:.1} dB", proof.peak),
        None => format!("true peak {:.1} dBTP", proof.true_peak),
    };
    let made = format!(
        "{found:.1} {unit}, {peak} (the clips had {:.1} {unit}; gain {:+.1} dB)",
        level.before, level.gain
    );
    let is_missed = match standard {
        Some(standard) => (found - level.aim.value()).abs() > standard.tolerance(),
        None => level.is_limited,
    };
    Some(if is_missed {
        Err(format!("{made}; {wanted} would have cut off peaks"))
    } else {
        Ok(made)
    })
}
