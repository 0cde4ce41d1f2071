//! The laws of the room, and our own samples from file to chunks.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use crate::domain::Boundary;
use crate::text::Reading;
use crate::text::{
    Block, BlockKind, ChunkRules, Document, Markup, Paragraphs, chunks, read, spoken,
};

const RULES: ChunkRules = ChunkRules {
    max_chars: 500,
    max_bytes: 2000,
    target_chars: 400,
    min_chars: 60,
    paragraphs: Paragraphs::Packed,
};

fn plain(text: &str) -> Document {
    read(text.as_bytes(), Markup::Plain, &Reading::default()).unwrap()
}

/// What is sent, in order.
fn all_spoken<'a>(document: &'a Document, rules: &ChunkRules, language: &str) -> Vec<&'a str> {
    chunks(document, rules, Some(language))
        .map(|chunk| spoken(&document.text, &chunk.range))
        .collect()
}

/// One line a chunk: why it ends, how long it is, how it begins and ends.
fn outline(name: &str, language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../samples/book")
        .join(name);
    let bytes = std::fs::read(&path).unwrap();
    let document = read(&bytes, Markup::of_path(&path).unwrap(), &Reading::default()).unwrap();
    let mut outline = format!("title: {:?}\n", document.title());
    for chapter in document.chapters() {
        writeln!(outline, "chapter at {}: {:?}", chapter.start, chapter.title).unwrap();
    }
    for chunk in chunks(&document, &RULES, Some(language)) {
        let chars: Vec<char> = spoken(&document.text, &chunk.range).chars().collect();
        let head: String = chars.iter().take(20).collect();
        let tail: String = chars
            .iter()
            .skip(20.max(chars.len().saturating_sub(20)))
            .collect();
        let (boundary, length) = (chunk.boundary, chars.len());
        writeln!(outline, "{boundary:<9} {length:>3} {head:?} … {tail:?}").unwrap();
    }
    outline
}

