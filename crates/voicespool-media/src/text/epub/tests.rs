use std::io::Write as _;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::text::{Aloud, BlockKind, Document, Error, Markup, Matter, Reading};

const CONTAINER: &str = r#"<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;

/// An archive of `files`, each with its name and content.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn page(body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>Page</title></head><body>{body}</body></html>"#
    )
}

/// A package that names `pages` and reads them in this order; `more` goes into the manifest.
fn package(pages: &[&str], more: &str, rest: &str) -> String {
    let (mut items, mut refs) = (String::new(), String::new());
    for page in pages {
        items.push_str(&format!(
            r#"<item id="{page}" href="{page}.xhtml" media-type="application/xhtml+xml"/>"#
        ));
        refs.push_str(&format!(r#"<itemref idref="{page}"/>"#));
    }
    format!(
        r#"<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:x</dc:identifier><dc:title>The  Harbour</dc:title><dc:creator>Ann Example</dc:creator><dc:language>en-GB</dc:language></metadata><manifest>{items}{more}</manifest><spine toc="ncx">{refs}</spine>{rest}</package>"#
    )
}

const NAV_ITEM: &str =
    r#"<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>"#;

fn nav(list: &str, landmarks: &str) -> String {
    page(&format!(
        r#"<nav epub:type="toc"><ol>{list}</ol></nav><nav epub:type="landmarks"><ol>{landmarks}</ol></nav>"#
    ))
}

fn book(pages: &[(&str, &str)], list: &str, landmarks: &str) -> Vec<u8> {
    let names: Vec<&str> = pages.iter().map(|(name, _)| *name).collect();
    let opf = package(&names, NAV_ITEM, "");
    let nav = nav(list, landmarks);
    let pages: Vec<(String, String)> = pages
        .iter()
        .map(|(name, body)| (format!("OEBPS/{name}.xhtml"), page(body)))
        .collect();
    let mut files: Vec<(&str, &[u8])> = vec![
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", opf.as_bytes()),
        ("OEBPS/nav.xhtml", nav.as_bytes()),
    ];
    files.extend(pages.iter().map(|(name, page)| (&**name, page.as_bytes())));
    archive(&files)
}

fn read(bytes: &[u8]) -> Result<Document, Error> {
    crate::text::read(bytes, Markup::Epub, &Reading::default())
}

/// Headings with their level, and other blocks.
fn outline(document: &Document) -> Vec<String> {
    document
        .blocks
        .iter()
        .map(|block| {
            let text = &document.text[block.range.clone()];
            match block.kind {
                BlockKind::Heading { level } => format!("{level} {text}"),
                BlockKind::SceneBreak => "* * *".to_owned(),
                _ => text.to_owned(),
            }
        })
        .collect()
}

#[test]
fn chapters_are_those_of_the_books_own_table() {
    let bytes = book(
        &[
            (
                "a",
                r#"<p>Before all.</p><h3 id="one">I</h3><p>First words.</p><div id="two"/><p class="t">THE BOATS</p><p>Second words.</p><h3>Aside</h3><p>More.</p>"#,
            ),
            ("b", r"<p>No heading here at all.</p><p>End.</p>"),
        ],
        r#"<li><a href="a.xhtml#one">I. The Start</a></li><li><a href="a.xhtml#two">The Boats</a></li><li><a href="b.xhtml">Alone</a></li>"#,
        "",
    );

    let document = read(&bytes).unwrap();

    assert_eq!(
        outline(&document),
        [
            "Before all.",
            "1 I",
            "First words.",
            "1 THE BOATS",
            "Second words.",
            "4 Aside",
            "More.",
            "1 Alone",
            "No heading here at all.",
            "End.",
        ]
    );
    let chapters = document.chapters();
    let titles: Vec<_> = chapters
        .iter()
        .map(|chapter| chapter.title.as_deref())
        .collect();
    assert_eq!(titles, [None, Some("I"), Some("THE BOATS"), Some("Alone")]);
    assert_eq!(document.title().as_deref(), Some("The Harbour"));
    assert_eq!(document.about.authors, ["Ann Example"]);
    assert_eq!(document.about.language.as_deref(), Some("en-GB"));
}

#[test]
fn what_belongs_to_the_printed_book_is_left_out_and_listed() {
    let bytes = book(
        &[
            ("cover", "<p>The Harbour, a novel</p>"),
            (
                "text",
                r##"<h2>One</h2><p>She went<a epub:type="noteref" href="#n1">1</a> home<span epub:type="pagebreak" id="p7">7</span> early.</p><aside epub:type="footnote" id="n1"><p>By boat.</p></aside><p>Then it rained.</p>"##,
            ),
        ],
        r#"<li><a href="cover.xhtml">Cover</a></li><li><a href="text.xhtml">One</a></li>"#,
        r#"<li><a epub:type="cover" href="cover.xhtml">Cover</a></li>"#,
    );

    let document = read(&bytes).unwrap();

    assert_eq!(
        outline(&document),
        ["1 One", "She went home early.", "Then it rained."]
    );
    let left_out: Vec<_> = document
        .left_out
        .iter()
        .map(|piece| (piece.what, piece.excerpt.as_str()))
        .filter(|(what, _)| *what != "the head of the page")
        .collect();
    assert_eq!(
        left_out,
        [
            ("the cover", "The Harbour, a novel"),
            ("a note mark", "1"),
            ("a page number", "7"),
            ("a note", "By boat."),
        ]
    );
}

#[test]
fn a_book_of_the_second_version_has_its_chapters_and_its_guide() {
    let ncx = r#"<?xml version="1.0"?><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><navMap><navPoint id="n1" playOrder="1"><navLabel><text>First</text></navLabel><content src="a.xhtml"/></navPoint><navPoint id="n2" playOrder="2"><navLabel><text>Second</text></navLabel><content src="a.xhtml#s"/></navPoint></navMap></ncx>"#;
    let opf = package(
        &["t", "a"],
        r#"<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>"#,
        r#"<guide><reference type="title-page" title="Title" href="t.xhtml"/></guide>"#,
    )
    .replace("version=\"3.0\"", "version=\"2.0\"");
    let bytes = archive(&[
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", opf.as_bytes()),
        ("OEBPS/toc.ncx", ncx.as_bytes()),
        ("OEBPS/t.xhtml", page("<p>The Harbour</p>").as_bytes()),
        (
            "OEBPS/a.xhtml",
            page(r#"<h1>First</h1><p>It began.</p><h1 id="s">Second</h1><p>It ended.</p>"#)
                .as_bytes(),
        ),
    ]);

    let document = read(&bytes).unwrap();

    assert_eq!(
        outline(&document),
        ["1 First", "It began.", "1 Second", "It ended."]
    );
    assert!(
        document
            .left_out
            .iter()
            .any(|piece| piece.what == "the title page")
    );
}

#[test]
fn a_locked_book_is_refused_and_locked_fonts_are_not_minded() {
    let locked = |method: &str| {
        format!(
            r#"<encryption><enc:EncryptedData><enc:EncryptionMethod Algorithm="{method}"/></enc:EncryptedData></encryption>"#
        )
    };
    let plain = |encryption: &str| {
        let opf = package(&["a"], "", "");
        archive(&[
            ("META-INF/container.xml", CONTAINER.as_bytes()),
            ("META-INF/encryption.xml", encryption.as_bytes()),
            ("OEBPS/book.opf", opf.as_bytes()),
            ("OEBPS/a.xhtml", page("<p>Words.</p>").as_bytes()),
        ])
    };

    let fonts = plain(&locked("http://www.idpf.org/2008/embedding"));
    assert_eq!(read(&fonts).unwrap().text, "Words.");
    let text = plain(&locked("http://www.w3.org/2001/04/xmlenc#aes128-cbc"));
    assert_eq!(read(&text).unwrap_err(), Error::LockedBook);
}

#[test]
fn a_page_that_is_not_there_is_listed_and_the_others_are_read() {
    let opf = package(&["a", "gone"], "", "");
    let bytes = archive(&[
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", opf.as_bytes()),
        ("OEBPS/a.xhtml", page("<p>Words.</p>").as_bytes()),
    ]);

    let document = read(&bytes).unwrap();

    assert_eq!(document.text, "Words.");
    assert!(
        document
            .left_out
            .iter()
            .any(|piece| piece.what == super::MISSING)
    );
}

#[test]
fn what_a_printed_book_has_besides_is_read_on_request() {
    let bytes = book(
        &[
            ("t", "<p>Printed in Bergen.</p>"),
            (
                "a",
                "<p>Words.</p><aside epub:type=\"footnote\"><p>Note.</p></aside>",
            ),
            ("n", "<p>The notes.</p>"),
        ],
        "<li><a href=\"a.xhtml\">A</a></li>",
        "<li><a epub:type=\"copyright-page\" href=\"t.xhtml\">T</a></li><li><a epub:type=\"endnotes\" href=\"n.xhtml\">N</a></li>",
    );
    let text = |matter, notes| {
        let reading = Reading {
            notes,
            matter,
            ..Reading::default()
        };
        crate::text::read(&bytes, Markup::Epub, &reading)
            .unwrap()
            .text
    };

    assert_eq!(text(Matter::Body, Aloud::Skip), "A\n\nWords.");
    assert_eq!(
        text(Matter::All, Aloud::Skip),
        "Printed in Bergen.\n\nA\n\nWords."
    );
    assert_eq!(
        text(Matter::Body, Aloud::Read),
        "A\n\nWords.\n\nNote.\n\nThe notes."
    );
}

#[test]
fn hostile_archives_are_refused_with_words() {
    let whole = book(&[("a", "<p>Words.</p>")], "", "");
    let bomb = book(&[("a", &"<p>0</p>".repeat(9 << 20))], "", "");
    let mut refused: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"PK\x03\x04".to_vec(),
        b"Not an archive at all.".to_vec(),
        archive(&[]),
        archive(&[("mimetype", b"application/epub+zip")]),
        archive(&[(
            "META-INF/container.xml",
            b"<container><rootfiles></rootfiles>",
        )]),
        archive(&[("META-INF/container.xml", CONTAINER.as_bytes())]),
        archive(&[
            ("META-INF/container.xml", CONTAINER.as_bytes()),
            ("OEBPS/book.opf", b"<package"),
        ]),
        bomb,
        book(
            &[("a", &format!("<p{}>", " a=\"1\"".repeat(200_000)))],
            "",
            "",
        ),
    ];
    for cut in [whole.len() / 4, whole.len() / 2, whole.len() - 1] {
        refused.push(whole[..cut].to_vec());
    }
    for bytes in refused {
        let error = read(&bytes).unwrap_err();
        assert!(
            matches!(error, Error::BrokenBook { .. }),
            "{error} of {} bytes",
            bytes.len()
        );
    }
    // Whatever one byte does, it ends with a document or with words.
    for at in (0..whole.len()).step_by(3) {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0x55;
        let _ = read(&spoilt);
    }
}
