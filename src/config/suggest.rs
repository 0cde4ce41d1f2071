//! Did you mean …? The nearest known word to a mistyped one.

use strsim::osa_distance;

/// The word of `known` that `found` was probably meant to be, if any is near.
///
/// Near is: the same but for case, `-` and `_`; or at most a third of its letters (and
/// at most three) inserted, left out, changed or swapped with a neighbour.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Distances are quadratic, and nobody mistypes a thousand letters.
    if found.len() > 80 {
        return None;
    }
    let folded = fold(found);
    let allowed = (folded.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|word| (osa_distance(&folded, &fold(word)), word))
        .filter(|&(distance, word)| distance <= allowed && distance < fold(word).chars().count())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

fn fold(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

/// `` `a`, `b` and `c` ``.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `` did you mean `x`? `` or the list of what there is.
pub(super) fn did_you_mean(found: &str, known: &[&str]) -> String {
    match nearest(found, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("known: {}", listed(known.iter().copied())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_far_ones_are_not() {
        let known = ["max_cost", "confirm_above", "on_in_doubt", "rpm"];
        for (found, expected) in [
            ("max_costs", Some("max_cost")),
            ("Max-Cost", Some("max_cost")),
            ("comfirm_abvoe", Some("confirm_above")),
            ("prm", Some("rpm")),
            ("x", None),
            ("banana", None),
        ] {
            assert_eq!(nearest(found, known), expected, "{found}");
        }
        assert_eq!(nearest(&"m".repeat(1000), known), None);
        assert_eq!(nearest("", known), None);
    }
}