#[test]
fn the_markdown_sample_is_cut_at_its_joints() {
    insta::assert_snapshot!(outline("01-the-lighthouse-ledger.md", "en"), @r#"
    title: Some("The Lighthouse Ledger")
    chapter at 0: Some("The Lighthouse Ledger")
    chapter at 188: Some("The Last Page")
    chapter at 1298: Some("The Visitor")
    heading    21 "The Lighthouse Ledge" … "r"
    chapter   163 "Every keeper of Gull" … "faintly, of oranges."
    heading    13 "The Last Page" … ""
    paragraph 269 "Marta found the ledg" … "nner than you think."
    scene     312 "She laughed; then sh" … "til the small hours."
    paragraph 258 "By the end of a week" … "most nothing at all:"
    chapter   246 "oil delivered, nine " … "a basket of oranges?"
    heading    11 "The Visitor" … ""
    paragraph 328 "On the tenth day a b" … "hat did he pay her?\""
    end       303 "\"Nothing,\" said the " … "eaned. A good night."
    "#);
}

#[test]
fn the_plain_sample_is_cut_at_its_joints() {
    insta::assert_snapshot!(outline("02-a-night-at-the-exchange.txt", "en"), @r#"
    title: Some("A NIGHT AT THE EXCHANGE")
    chapter at 0: Some("A NIGHT AT THE EXCHANGE")
    chapter at 25: Some("CHAPTER I The Board Goes Dark")
    chapter at 744: Some("CHAPTER II Two Wires")
    chapter    23 "A NIGHT AT THE EXCHA" … "NGE"
    heading    29 "CHAPTER I The Board " … "Goes Dark"
    paragraph 342 "At 11:40 p.m. the la" … " you there, Doctor?\""
    chapter   340 "\"I am always here, M" … "ve all gone to bed.\""
    heading    20 "CHAPTER II Two Wires" … ""
    paragraph 309 "They had not gone to" … " was nobody's fault."
    paragraph 184 "It was then that Sgt" … " asked the sergeant."
    paragraph 258 "\"Somebody,\" said Mrs" … " copper in its heel."
    end       248 "\"I have not slept th" … "ps came on.\n\nTHE END"
    "#);
}

#[test]
fn the_german_sample_is_cut_at_its_joints() {
    insta::assert_snapshot!(outline("03-der-letzte-zug.md", "de"), @r#"
    title: Some("Der letzte Zug")
    chapter at 0: Some("Der letzte Zug")
    chapter at 16: Some("1. Kapitel: Gleis drei")
    chapter at 815: Some("2. Kapitel: Der Fensterplatz")
    chapter    14 "Der letzte Zug" … ""
    heading    22 "1. Kapitel: Gleis dr" … "ei"
    paragraph 353 "Am 3. Okt. fuhr der " … " aufrecht, ein Huhn."
    chapter   385 "„Verzeihen Sie“, sag" … "ein Stück zur Seite."
    heading    28 "2. Kapitel: Der Fens" … "terplatz"
    paragraph 341 "Der Zug kam pünktlic" … "ieht man den Fluss.“"
    paragraph 327 "So fuhren sie: die a" … "le drei ihn kannten."
    end       145 "„Und morgen?“, fragt" … "er, „fahre ich mit.“"
    "#);
}

#[test]
fn the_short_sample_is_cut_at_its_joints() {
    insta::assert_snapshot!(outline("10-letters-home.txt", "en"), @r#"
    title: Some("LETTERS HOME")
    chapter at 0: Some("LETTERS HOME")
    heading    12 "LETTERS HOME" … ""
    end       285 "Dear Ruth,\n\nThe harb" … "\nYour brother, Tomas"
    "#);
}

#[test]
fn markup_is_told_from_the_extension_in_any_case() {
    let of = |path: &str| Markup::of_path(Path::new(path));
    assert_eq!(of("a/B.TXT"), Some(Markup::Plain));
    assert_eq!(of("b.text"), Some(Markup::Plain));
    assert_eq!(of("c.Md"), Some(Markup::Markdown));
    assert_eq!(of("d.markdown"), Some(Markup::Markdown));
    assert_eq!(of("e.Epub"), Some(Markup::Epub));
    assert_eq!(of("f.pdf"), Some(Markup::Pdf));
    assert_eq!(of("g.docx"), Some(Markup::Docx));
    assert_eq!(of("h.doc"), None);
    assert_eq!(of("txt"), None);
}

#[test]
fn more_markdown_than_memory_allows_is_refused() {
    let brackets = "[".repeat(16 * 1024 * 1024 + 1);
    let refused = read(brackets.as_bytes(), Markup::Markdown, &Reading::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "more than 16 MiB of Markdown: split the file, or name it .txt"
    );
}

#[test]
fn a_text_without_words_is_read_but_not_speakable() {
    for text in ["", "\u{FEFF}\n\n", "***\n\n—\n\n?!\n", "\u{200B}"] {
        let document = plain(text);
        assert!(!document.is_speakable(), "{text:?}");
        assert!(chunks(&document, &RULES, None).all(|chunk| !chunk.speakable));
    }
    assert!(plain("٣").is_speakable() && plain("ก").is_speakable());
}

#[test]
fn chapters_are_the_level_that_repeats() {
    let check = |source: &str, expected: &[Option<&str>]| {
        let document = read(source.as_bytes(), Markup::Markdown, &Reading::default()).unwrap();
        let chapters = document.chapters();
        let titles: Vec<_> = chapters
            .iter()
            .map(|chapter| chapter.title.as_deref())
            .collect();
        assert_eq!(titles, expected, "{source:?}");
        assert!(chapters.is_empty() || chapters[0].start == 0);
    };
    check("", &[]);
    check("Just text.", &[None]);
    check(
        "Before.\n# A\nx\n# B\ny\n## not\nz",
        &[None, Some("A"), Some("B")],
    );
    check(
        "# Title\n## A\nx\n### no\n## B\ny",
        &[Some("Title"), Some("A"), Some("B")],
    );
    check(
        "# Title\nx\n## Only\ny\n### deep\nz",
        &[Some("Title"), Some("Only")],
    );
    // Parts hold chapters; a chapter's subtitle is no chapter.
    check(
        "# P1\n## A\nx\n## B\nx\n# P2\n## C\nx\n## D\nx",
        &[
            Some("P1"),
            Some("A"),
            Some("B"),
            Some("P2"),
            Some("C"),
            Some("D"),
        ],
    );
    // Chapters with text of their own stay chapters, however many sections they have.
    check(
        "# A\nx\n## s\nx\n## t\nx\n# B\nx\n## s\nx\n## t\nx",
        &[Some("A"), Some("B")],
    );
    check("# A\n## sub\nx\n# B\n## sub\nx", &[Some("A"), Some("B")]);
}

#[test]
fn a_chunk_ends_for_the_strongest_reason() {
    let source = "# Title\n\n## One\n\nText of one.\n\n***\n\nMore.\n\n### Minor\n\nStill.\n\n***\n\n## Two\n\nEnd.";
    let document = read(source.as_bytes(), Markup::Markdown, &Reading::default()).unwrap();

    let found: Vec<_> = chunks(&document, &RULES, None)
        .map(|chunk| (spoken(&document.text, &chunk.range), chunk.boundary))
        .collect();

    assert_eq!(
        found,
        [
            ("Title", Boundary::Chapter),
            ("One", Boundary::Heading),
            ("Text of one.", Boundary::Scene),
            ("More.", Boundary::Paragraph),
            ("Minor", Boundary::Heading),
            ("Still.", Boundary::Chapter),
            ("Two", Boundary::Heading),
            ("End.", Boundary::End),
        ]
    );
}

#[test]
fn short_paragraphs_join_and_the_last_two_are_balanced() {
    let reply = "\"Yes,\" he said.\n\n";
    let document = plain(&reply.repeat(30));
    let lengths: Vec<usize> = all_spoken(&document, &RULES, "en")
        .iter()
        .map(|s| s.len())
        .collect();
    assert_eq!(lengths, [253, 253]);
}

#[test]
fn a_paragraph_that_fits_is_not_opened_to_fill_a_chunk() {
    let (short, long) = (
        "Word and word. ".repeat(12),
        "Other words here. ".repeat(20),
    );
    let document = plain(&format!("{short}\n\n{long}\n\n{short}\n\n{long}"));
    let found: Vec<_> = chunks(&document, &RULES, None)
        .map(|chunk| chunk.boundary)
        .collect();
    assert_eq!(
        found,
        [
            Boundary::Paragraph,
            Boundary::Paragraph,
            Boundary::Paragraph,
            Boundary::End
        ]
    );
}

#[test]
fn a_short_rest_takes_a_chunk_past_its_target_but_not_past_the_limit() {
    let sentence = "These are exactly forty characters, see. ".repeat(9);
    let document = plain(&format!(
        "{}\n\nYes, and then he was gone.",
        sentence.trim()
    ));

    let stretched = all_spoken(
        &document,
        &ChunkRules {
            target_chars: 370,
            ..RULES
        },
        "en",
    );
    let tight = ChunkRules {
        target_chars: 370,
        max_chars: 370,
        ..RULES
    };
    let divided: Vec<usize> = all_spoken(&document, &tight, "en")
        .iter()
        .map(|s| s.len())
        .collect();

    assert_eq!(stretched.len(), 1);
    assert!(divided.iter().all(|length| *length >= 60), "{divided:?}");
}

#[test]
fn an_unspeakable_section_is_covered_and_not_sent() {
    let document = plain("One.\n\n***\n\n…\n\n***\n\nTwo.");
    let found: Vec<_> = chunks(&document, &RULES, None)
        .map(|chunk| (spoken(&document.text, &chunk.range), chunk.speakable))
        .collect();
    assert_eq!(found, [("One.", true), ("…", false), ("Two.", true)]);
}

/// Prose of `count` paragraphs, none like another and of every length between one sentence and four.
fn prose(count: usize) -> Vec<String> {
    let words = [
        "lamp", "keeper", "rope", "harbour", "night", "letter", "window", "goat",
    ];
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from((state >> 33) % below).unwrap()
    };
    let mut sentence = || {
        let words: Vec<&str> = (0..4 + draw(11)).map(|_| words[draw(8)]).collect();
        format!("The {}.", words.join(" "))
    };
    (0..count)
        .map(|idx| {
            (0..=idx * 5 % 4)
                .map(|_| sentence())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

#[test]
fn an_edit_changes_few_chunks_even_in_a_text_without_barriers() {
    let rules = ChunkRules {
        max_chars: 2000,
        max_bytes: 8000,
        target_chars: 1800,
        min_chars: 60,
        paragraphs: Paragraphs::Packed,
    };
    let paragraphs = prose(1000);
    let document = plain(&paragraphs.join("\n\n"));
    let before: HashSet<&str> = all_spoken(&document, &rules, "en").into_iter().collect();

    let mut changed = Vec::new();
    for idx in (0..paragraphs.len()).step_by(20) {
        let mut edited = paragraphs.clone();
        edited[idx].push_str(" And that was all there was to say about it.");
        let document = plain(&edited.join("\n\n"));
        let after = all_spoken(&document, &rules, "en");
        changed.push(
            after
                .iter()
                .filter(|chunk| !before.contains(*chunk))
                .count(),
        );
    }

    let most = changed.iter().max().copied().unwrap_or_default();
    let sum: usize = changed.iter().sum();
    assert!(most <= 12, "{changed:?}");
    assert!(sum <= 3 * changed.len(), "{changed:?}");
}

#[test]
fn text_without_ends_is_cut_all_the_same() {
    for text in [
        "word after word and ",
        "wordafterwordand",
        "“Word, (",
        "日本",
        "e\u{301}",
    ] {
        let document = plain(&text.repeat(20_000 / text.len()));
        let lengths: Vec<usize> = all_spoken(&document, &RULES, "en")
            .iter()
            .map(|sent| sent.chars().count())
            .collect();
        assert!(
            lengths.iter().all(|length| (60..=500).contains(length)),
            "{lengths:?}"
        );
    }
}

#[test]
fn a_speech_longer_than_the_limit_ends_at_its_own_sentences() {
    let speech = format!(
        "“{}”",
        "I have seen it, and he has seen it too. ".repeat(30).trim()
    );
    let document = plain(&speech);
    for chunk in chunks(&document, &RULES, None) {
        assert_ne!(chunk.boundary, Boundary::Clause);
    }
}

const APART: ChunkRules = ChunkRules {
    min_chars: 20,
    paragraphs: Paragraphs::Apart,
    ..RULES
};

#[test]
fn each_paragraph_is_a_chunk_but_the_shortest() {
    let document = plain(
        "“Yes,” said the one.\n\n“No,” said the other.\n\nAh!\n\n“Why not?” he asked, and sat down.\n\n“Well.”",
    );

    let found = all_spoken(&document, &APART, "en");

    assert_eq!(
        found,
        [
            "“Yes,” said the one.",
            "“No,” said the other.",
            "Ah!\n\n“Why not?” he asked, and sat down.\n\n“Well.”"
        ]
    );
}

#[test]
fn who_wants_long_requests_gets_paragraphs_together() {
    let document = plain("A paragraph of some length.\n\nAnother one of the same.\n\nThe third.");
    let rules = ChunkRules {
        min_chars: 60,
        ..APART
    };

    assert_eq!(all_spoken(&document, &rules, "en").len(), 1);
}

#[test]
fn the_target_holds_in_quotation_marks_in_parentheses_and_without_stops() {
    let sentence =
        "She said that the boats had come in early and that nobody had waited for them. ";
    for (before, after) in [
        ("“", "”"),
        ("(", ")"),
        ("He wrote [", "] and left it there."),
        ("«", "»"),
    ] {
        let text = format!("{before}{}{after}", sentence.repeat(14).trim_end());
        let document = plain(&text);

        for piece in all_spoken(&document, &APART, "en") {
            assert!(piece.chars().count() <= 400, "{piece}");
            assert!(piece.ends_with(['.', '”', ')', '»']), "{piece}");
        }
    }
    let endless = "and then the boats came in ".repeat(60);

    for piece in all_spoken(&plain(&endless), &APART, "en") {
        assert!(piece.chars().count() <= 400, "{piece}");
    }
}

#[test]
fn a_sentence_half_as_long_again_as_the_target_stays_whole() {
    let sentence = format!("It was{} late.", " very".repeat(90));
    let document = plain(&format!("{sentence} And then some more was said of it."));

    let found = all_spoken(&document, &APART, "en");

    assert_eq!(found.first().copied(), Some(sentence.as_str()));
}

#[test]
fn a_short_sentence_joins_a_long_one_beyond_the_target() {
    let long = format!("He saw {}the harbour.", "the lamp and ".repeat(32));
    let document = plain(&format!("Certainly not. {long} {long}"));
    let first = chunks(&document, &RULES, None).next().unwrap();
    assert_eq!(
        spoken(&document.text, &first.range),
        format!("Certainly not. {long}")
    );
}

#[test]
fn a_chunk_ends_after_a_word_rather_than_after_what_may_be_an_abbreviation() {
    let sentence = "He paid the Qrt. Zmp. Lund a sum nobody remembered afterwards. ";
    let document = plain(&sentence.repeat(40));
    for chunk in all_spoken(&document, &RULES, "en") {
        assert!(chunk.ends_with("afterwards."), "{chunk:?}");
    }
}

/// Text made of what makes trouble.
fn troublesome() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z]{1,9} ",
        1 => "[A-Z][a-z]{1,5}\\. ",
        1 => proptest::sample::select(vec![
            "Dr. ", "M. ", "3. Okt. ", "\"", "“", "”", "'", " — ", "; ", ", and ", "10 000 ",
            "https://a.example/b?c=d,e ", "日本語。", "यह है। ", "👩\u{200D}🚒", "e\u{301}\u{302}",
            "\n", "\n\n", "\n***\n", "\n\n# A heading\n\n", "\n\nCHAPTER IV\n\n", "1. ", "…", "?! ",
            "\u{200B}", "\u{AD}\n", "(", ") ", "> ", "`", "<b>", "🇩🇪🇫🇷", "x@y.example ",
        ]).prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

fn any_rules() -> impl Strategy<Value = ChunkRules> {
    let paragraphs = prop_oneof![Just(Paragraphs::Apart), Just(Paragraphs::Packed)];
    (1_u32..300, 4_u32..600, 1_u32..400, 0_u32..90, paragraphs).prop_map(
        |(max_chars, max_bytes, target_chars, min_chars, paragraphs)| ChunkRules {
            max_chars,
            max_bytes,
            target_chars,
            min_chars,
            paragraphs,
        },
    )
}

fn any_markup() -> impl Strategy<Value = Markup> {
    prop_oneof![Just(Markup::Plain), Just(Markup::Markdown)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn chunks_tile_the_text_and_hold_every_limit(
        source in troublesome(),
        markup in any_markup(),
        rules in any_rules(),
        language in proptest::sample::select(vec!["en", "de", "fr", "ja", "hi"]),
    ) {
        let document = read(source.as_bytes(), markup, &Reading::default()).unwrap();
        let found: Vec<_> = chunks(&document, &rules, Some(language)).collect();
        let mut at = 0;
        for (idx, chunk) in found.iter().enumerate() {
            prop_assert_eq!(chunk.range.start, at);
            prop_assert!(!chunk.range.is_empty());
            at = chunk.range.end;
            let sent = spoken(&document.text, &chunk.range);
            prop_assert!(sent.chars().count() <= usize::try_from(rules.max_chars).unwrap());
            prop_assert!(sent.len() <= usize::try_from(rules.max_bytes).unwrap());
            prop_assert_eq!(chunk.speakable, sent.chars().any(char::is_alphanumeric));
            prop_assert_eq!(chunk.boundary == Boundary::End, idx + 1 == found.len());
        }
        prop_assert_eq!(at, document.text.len());
        for chapter in document.chapters() {
            prop_assert!(found.iter().any(|chunk| chunk.range.start == chapter.start));
        }
        let again: Vec<_> = chunks(&document, &rules, Some(language)).collect();
        prop_assert_eq!(again, found);
    }

    #[test]
    fn any_bytes_give_a_clean_document_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        source in troublesome(),
        markup in any_markup(),
    ) {
        let mixed = [source.as_bytes(), &bytes].concat();
        for input in [&bytes[..], source.as_bytes(), &mixed] {
            let Ok(document) = read(input, markup, &Reading::default()) else { continue };
            let mut end = 0;
            for Block { kind, range } in &document.blocks {
                let text = &document.text[range.clone()];
                let gap = if range.start == 0 { "" } else { "\n\n" };
                prop_assert_eq!(&document.text[end..range.start], gap);
                prop_assert_eq!(text.is_empty(), *kind == BlockKind::SceneBreak);
                prop_assert_eq!(text.trim(), text);
                prop_assert!(!text.contains("  ") && !text.contains(|c: char| c.is_control()));
                end = range.end;
            }
            prop_assert_eq!(end, document.text.len());
            prop_assert!(unicode_normalization::is_nfc(&document.text));
        }
    }

    #[test]
    fn an_edit_stays_within_its_section(
        sections in proptest::collection::vec(
            proptest::collection::vec("([A-Z][a-z]{2,8} [a-z]{3,9}[.!?] ){1,30}", 1..6), 2..5),
        new in "([A-Z][a-z]{2,8} [a-z]{3,9}[.] ){1,9}",
        place in any::<prop::sample::Index>(),
        rules in any_rules(),
    ) {
        let per_section = |sections: &[Vec<String>]| {
            let texts: Vec<String> = sections.iter().map(|paragraphs| paragraphs.join("\n\n")).collect();
            let document = plain(&texts.join("\n\n***\n\n"));
            let mut found = vec![Vec::new()];
            for chunk in chunks(&document, &rules, None) {
                found.last_mut().unwrap().push(spoken(&document.text, &chunk.range).to_owned());
                if chunk.boundary == Boundary::Scene {
                    found.push(Vec::new());
                }
            }
            found
        };
        let before = per_section(&sections);
        let idx = place.index(sections.len());
        let mut edited = sections;
        edited[idx].push(new);
        let after = per_section(&edited);
        prop_assert_eq!(after.len(), before.len());
        for other in (0..before.len()).filter(|other| *other != idx) {
            prop_assert_eq!(&after[other], &before[other]);
        }
    }
}
