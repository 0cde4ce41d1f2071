//! Keeping keys off the screen: people paste them where they do not belong, and the
//! message that says so must not repeat them.

use std::borrow::Cow;

/// How the keys of known services begin.
const KEY_PREFIXES: &[&str] = &[
    "sk-", "sk_", "tgp_", "gsk_", "hf_", "xai-", "AIza", "ghp_", "AKIA", "eyJ",
];

/// Shortest word that is taken for a key.
const SHORTEST_KEY: usize = 12;

/// `text` with `***` for whatever may be a key: words that begin like one, and the value
/// of an assignment whose name says that it holds one.
pub(super) fn conceal(text: &str) -> Cow<'_, str> {
    if let Some((name, value)) = text.split_once('=').filter(|(name, _)| holds_secret(name)) {
        // The name may be a key itself.
        let name = map_words(name, |_| false);
        let plain = value.trim_start();
        let names_a_source = plain.starts_with('{') || plain.starts_with("\"none\"");
        if names_a_source {
            return Cow::Owned(format!("{name}={}", map_words(value, is_long_and_mixed)));
        }
        return Cow::Owned(format!("{name}= ***"));
    }
    if KEY_PREFIXES.iter().any(|prefix| text.contains(prefix)) {
        return Cow::Owned(map_words(text, |_| false));
    }
    Cow::Borrowed(text)
}

/// Whether an assignment to `name` holds something secret.
fn holds_secret(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let plain = last.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    // A name and nothing else: prose with an equals sign is no assignment.
    plain
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && ["key", "token", "secret", "password"]
            .iter()
            .any(|word| plain.contains(word))
}

fn map_words(text: &str, also: impl Fn(&str) -> bool) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word_end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let hidden = word.len() >= SHORTEST_KEY
            && (KEY_PREFIXES.iter().any(|prefix| word.starts_with(prefix)) || also(word));
        out.push_str(if hidden { "***" } else { word });
        let gap_end = after.find(is_word).unwrap_or(after.len());
        let (gap, next) = after.split_at(gap_end);
        out.push_str(gap);
        rest = next;
    }
    out
}

fn is_long_and_mixed(word: &str) -> bool {
    word.len() >= 16
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hidden_and_names_are_not() {
        for (text, expected) in [
            ("key = \"abcdef\"", "key = ***"),
            ("  profile.x.api_key= 'abc'", "  profile.x.api_key= ***"),
            ("key = abcdefgh # oops", "key = ***"),
            (
                "key = { env = \"TOGETHER_API_KEY\" }",
                "key = { env = \"TOGETHER_API_KEY\" }",
            ),
            (
                "key = { env = \"9f8e7d6c5b4a39281706\" }",
                "key = { env = \"***\" }",
            ),
            ("key = \"none\"", "key = \"none\""),
            ("voice = \"sk-CANARY-7f3a0000\"", "voice = \"***\""),
            (
                "model = \"nvidia/nemotron-3-asr-streaming-0.6b\"",
                "model = \"nvidia/nemotron-3-asr-streaming-0.6b\"",
            ),
            ("sk-CANARY-7f3a0000-key = \"x\"", "*** = ***"),
            (
                "`sk-CANARY-7f3a0000` is none of bearer",
                "`***` is none of bearer",
            ),
        ] {
            assert_eq!(conceal(text), expected);
        }
    }
}
