//! The laws that fuzzing checks (`fuzz/`), on its seeds and on what a compiler without a fuzzer
//! can make of them.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

#[path = "../../fuzz/laws/mod.rs"]
#[expect(
    unreachable_pub,
    reason = "the same file is the library of the fuzz targets"
)]
mod laws;

/// The seeds of a law; audio has the fixtures besides, but for the long one.
fn seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("fuzz/seeds").join(name)];
    if name == "media" {
        folders.push(root.join("tests/fixtures"));
    }
    let mut seeds = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let metadata = entry.metadata().unwrap();
            if metadata.is_file() && metadata.len() < 20_000 {
                seeds.push((entry.path(), fs::read(entry.path()).unwrap()));
            }
        }
    }
    assert!(!seeds.is_empty(), "no seeds for {name}");
    seeds
}

#[test]
fn every_seed_of_the_fuzzer_keeps_its_law() {
    for (name, law) in laws::ALL {
        for (path, seed) in seeds(name) {
            // The last one printed is the one that fails.
            println!("{}", path.display());
            law(&seed);
        }
    }
}

/// How two seeds become an input: the front of one, some bytes, the back of the other, and a few
/// bytes changed.
type Recipe = ([Index; 4], Vec<u8>, Vec<(Index, u8)>);

fn recipe() -> impl Strategy<Value = Recipe> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..12);
    let changes = proptest::collection::vec((any::<Index>(), any::<u8>()), 0..4);
    (any::<[Index; 4]>(), bytes, changes)
}

fn cooked(seeds: &[(PathBuf, Vec<u8>)], (places, between, changes): &Recipe) -> Vec<u8> {
    let [one, other, front, back] = places;
    let (one, other) = (&one.get(seeds).1, &other.get(seeds).1);
    let (front, back) = (front.index(one.len() + 1), back.index(other.len() + 1));
    let mut input = [&one[..front], between, &other[back..]].concat();
    for (place, byte) in changes {
        let length = input.len();
        if length > 0 {
            input[place.index(length)] = *byte;
        }
    }
    input
}

#[test]
fn spliced_and_damaged_seeds_keep_every_law() {
    for (name, law) in laws::ALL {
        let seeds = seeds(name);
        let config = Config {
            cases: 48,
            max_shrink_iters: 200,
            failure_persistence: None,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&recipe(), |recipe| {
            law(&cooked(&seeds, &recipe));
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{name}: {error}");
        }
    }
}

/// Names that file systems, terminals or readers trip over.
fn nasty_name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-zA-Z0-9]{1,6}",
        2 => proptest::sample::select(vec![
            ".", "..", "/", "\\", " ", "-", "con", "NUL", "lpt1", ":", "\u{a0}", "\u{3000}", "\u{301}",
            "\u{202e}", "\u{feff}", "\n", "\u{7f}", "\u{1b}[31m", "é", "ﬁ", "ß", "İ", "👩\u{200d}🚒", "{stem}",
        ]).prop_map(str::to_owned),
        1 => proptest::sample::select(vec!["x", "é", "e\u{301}", "\u{301}", "界", ". "])
            .prop_flat_map(|piece| (1..130_usize).prop_map(move |n| piece.repeat(n))),
    ];
    proptest::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

fn any_template() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "{task}",
        "{stem}",
        "{name}",
        "{rel_dir}",
        "{voice}",
        "{model}",
        "{language}",
        "{ext}",
        "/",
        "/",
        ".",
        "-",
        " ",
        "a",
        "con",
        "é",
    ]);
    let front = proptest::collection::vec(piece, 0..8);
    (front, prop_oneof![4 => Just(".{ext}"), 1 => Just("{ext}")])
        .prop_map(|(pieces, end)| pieces.concat() + end)
}

/// Text that is hard to cut: no spaces, long words, marks that stick, quotation marks.
fn hard_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z]{1,9} ",
        1 => "[A-Z][a-z]{1,5}\\. ",
        2 => proptest::sample::select(vec![
            "Dr. ", "3. Okt. ", "\"", "“", "”", " — ", "; ", ", and ", "10 000 ", "https://a.example/b?c=d,e ",
            "日本語。", "यह है। ", "👩\u{200d}🚒", "e\u{301}\u{302}", "\n", "\n\n", "\n***\n", "\n\nCHAPTER IV\n\n", "…",
            "\u{200b}", "\u{ad}\n", "🇩🇪🇫🇷", "ก็", "ำ", "각", "\u{1100}\u{1161}\u{11a8}",
        ]).prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn whatever_a_file_is_called_its_output_stays_inside_and_has_a_plain_name(
        template in any_template(),
        names in proptest::collection::vec(nasty_name(), 6),
        ext in any::<u8>(),
    ) {
        let fields: Vec<String> = names.iter().map(|name| name.replace('\0', "")).collect();
        let text = format!("{template}\0{}", fields.join("\0"));
        laws::template(&[&[ext], text.as_bytes()].concat());
    }

    #[test]
    fn whatever_the_limits_text_is_cut_between_characters_and_none_is_lost(
        text in hard_text(),
        (max_chars, max_bytes, target) in (0..200_u16, 0..400_u16, 0..300_u16),
        (least, language) in any::<(u8, u8)>(),
    ) {
        let numbers = [max_chars, max_bytes, target].map(u16::to_le_bytes).concat();
        laws::chunker(&[&numbers, &[least % 90, language][..], text.as_bytes()].concat());
    }
}
