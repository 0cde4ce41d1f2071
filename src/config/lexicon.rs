//! Files that say how words are said: CSV with a header, or the W3C's Pronunciation Lexicon Specification.

use std::path::Path;

use quick_xml::events::Event;
use serde::Deserialize;

use crate::text::Entry;

/// More entries than any house has.
const LARGEST: u64 = 16 << 20;

/// A line of a CSV.
#[derive(Debug, Deserialize)]
struct Row {
    written: String,
    said: String,
    /// `de`: only in texts of this language.
    language: Option<String>,
    /// `exact` or `any`.
    case: Option<String>,
    /// `word` or `part`.
    #[serde(rename = "match")]
    whole: Option<String>,
}

/// The entries of the file at `path`.
///
/// # Errors
/// What is wrong with it, with the line.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, String> {
    let about = path
        .metadata()
        .map_err(|error| format!("it cannot be read: {error}"))?;
    if !about.is_file() || about.len() > LARGEST {
        return Err("it is no file of at most 16 MB".to_owned());
    }
    let bytes = std::fs::read(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('<') {
        read_pls(text)
    } else {
        read_csv(text)
    }
}

fn read_csv(text: &str) -> Result<Vec<Entry>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let known = ["written", "said", "language", "case", "match"];
    if !["written", "said"]
        .iter()
        .all(|name| header.iter().any(|own| own == *name))
    {
        return Err(
            "its first line must be `written,said`, and may have `language`, `case` and `match`"
                .to_owned(),
        );
    }
    if let Some(name) = header.iter().find(|name| !known.contains(name)) {
        return Err(format!("line 1: there is no column `{name}`"));
    }
    let mut entries = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| error.to_string())?
    {
        let line = record.position().map_or(0, csv::Position::line);
        let row: Row = record
            .deserialize(Some(&header))
            .map_err(|_| format!("line {line}: it must have a word and how it is said"))?;
        entries.push(entry(row).map_err(|why| format!("line {line}: {why}"))?);
    }
    Ok(entries)
}

fn entry(row: Row) -> Result<Entry, String> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let is_upper = row.written.chars().any(char::is_uppercase);
    let is_exact = match given(row.case).as_deref() {
        // A name is one with its capital; `read` is also `Read` at the beginning of a sentence.
        None => is_upper,
        Some("exact") => true,
        Some("any") => false,
        Some(other) => return Err(format!("`{other}` is no case; write exact or any")),
    };
    let is_part = match given(row.whole).as_deref() {
        None | Some("word") => false,
        Some("part") => true,
        Some(other) => return Err(format!("`{other}` is no match; write word or part")),
    };
    if row.written.is_empty() {
        return Err("the word is empty".to_owned());
    }
    Ok(Entry {
        written: row.written,
        said: row.said,
        language: given(row.language).map(|language| primary(&language)),
        is_exact,
        is_part,
    })
}

/// The primary subtag.
fn primary(language: &str) -> String {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    primary.to_ascii_lowercase()
}

/// Graphemes and their aliases. A `phoneme` is in an alphabet that a text to be spoken has no place for.
fn read_pls(text: &str) -> Result<Vec<Entry>, String> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut entries = Vec::new();
    let mut language = None;
    let mut words: Vec<String> = Vec::new();
    let (mut alias, mut content) = (None::<String>, String::new());
    loop {
        let event = reader.read_event().map_err(|error| {
            format!("it is no XML at byte {}: {error}", reader.error_position())
        })?;
        match event {
            Event::Eof => break,
            Event::Start(tag) => {
                content.clear();
                match tag.local_name().as_ref() {
                    "lexicon" => {
                        let found = tag.attributes().flatten();
                        let mut found = found.filter(|own| own.key.as_ref() == "xml:lang");
                        language = found.next().map(|own| primary(&own.value));
                    }
                    "lexeme" => (words, alias) = (Vec::new(), None),
                    _ => {}
                }
            }
            Event::Text(text) => content.push_str(&text),
            Event::GeneralRef(name) => {
                let name = format!("&{};", &*name);
                content.push_str(&html_escape::decode_html_entities(&name));
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                "grapheme" => words.push(content.trim().to_owned()),
                "alias" => alias = alias.or(Some(content.trim().to_owned())),
                "lexeme" => {
                    let Some(said) = alias.take() else {
                        let word = words.first().map_or("", String::as_str);
                        return Err(format!("`{word}` has no alias, and phonemes are not sent"));
                    };
                    for written in words.drain(..).filter(|word| !word.is_empty()) {
                        entries.push(Entry {
                            is_exact: written.chars().any(char::is_uppercase),
                            written,
                            said: said.clone(),
                            language: language.clone(),
                            is_part: false,
                        });
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    if entries.is_empty() {
        return Err("it is no lexicon: there is no lexeme in it".to_owned());
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_says_how_words_are_said() {
        let entries = read_csv(
            "written,said,language,case,match\nHermione,Her-my-oh-nee\n# no entry\nread,reed,en-GB,exact,\n\"Nguyen, Jr.\",\"Win, junior\",,,part\n",
        )
        .unwrap();

        let told: Vec<_> = entries
            .iter()
            .map(|entry| (entry.written.as_str(), entry.is_exact, entry.is_part))
            .collect();
        assert_eq!(
            told,
            [
                ("Hermione", true, false),
                ("read", true, false),
                ("Nguyen, Jr.", true, true)
            ]
        );
        assert_eq!(entries[1].language.as_deref(), Some("en"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, why) in [
            ("word,sound\na,b\n", "its first line must be"),
            ("written,said,ipa\n", "line 1: there is no column `ipa`"),
            ("written,said\na\n", "line 2: it must have a word"),
            (
                "written,said,case\na,b,upper\n",
                "line 2: `upper` is no case",
            ),
            ("written,said\n,b\n", "line 2: the word is empty"),
        ] {
            let error = read_csv(text).unwrap_err();
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }

    #[test]
    fn aliases_of_a_pls_are_taken() {
        let text = r#"<?xml version="1.0"?><lexicon version="1.0" xml:lang="en-US" alphabet="ipa" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon">
<lexeme><grapheme>W3C</grapheme><alias>World Wide Web Consortium</alias></lexeme>
<lexeme><grapheme>AT&amp;T</grapheme><grapheme>ATT</grapheme><alias>A T and T</alias></lexeme></lexicon>"#;

        let entries = read_pls(text).unwrap();

        let words: Vec<_> = entries.iter().map(|entry| entry.written.as_str()).collect();
        assert_eq!(words, ["W3C", "AT&T", "ATT"]);
        assert_eq!(entries[1].said, "A T and T");
        assert!(
            read_pls(
                "<lexicon><lexeme><grapheme>x</grapheme><phoneme>y</phoneme></lexeme></lexicon>"
            )
            .unwrap_err()
            .contains("no alias")
        );
        assert!(read_pls("<lexicon><").is_err());
    }
}
