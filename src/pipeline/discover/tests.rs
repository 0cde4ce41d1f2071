use super::*;
use std::fs;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap();
        }
        Self(dir)
    }

    fn discover(&self, patterns: &[&str]) -> Result<Discovery, DiscoverError> {
        let root = self.0.path().to_owned();
        let places = Places {
            out: root.join("out"),
            state: root.join(".voicespool"),
            root: root.clone(),
        };
        let patterns: Vec<_> = patterns
            .iter()
            .map(|text| InputPattern {
                pattern: text.trim_start_matches('!').into(),
                exclude: text.starts_with('!'),
                origin: "jobs.toml:1:1".into(),
            })
            .collect();
        discover(&patterns, &["txt", "md"], &places)
    }

    fn find(&self, patterns: &[&str]) -> Result<Vec<String>, DiscoverError> {
        let root = self.0.path();
        self.discover(patterns).map(|found| {
            found
                .files
                .iter()
                .map(|file| {
                    file.path
                        .strip_prefix(root)
                        .unwrap()
                        .to_string_lossy()
                        .into_owned()
                })
                .collect()
        })
    }
}

use std::fs::File;

#[test]
fn files_come_in_natural_order_once_each() {
    let tree = Tree::new(&[
        "b/ch10.txt",
        "b/ch2.txt",
        "b/ch1.md",
        "b/x.png",
        "b/.hidden.txt",
        "out/ch1.txt",
    ]);

    assert_eq!(
        tree.find(&["b", "b/*.txt", "**/*.txt"]).unwrap(),
        ["b/ch1.md", "b/ch2.txt", "b/ch10.txt"]
    );
}

#[test]
fn exclusions_take_files_away_again() {
    let tree = Tree::new(&["b/a.txt", "b/drafts/b.txt", "b/drafts/c.txt"]);

    assert_eq!(
        tree.find(&["b/**/*.txt", "!b/drafts/**"]).unwrap(),
        ["b/a.txt"]
    );
    assert!(matches!(
        tree.find(&["b/**/*.txt", "!b"]),
        Err(DiscoverError::EverythingExcluded { .. })
    ));
}

#[test]
fn a_pattern_that_finds_nothing_says_where_it_stands_and_what_is_missing() {
    let tree = Tree::new(&["books/a.txt"]);

    let error = tree.find(&["boks/*.txt"]).unwrap_err().to_string();
    assert!(
        error.contains("jobs.toml:1:1") && error.contains("boks does not exist"),
        "{error}"
    );
    assert!(
        tree.find(&["books/*.md"])
            .unwrap_err()
            .to_string()
            .contains("no txt, md file there")
    );
}

#[cfg(unix)]
#[test]
fn links_and_devices_are_skipped_and_a_file_with_stars_in_its_name_is_itself() {
    let tree = Tree::new(&["b/a*.txt", "b/ab.txt"]);
    std::os::unix::fs::symlink(tree.0.path().join("b"), tree.0.path().join("b/loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", tree.0.path().join("b/zero.txt")).unwrap();

    assert_eq!(tree.find(&["b/a*.txt"]).unwrap(), ["b/a*.txt"]);
    assert_eq!(tree.find(&["b/**"]).unwrap(), ["b/a*.txt", "b/ab.txt"]);
}

#[test]
fn what_lies_there_and_is_not_matched_is_said() {
    let tree = Tree::new(&[
        "books/a.txt",
        "books/b.md",
        "books/c.jpg",
        "books/sub/d.txt",
    ]);
    let skipped = |patterns: &[&str]| {
        let found = tree.discover(patterns).unwrap();
        let told = found.skipped.iter();
        told.map(|file| {
            let name = file
                .path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            (name, file.why)
        })
        .collect::<Vec<_>>()
    };

    let no_kind = "not a kind of file this task reads";
    let no_pattern = "no pattern matches it";
    assert_eq!(skipped(&["books"]), [("c.jpg".to_owned(), no_kind)]);
    let named = [
        ("b.md".to_owned(), no_pattern),
        ("d.txt".to_owned(), no_pattern),
    ];
    assert_eq!(skipped(&["books/*.txt"]), named);
    // What another pattern takes, or one takes away by name, needs no word.
    assert_eq!(skipped(&["books/*.txt", "books/*.md", "!books/sub/**"]), []);
}
