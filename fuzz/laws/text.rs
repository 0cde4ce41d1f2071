//! Documents and chunks.

use unicode_normalization::is_nfc;
use unicode_segmentation::UnicodeSegmentation;
use voicespool::domain::Boundary;
use voicespool::text::{
    Block, BlockKind, ChunkRules, Document, Markup, Paragraphs, Reading, chunks, read, spoken,
};

use super::input::{Input, assert_one_line};

/// Any text, cut by any rules.
pub fn chunker(data: &[u8]) {
    let mut input = Input::new(data);
    let rules = ChunkRules {
        max_chars: input.word().into(),
        max_bytes: input.word().into(),
        target_chars: input.word().into(),
        min_chars: input.byte().into(),
        paragraphs: Paragraphs::ALL[usize::from(input.byte()) % Paragraphs::ALL.len()],
    };
    let languages = [
        None,
        Some("en"),
        Some("de"),
        Some("ja"),
        Some("hi"),
        Some("x-?"),
    ];
    let language = languages[usize::from(input.byte()) % languages.len()];
    let text = String::from_utf8_lossy(input.rest());
    if let Ok(document) = read(text.as_bytes(), Markup::Plain, &Reading::default()) {
        check_chunks(&document, &rules, language);
    }
}

/// Any bytes as plain text.
pub fn plain_text(data: &[u8]) {
    check_document(data, Markup::Plain);
}

/// Any bytes as Markdown.
pub fn markdown(data: &[u8]) {
    check_document(data, Markup::Markdown);
}

const USUAL: ChunkRules = ChunkRules {
    max_chars: 500,
    max_bytes: 2000,
    target_chars: 400,
    min_chars: 60,
    paragraphs: Paragraphs::Apart,
};

fn check_document(data: &[u8], markup: Markup) {
    let document = match read(data, markup, &Reading::default()) {
        Ok(document) => document,
        Err(error) => return assert_one_line(&error.to_string()),
    };
    // One byte of an old code page becomes at most three, and NFC takes at most three times that.
    assert!(document.text.len() <= data.len().saturating_mul(9).saturating_add(16));
    assert!(is_nfc(&document.text), "{:?}", document.text);
    let mut end = 0;
    for Block { kind, range } in &document.blocks {
        let text = &document.text[range.clone()];
        let gap = if range.start == 0 { "" } else { "\n\n" };
        assert_eq!(&document.text[end..range.start], gap);
        assert_eq!(text.is_empty(), *kind == BlockKind::SceneBreak);
        assert_eq!(text.trim(), text);
        assert!(!text.contains("  "), "{text:?}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
        end = range.end;
    }
    assert_eq!(end, document.text.len());
    let kinds = document.blocks.iter().map(|block| block.kind);
    let mut ends = [kinds.clone().next(), kinds.clone().next_back()].into_iter();
    assert!(ends.all(|kind| kind != Some(BlockKind::SceneBreak)));
    if markup == Markup::Plain
        && let Ok(source) = std::str::from_utf8(data)
        && is_nfc(source)
    {
        check_nothing_is_lost(source, &document);
    }
    check_chunks(&document, &USUAL, None);
}

/// Every letter of a source is in the text, or a named rule took it, or it is listed as left out.
fn check_nothing_is_lost(source: &str, document: &Document) {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let taken: usize = document
        .changes
        .iter()
        .map(|change| change.letters_taken)
        .sum();
    let given: usize = document
        .changes
        .iter()
        .map(|change| change.letters_given)
        .sum();
    let left_out: usize = document.left_out.iter().map(|piece| piece.letters).sum();
    assert_eq!(
        letters(source) + given,
        letters(&document.text) + taken + left_out,
        "{:?} {:?}",
        document.changes,
        document.left_out
    );
}

fn check_chunks(document: &Document, rules: &ChunkRules, language: Option<&str>) {
    let size = |limit: u32| usize::try_from(limit).expect("32 bits fit");
    let (chars, bytes) = (size(rules.max_chars.max(1)), size(rules.max_bytes.max(4)));
    let found: Vec<_> = chunks(document, rules, language).collect();
    let mut at = 0;
    for (idx, chunk) in found.iter().enumerate() {
        assert_eq!(chunk.range.start, at, "chunks tile the text");
        assert!(!chunk.range.is_empty(), "{chunk:?}");
        at = chunk.range.end;
        let sent = spoken(&document.text, &chunk.range);
        let is_said = sent.chars().any(char::is_alphanumeric);
        assert_eq!(chunk.speakable, is_said, "{sent:?}");
        assert!(
            !is_said || (sent.chars().count() <= chars && sent.len() <= bytes),
            "{sent:?} is longer than {rules:?}"
        );
        let is_last = idx + 1 == found.len();
        assert_eq!(chunk.boundary == Boundary::End, is_last, "{chunk:?}");
    }
    assert_eq!(at, document.text.len(), "nothing is left over");
    // The pieces of a sentence that is too long aim at the target.
    let target = size(rules.target_chars.max(1)).min(chars);
    let starts = found.iter().map(|chunk| chunk.range.start);
    check_joints(document, starts, (target, bytes));
    for chapter in document.chapters() {
        assert!(found.iter().any(|chunk| chunk.range.start == chapter.start));
    }
    let again: Vec<_> = chunks(document, rules, language).collect();
    assert_eq!(again, found, "the same text is cut the same way");
}

/// No character that a reader sees as one is cut, unless it alone is too long.
fn check_joints(document: &Document, starts: impl Iterator<Item = usize>, limits: (usize, usize)) {
    let mut graphemes = document.text.grapheme_indices(true).peekable();
    for start in starts {
        while let Some((at, grapheme)) = graphemes.peek().copied() {
            if at >= start {
                break;
            }
            let is_cut = at + grapheme.len() > start;
            let is_too_long = grapheme.chars().count() > limits.0 || grapheme.len() > limits.1;
            // White space between chunks is sent with neither, even where a mark stands on it.
            let is_blank = grapheme[..start.saturating_sub(at).min(grapheme.len())]
                .trim()
                .is_empty();
            assert!(
                !is_cut || is_too_long || is_blank,
                "{grapheme:?} is cut in two"
            );
            if is_cut {
                break;
            }
            graphemes.next();
        }
    }
}
