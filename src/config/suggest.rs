//! Did you mean …? The nearest known word to a mistyped one.

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
        .map(|word| (distance(&folded, &fold(word)), word))
        .filter(|&(distance, word)| distance <= allowed && distance < fold(word).chars().count())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

fn fold(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

/// Edits between two words, a swap of neighbours counting one (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let change = rows[i][j] + usize::from(a != b);
            let mut best = change.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
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
