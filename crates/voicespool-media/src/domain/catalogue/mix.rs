//! Mixed voices: `a+b`, `a(2)+b(0.5)`, any number of parts with decimal weights.

/// One part of a mix.
#[derive(Debug, Clone, PartialEq)]
pub struct VoicePart {
    pub name: String,
    /// Finite and above zero; 1 where none is written.
    pub weight: f64,
}

/// Why a text is no voice and no mix of voices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MixProblem {
    #[error("a part of the mix `{mix}` has no name; write it like a(2)+b(1)")]
    NoName { mix: String },
    #[error("the weight `{weight}` of `{name}` is no number above 0; write it like {name}(2)")]
    Weight { name: String, weight: String },
    #[error("the part `{part}` of the mix has no closing bracket last; write it like a(2)")]
    Brackets { part: String },
}

/// Reads a mix; a plain name is a mix of one.
///
/// # Errors
/// [`MixProblem`] for an empty part, a weight that is none, brackets that do not match.
pub fn parse_mix(mix: &str) -> Result<Vec<VoicePart>, MixProblem> {
    mix.split('+').map(|part| parse_part(mix, part)).collect()
}

fn parse_part(mix: &str, part: &str) -> Result<VoicePart, MixProblem> {
    let brackets = || MixProblem::Brackets {
        part: part.to_owned(),
    };
    let (name, weight) = match part.split_once('(') {
        None if part.contains(')') => return Err(brackets()),
        None => (part, None),
        Some((name, rest)) => {
            let weight = rest.strip_suffix(')').ok_or_else(brackets)?;
            (name, Some(weight))
        }
    };
    if name.trim().is_empty() {
        return Err(MixProblem::NoName {
            mix: mix.to_owned(),
        });
    }
    let weight = match weight {
        None => 1.0,
        Some(text) => text
            .parse()
            .ok()
            .filter(|weight: &f64| weight.is_finite() && *weight > 0.0)
            .ok_or_else(|| MixProblem::Weight {
                name: name.to_owned(),
                weight: text.to_owned(),
            })?,
    };
    Ok(VoicePart {
        name: name.to_owned(),
        weight,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_names_with_weights() {
        let part = |name: &str, weight| VoicePart {
            name: name.to_owned(),
            weight,
        };

        assert_eq!(parse_mix("a").unwrap(), [part("a", 1.0)]);
        assert_eq!(
            parse_mix("a(2)+b(0.5)+c").unwrap(),
            [part("a", 2.0), part("b", 0.5), part("c", 1.0)]
        );
    }

    #[test]
    fn what_is_no_mix_says_why() {
        for (mix, problem) in [
            ("", "no name"),
            ("a+", "no name"),
            ("+a", "no name"),
            ("(2)+a", "no name"),
            ("a(0)", "above 0"),
            ("a(-1)", "above 0"),
            ("a(NaN)", "above 0"),
            ("a(inf)", "above 0"),
            ("a(x)+b", "above 0"),
            ("a(2", "closing bracket"),
            ("a(2)x", "closing bracket"),
            ("a)+b", "closing bracket"),
        ] {
            let found = parse_mix(mix).unwrap_err().to_string();
            assert!(found.contains(problem), "{mix}: {found}");
        }
    }
}
