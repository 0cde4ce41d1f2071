//! What people read: a number that may be one is counted (`counted`, `term::count`), so that nobody
//! reads "1 jobs", and money is shown with `display`, so that nobody reads nine decimals.

use proc_macro2::{TokenStream, TokenTree};

use super::source::load;

/// Things that messages count.
const THINGS: &[&str] = &[
    "answers",
    "bytes",
    "chapters",
    "characters",
    "chars",
    "chunks",
    "columns",
    "cues",
    "entries",
    "files",
    "gaps",
    "hours",
    "jobs",
    "leases",
    "letters",
    "lines",
    "minutes",
    "models",
    "notes",
    "pages",
    "parts",
    "places",
    "profiles",
    "recordings",
    "requests",
    "rows",
    "runs",
    "seconds",
    "segments",
    "sentences",
    "tasks",
    "times",
    "voices",
    "words",
];

/// Beginnings of messages whose number is never one, with the reason.
const NEVER_ONE: &[(&str, &str)] = &[
    (
        "a chunk cannot aim for more than",
        "limits below 16 characters are refused before",
    ),
    (
        "a chunk of at least",
        "a verb follows: the thing is an adjective's",
    ),
    ("the answer is larger than", "caps are thousands of bytes"),
    (
        "the cache folder's path is longer than",
        "the system's limit, in the hundreds",
    ),
    ("the answers of ", "one is told apart before"),
    ("{} rows of the manifests", "one is told apart before"),
    ("{} (", "one is told apart before"),
    ("the word times of", "so many of so many"),
    ("{} of ", "so many of so many"),
    ("limited by your", "a limit of one a minute is read as one"),
    (
        "all {} requests of limits.concurrency",
        "of one request it is said as well",
    ),
    ("task {}: the first", "five"),
    ("one answer cost", "a factor of one is no guard"),
    ("at most ", "limits that a provider names"),
    ("the last ", "twenty and more"),
    ("so long a text", "thousands"),
    ("{} does not apply to", "a state, and no number"),
    ("{} tasks were typed", "of a bug"),
    ("{} jobs", "a kind, or of a bug"),
    ("`{}` of {} answers no", "a verb"),
    ("{} answers a WebSocket", "a verb"),
    ("the pattern is longer than", "thousands"),
    ("an event has more than", "millions"),
    ("the URL has", "thousands"),
    ("`id` is longer than", "hundreds"),
    ("no speech has more than", "rates, with decimals"),
    ("limited by the provider's stated", "a rate, with decimals"),
    (
        "{} columns make no line",
        "below ten, or above 200: one is told with the range",
    ),
    ("{} lines make no cue", "one makes one"),
    ("{} letters of other scripts", "one is told apart before"),
    ("the samples break off", "so many of so many"),
    ("the WAV's header makes no sense", "a header's own numbers"),
];

/// Every string literal of a file but those of its tests.
fn literals(stream: TokenStream, found: &mut Vec<String>) {
    let mut is_test = false;
    for token in stream {
        match token {
            TokenTree::Group(group) => {
                // `#[cfg(test)] mod tests { … }`: the group after the attribute's own.
                let is_attribute = group.delimiter() == proc_macro2::Delimiter::Bracket;
                if is_attribute && group.stream().to_string().replace(' ', "") == "cfg(test)" {
                    is_test = true;
                } else if is_test && group.delimiter() == proc_macro2::Delimiter::Brace {
                    is_test = false;
                } else {
                    literals(group.stream(), found);
                }
            }
            TokenTree::Literal(literal) => {
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    found.push(text.value());
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// `text` with what stands in braces left out: `{} jobs`.
fn bare(text: &str) -> String {
    let (mut bare, mut depth) = (String::new(), 0);
    for char in text.chars() {
        match char {
            '{' => depth += 1,
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    bare.push_str("{}");
                }
            }
            _ if depth == 0 => bare.push(char),
            _ => {}
        }
    }
    bare
}

/// Whether a number stands before a thing in the plural.
fn counts_by_hand(text: &str) -> bool {
    let words: Vec<_> = text
        .split(|char: char| char.is_whitespace() || ",;:.()".contains(char))
        .collect();
    words
        .windows(2)
        .any(|pair| pair[0].ends_with("{}") && THINGS.contains(&pair[1]))
}

#[test]
fn what_is_counted_in_a_message_is_right_for_one() {
    let mut wrong = Vec::new();
    for file in load() {
        if file.room() == "mock" {
            continue;
        }
        let mut found = Vec::new();
        literals(file.text.parse().unwrap(), &mut found);
        for text in found.iter().map(|text| bare(text)) {
            let is_known = NEVER_ONE.iter().any(|(begin, _)| text.starts_with(begin));
            if counts_by_hand(&text) && !is_known {
                wrong.push(format!("{}: {text}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_number_before_a_thing_is_seen_and_words_are_not() {
    assert!(counts_by_hand(&bare("took back {} leases")));
    assert!(counts_by_hand(&bare("it has {count:>4} files, and more")));
    assert!(!counts_by_hand(&bare("the {state} of all jobs")));
    assert!(!counts_by_hand(&bare("files of {path}")));
}
