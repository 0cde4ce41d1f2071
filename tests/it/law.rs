//! Nothing of the texts of public complaints is lost in silence: what is sent, what a named rule
//! changed and what is listed as left out are together every letter a reader of the file sees.

use std::path::Path;

use voicespool::text::{Document, Markup, Reading, read};

/// The elements of HTML that the complaints use.
const ELEMENTS: &[&str] = &[
    "p",
    "div",
    "b",
    "i",
    "em",
    "br",
    "sup",
    "sub",
    "span",
    "details",
    "summary",
    "html",
    "head",
    "body",
    "title",
    "h1",
    "h2",
    "h3",
    "blockquote",
    "table",
    "tr",
    "td",
    "th",
    "ul",
    "ol",
    "li",
    "script",
    "style",
    "meta",
    "a",
    "img",
    "center",
    "font",
    "hr",
    "strong",
];

/// Letters and digits of any script.
fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// Letters and digits that the reader accounts for: sent, taken by a rule, or left out.
fn accounted(document: &Document) -> usize {
    let rules = document.changes.iter();
    let (taken, given) = rules.fold((0, 0), |(taken, given), change| {
        (taken + change.letters_taken, given + change.letters_given)
    });
    let left_out: usize = document.left_out.iter().map(|piece| piece.letters).sum();
    letters(&document.text) + taken + left_out - given
}

/// The texts of the public complaints, where they are at hand. Of marked-up ones what stands in tags
/// of HTML, names a note or the language of code is not for readers.
#[test]
fn nothing_of_a_complaint_is_lost() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/tts");
    let Ok(cases) = std::fs::read_dir(&folder) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "no cases in {}",
            folder.display()
        );
        return eprintln!("skipped: there are no cases in {}", folder.display());
    };
    let mut checked = 0;
    for case in cases.map(Result::unwrap) {
        let Ok(files) = std::fs::read_dir(case.path()) else {
            continue;
        };
        for path in files.map(|file| file.unwrap().path()) {
            let Some(markup) = Markup::of_path(&path) else {
                continue;
            };
            let is_expectation = path.file_stem().is_some_and(|stem| stem == "expected");
            let bytes = std::fs::read(&path).unwrap();
            let (Ok(source), false) = (std::str::from_utf8(&bytes), is_expectation) else {
                continue;
            };
            let document = read(&bytes, markup, &Reading::default()).unwrap();
            let seen = match markup {
                Markup::Plain => source.to_owned(),
                _ => {
                    let lines = source.lines().map(|line| match line.split_once("]:") {
                        Some((name, note)) if name.starts_with("[^") => note,
                        _ if line.starts_with("```") => "",
                        _ => line,
                    });
                    let lines: Vec<_> = lines.collect();
                    let seen = without_tags(&lines.join("\n"));
                    html_escape::decode_html_entities(&seen).into_owned()
                }
            };
            assert_eq!(
                accounted(&document),
                letters(&seen),
                "{}:\n{}",
                path.display(),
                document.text
            );
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
}

fn without_tags(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let is_tag = ELEMENTS.contains(&name.to_ascii_lowercase().as_str());
        rest = match tag.split_once('>') {
            Some((_, after)) if is_tag || tag.starts_with('!') => after,
            _ => tag,
        };
    }
    out + rest
}
