//! Documents made here, part by part.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::text::document::BlockKind;

const STYLES: &str = r#"<w:styles xmlns:w="w"><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Mine"><w:name w:val="My Chapter"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:styleId="Verz1"><w:name w:val="toc 1"/></w:style>
<w:style w:styleId="Out"><w:name w:val="Other"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style></w:styles>"#;

fn docx(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn paragraph(style: &str, runs: &str) -> String {
    let style = if style.is_empty() {
        String::new()
    } else {
        format!(r#"<w:pPr><w:pStyle w:val="{style}"/></w:pPr>"#)
    };
    format!("<w:p>{style}{runs}</w:p>")
}

fn run(text: &str) -> String {
    format!(r#"<w:r><w:t xml:space="preserve">{text}</w:t></w:r>"#)
}

fn read_body(body: &str, more: &[(&str, &str)]) -> Document {
    let page = format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
    let mut parts = vec![
        ("word/document.xml", page.as_str()),
        ("word/styles.xml", STYLES),
    ];
    parts.extend_from_slice(more);
    super::read(&docx(&parts), &Reading::default()).unwrap()
}

fn blocks(document: &Document) -> Vec<(BlockKind, &str)> {
    let blocks = document.blocks.iter();
    blocks
        .map(|block| (block.kind, &document.text[block.range.clone()]))
        .collect()
}

#[test]
fn headings_are_known_by_their_styles_in_any_language() {
    let body = [
        paragraph("berschrift1", &run("The Sea")),
        paragraph("", &[run("The boats "), run("came in &amp; out.")].concat()),
        paragraph("Mine", &run("The River")),
        paragraph("Out", &run("The Bend")),
        paragraph("", &run("A lamp.")),
    ];

    let document = read_body(&body.concat(), &[]);

    let heading = |level| BlockKind::Heading { level };
    assert_eq!(
        blocks(&document),
        [
            (heading(1), "The Sea"),
            (BlockKind::Paragraph, "The boats came in & out."),
            (heading(1), "The River"),
            (heading(2), "The Bend"),
            (BlockKind::Paragraph, "A lamp."),
        ]
    );
}

#[test]
fn what_no_reader_sees_is_not_spoken_and_what_has_words_is_listed() {
    let body = [
        paragraph("berschrift1", &run("The Sea")),
        paragraph("Verz1", &run("The Sea 7")),
        paragraph(
            "",
            &[
                run("It rained"),
                "<w:del><w:r><w:delText> cats</w:delText></w:r></w:del>".to_owned(),
                "<w:ins><w:r><w:t> all day</w:t></w:r></w:ins>".to_owned(),
                "<w:r><w:instrText>PAGEREF _Toc1</w:instrText></w:r>".to_owned(),
                "<w:r><w:rPr><w:vanish/></w:rPr><w:t> in secret</w:t></w:r>".to_owned(),
                run("."),
            ]
            .concat(),
        ),
    ];
    let notes = format!(
        "<w:footnotes xmlns:w=\"w\"><w:footnote>{}</w:footnote></w:footnotes>",
        paragraph("", &run("See below."))
    );

    let document = read_body(&body.concat(), &[("word/footnotes.xml", &notes)]);

    assert_eq!(document.text, "The Sea\n\nIt rained all day.");
    let mut listed: Vec<_> = document
        .left_out
        .iter()
        .map(|piece| (piece.what, piece.excerpt.as_str()))
        .collect();
    listed.sort_unstable();
    assert_eq!(
        listed,
        [
            ("deleted words", "cats"),
            ("hidden words", "in secret"),
            ("the notes", "See below."),
            ("the table of contents", "The Sea 7"),
        ]
    );
}

#[test]
fn lists_tables_and_raised_digits_are_read() {
    let item = |text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:numId w:val=\"3\"/></w:numPr></w:pPr>{}</w:p>",
            run(text)
        )
    };
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph("", &run(text)));
    let body = [
        paragraph("berschrift1", &run("Stores")),
        item("rope"),
        item("oil"),
        format!("<w:tbl><w:tr>{}{}</w:tr></w:tbl>", cell("tar"), cell("two")),
        paragraph(
            "",
            &[
                run("9 m"),
                "<w:r><w:rPr><w:vertAlign w:val=\"superscript\"/></w:rPr><w:t>2</w:t></w:r>"
                    .to_owned(),
            ]
            .concat(),
        ),
    ];

    let document = read_body(&body.concat(), &[]);

    let words: Vec<_> = blocks(&document)
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(words, ["Stores", "rope", "oil", "tar; two.", "9 m²"]);
    assert_eq!(document.blocks[1].kind, BlockKind::ListItem);
}

#[test]
fn rows_that_stand_on_top_of_each_page_are_heads() {
    let cell = |more: &str, text: &str| format!("<w:tc>{more}{}</w:tc>", paragraph("", &run(text)));
    let table = |more: &str| {
        let heads = [cell("", "Stores"), cell("", "Barrels")].concat();
        let row = [cell(more, "tar"), cell("", "two")].concat();
        format!(
            "{}<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>{heads}</w:tr><w:tr>{row}</w:tr></w:tbl>",
            paragraph("berschrift1", &run("List"))
        )
    };

    let document = read_body(&table(""), &[]);
    assert_eq!(document.text, "List\n\nStores: tar; Barrels: two.");

    let span = "<w:tcPr><w:gridSpan w:val=\"2\"/></w:tcPr>";
    let document = read_body(&table(span), &[]);
    assert_eq!(document.text, "List\n\nStores; Barrels.\n\ntar; two.");
}

#[test]
fn headings_that_were_made_by_hand_are_known_by_convention() {
    let body = [
        paragraph("", &run("Chapter 1")),
        paragraph(
            "",
            &run("The boats came in before the storm, and nobody spoke."),
        ),
        paragraph("", &run("Chapter 2")),
        paragraph("", &run("Somebody had left a lamp in the window.")),
    ];

    let core = "<cp:coreProperties xmlns:cp=\"c\" xmlns:dc=\"d\"><dc:title>Two Waters</dc:title><dc:creator>Ann Doe</dc:creator></cp:coreProperties>";
    let document = read_body(&body.concat(), &[("docProps/core.xml", core)]);

    assert_eq!(document.chapters().len(), 2);
    assert_eq!(document.about.title.as_deref(), Some("Two Waters"));
    assert_eq!(document.about.authors, ["Ann Doe"]);
}

#[test]
fn what_is_no_whole_document_is_refused() {
    let read = |bytes: &[u8]| super::read(bytes, &Reading::default());
    for bytes in [
        b"PK\x03\x04".to_vec(),
        docx(&[("word/styles.xml", STYLES)]),
        docx(&[("word/document.xml", "<w:document><w:p></w:document>")]),
    ] {
        let refused = read(&bytes);
        assert!(
            matches!(refused, Err(Error::BrokenDocument { .. })),
            "{refused:?}"
        );
    }
    // A million paragraphs inside each other.
    let deep = format!(
        "<w:document xmlns:w=\"w\">{}{}",
        "<w:p>".repeat(100_000),
        "</w:p>".repeat(100_000)
    );
    let deep = format!("{deep}</w:document>");
    assert!(
        read(&docx(&[("word/document.xml", &deep)])).is_ok_and(|document| document.text.is_empty())
    );
}
