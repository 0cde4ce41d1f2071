//! The law of reading: what is sent, what a named rule changed and what is listed as left out are
//! together every letter that a reader of the file sees.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

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

/// A piece of a source: its text there, and what of it a reader sees.
#[derive(Debug, Clone)]
struct Piece {
    source: String,
    readable: String,
}

fn piece(source: impl Into<String>, readable: impl Into<String>) -> Piece {
    Piece {
        source: source.into(),
        readable: readable.into(),
    }
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[A-Za-z]{1,9}",
        1 => "[0-9]{1,4}",
        1 => Just("Åsa’s".to_owned()),
        1 => Just("第三章".to_owned()),
        1 => Just("большой".to_owned()),
        1 => Just("well-known".to_owned()),
        1 => Just("ﬁne".to_owned()),
        1 => Just("end.[12]".to_owned()),
        1 => Just("said --".to_owned()),
        1 => Just("m²".to_owned()),
        1 => Just("_very_".to_owned()),
        1 => Just("*so*".to_owned()),
        1 => Just("“Stop!”".to_owned()),
        1 => Just("3.14".to_owned()),
        1 => Just("[sic]".to_owned()),
        1 => Just("it.¹".to_owned()),
        1 => Just("🙂".to_owned()),
    ];
    proptest::collection::vec(word, 1..14).prop_map(|words| words.join(" "))
}

/// What markdown knows beside paragraphs.
fn markdown() -> impl Strategy<Value = Piece> {
    prop_oneof![
        6 => words().prop_map(|text| piece(&text, &text)),
        1 => words().prop_map(|text| piece(format!("# {text}"), text)),
        1 => words().prop_map(|text| piece(format!("> {text}"), text)),
        1 => words().prop_map(|text| piece(format!("- {text}"), text)),
        1 => words().prop_map(|text| piece(format!("```\n{text}\n```"), text)),
        1 => words().prop_map(|text| piece(format!("<div>\n{text}\n</div>"), text)),
        1 => (words(), words()).prop_map(|(a, b)| {
            piece(format!("| A | Bee |\n|---|---|\n| {a} | {b} |\n| x | |"), format!("A Bee {a} {b} x"))
        }),
        1 => Just(piece("![a red sail](sail)", "a red sail")),
        1 => Just(piece("<!-- nobody -->", "nobody")),
        1 => Just(piece("See <Level up: 3> now.", "See Level up: 3 now.")),
        1 => Just(piece("***", "")),
        1 => Just(piece("a&nbsp;b &amp; c", "a b c")),
    ]
}

/// What pages know.
fn page() -> impl Strategy<Value = Piece> {
    let safe = || words();
    prop_oneof![
        5 => safe().prop_map(|text| piece(format!("<p>{text}</p>"), text)),
        1 => safe().prop_map(|text| piece(format!("<h2>{text}</h2>"), text)),
        1 => safe().prop_map(|text| piece(format!("<blockquote><p>{text}</blockquote>"), text)),
        1 => safe().prop_map(|text| piece(format!("<ol><li>{text}<li>b</ol>"), format!("1 {text} 2 b"))),
        1 => safe().prop_map(|text| piece(format!("<script>{text}</script>"), text)),
        1 => safe().prop_map(|text| piece(format!("<!-- {text} -->").replace("--]", "]"), text)),
        1 => (safe(), safe()).prop_map(|(a, b)| piece(
            format!("<table><tr><th>A<th>Bee<th>Sea<tr><td>{a}<td><td>{b}</table>"),
            format!("A Bee Sea {a} {b}"),
        )),
        1 => (safe(), safe()).prop_map(|(a, b)| piece(
            format!("<table><tr><td><p>{a}</p><p>{b}</p><td>c</table>"),
            format!("{a} {b} c"),
        )),
        1 => safe().prop_map(|text| piece(format!("<aside epub:type='footnote'><p>{text}</p></aside>"), text)),
        1 => Just(piece("<p><img alt='a red sail'> m<sup>2</sup> it.<sup>7</sup></p>", "a red sail m2 it 7")),
        1 => Just(piece("<p>He <Level up> x &lt; y</p>", "He Level up x y")),
        1 => Just(piece("<hr>", "")),
    ]
}

/// What plain texts know.
fn plain() -> impl Strategy<Value = Piece> {
    prop_oneof![
        6 => words().prop_map(|text| piece(&text, &text)),
        1 => (1..90_u32).prop_map(|nth| piece(format!("Chapter {nth}"), format!("Chapter {nth}"))),
        1 => (1..300_u32).prop_map(|nth| piece(nth.to_string(), nth.to_string())),
        1 => (words(), words()).prop_map(|(a, b)| piece(format!("{a} ex-\ntra {b}"), format!("{a} extra {b}"))),
        1 => (words(), words()).prop_map(|(a, b)| piece(format!("    {a}\n    {b}"), format!("{a} {b}"))),
        1 => Just(piece("* * *", "")),
        1 => Just(piece("THE NIGHT TRAIN", "THE NIGHT TRAIN")),
        1 => Just(piece("[Illustration: a lamp]", "Illustration a lamp")),
        1 => Just(piece("漢字《かんじ》を", "漢字かんじを")),
        1 => Just(piece("R&amp;D &#8217;tis", "R amp D 8217 tis")),
        1 => words().prop_map(|text| piece(format!("{text}\u{2029}{text}"), format!("{text} {text}"))),
    ]
}

fn check(markup: Markup, pieces: &[Piece]) -> Result<(), TestCaseError> {
    let sources: Vec<&str> = pieces.iter().map(|piece| &*piece.source).collect();
    let source = sources.join("\n\n");
    let readable: usize = pieces.iter().map(|piece| letters(&piece.readable)).sum();
    let document = read(source.as_bytes(), markup, &Reading::default()).unwrap();
    prop_assert_eq!(
        accounted(&document),
        readable,
        "{:?}\n{}\n---\n{}\nchanged {:#?}\nleft out {:#?}",
        markup,
        source,
        document.text,
        document.changes,
        document.left_out
    );
    Ok(())
}

fn hold(markup: Markup, pieces: impl Strategy<Value = Piece>) {
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(200)
    };
    let documents = proptest::collection::vec(pieces, 1..40);
    let law = |pieces: Vec<Piece>| check(markup, &pieces);
    if let Err(broken) = TestRunner::new(config).run(&documents, law) {
        panic!("{broken}");
    }
}

#[test]
fn nothing_of_a_plain_text_is_lost() {
    hold(Markup::Plain, plain());
}

#[test]
fn nothing_of_markdown_is_lost() {
    hold(Markup::Markdown, markdown());
}

#[test]
fn nothing_of_a_page_is_lost() {
    hold(Markup::Html, page());
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
