//! Evil names: of inputs, folders, templates, tasks and models, and links planted where the
//! program writes. Everything stays inside, nothing is written over, and what is refused is
//! refused with a reason.

mod planted;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Options;
use crate::dice::Dice;
use crate::support::Project;

/// Bytes a file name may have.
const LONGEST: usize = 255;

/// Gives the program 200 evil names, and a dozen planted links.
pub(crate) fn evil_names(options: Options) -> String {
    let count = options.count.unwrap_or(200);
    let names = names(count, options.seed);
    let files = inputs(&names);
    let folders = folders(&names);
    let collisions = collisions();
    let templates = templates();
    let links = planted::links();
    format!(
        "{files} evil file names and {folders} evil folder names all became files of their own inside the output folder; {collisions} collisions and {templates} templates refused with a reason, nothing sent; {links} planted links not followed; sentinel tree unchanged"
    )
}

/// Names that somebody thought of, and combinations of their parts.
#[expect(clippy::too_many_lines, reason = "one long list of names")]
fn names(count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "..x",
        "...",
        ". .",
        "-rf",
        "--help",
        "-",
        "~",
        "~root",
        "$HOME",
        "$(reboot)",
        "`id`",
        "a;b",
        "a|b",
        "a&b",
        "a>b",
        "a<b",
        "a\"b",
        "a'b",
        "a*b",
        "a?b",
        "[a]",
        "{stem}",
        "{ext}",
        "{",
        "}",
        "%s%n",
        "%2e%2e%2f",
        "..\\..\\x",
        "C:\\x",
        "C:",
        "\\\\server\\share",
        "a:b",
        "CON",
        "con",
        "PRN",
        "AUX",
        "NUL",
        "nul.txt",
        "COM1",
        "LPT9",
        "CON.a.b",
        "CLOCK$",
        "trailing.",
        "trailing ",
        "trailing. . ",
        " leading",
        "\u{a0}nbsp",
        "a\nb",
        "a\rb",
        "a\tb",
        "\u{7}bell",
        "\u{1b}[31mred",
        "\u{1b}]0;title\u{7}",
        "\u{7f}del",
        "\u{85}nel",
        "\u{202e}gnp",
        "a\u{202d}b",
        "\u{2066}iso\u{2069}",
        "\u{200b}zero",
        "a\u{200d}b",
        "\u{feff}bom",
        "\u{2028}line",
        "e\u{301}tude",
        "\u{fb01}ne",
        "\u{212b}ngstrom",
        "\u{3000}wide",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{10ffff}",
        "\u{e000}",
        "\u{fffd}",
        "ﬀ",
        "ß",
        "İ",
        "Ǆ",
        "ا",
        "日本語",
        "\u{2024}\u{2024}",
        "\u{2215}etc",
        "\u{ff0e}\u{ff0e}\u{ff0f}",
        "a\u{300}\u{301}\u{302}\u{303}",
        "=1+1",
        "@SUM(1)",
        "+1",
        "'quoted",
        "<script>",
        "&amp;",
        "a -->",
        "#hash",
        "!bang",
        "a,b",
        "a\\",
        "\\",
        "a\\\"b",
        "file:x",
        "http:",
        "x?mode=memory",
        "'; DROP TABLE job;--",
        "NULL",
        "undefined",
        "true",
        "0",
        "1e999",
        "queue.db",
        "cost.csv",
        "files.csv",
        "run.lock",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    // Not UTF-8 at all.
    for bytes in [
        &b"\xff"[..],
        b"\xfe\xff",
        b"a\xc3",
        b"\xed\xa0\x80",
        b"\xc0\xae\xc0\xae",
        b"caf\xe9",
        b"\x80\x80",
    ] {
        names.push(bytes.to_vec());
    }
    // As long as names can be, also where a character would be cut.
    for letter in ["a", "é", "日", "👨", "e\u{301}"] {
        names.push(letter.repeat((LONGEST - 4) / letter.len()).into_bytes());
    }
    names.push([&b"b".repeat(LONGEST - 5)[..], b"\xff"].concat());
    let base = names.clone();
    let mut dice = Dice::new(seed);
    while names.len() < count {
        let (one, other) = (&base[dice.below(base.len())], &base[dice.below(base.len())]);
        let mut name = [&one[..], b"~", &other[..]].concat();
        name.truncate(LONGEST - 4);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(count);
    names
}

const TASK: &str = "type = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-us\"\nformat = \"wav\"\nsubtitles = [\"srt\"]\n";

/// A project whose output folder is beside things that must not be touched.
struct Place {
    project: Project,
    sentinel: PathBuf,
    before: BTreeSet<(PathBuf, String)>,
}

impl Place {
    fn new(config: &str) -> Self {
        let project = Project::new(config);
        let sentinel = project.path("outside");
        for file in ["victim.txt", "deep/er/victim.wav", "empty"] {
            project.write(&format!("outside/{file}"), "Do not touch.\n");
        }
        Self {
            before: census(&sentinel),
            sentinel,
            project,
        }
    }

    fn input(&self, folder: &Path, name: &[u8], text: &str) {
        let folder = self.project.path("in").join(folder);
        fs::create_dir_all(&folder).unwrap();
        let mut file = OsString::from_vec(name.to_vec());
        file.push(".txt");
        fs::write(folder.join(file), text).unwrap();
    }

    /// Nothing outside was touched, and the project has only what belongs there.
    fn is_intact(&self, what: &str) {
        assert_eq!(census(&self.sentinel), self.before, "{what}: the sentinel");
        let known = [".voicespool", "in", "jobs.toml", "out", "outside"];
        for entry in fs::read_dir(self.project.root()).unwrap() {
            let name = entry.unwrap().file_name();
            assert!(
                known.iter().any(|known| *known == name),
                "{what}: {name:?} appeared"
            );
        }
    }

    /// The finished audio files.
    fn finished(&self) -> Vec<PathBuf> {
        walkdir::WalkDir::new(self.project.path("out"))
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "wav"))
            .collect()
    }
}

/// Every path below `root` with what it is and holds.
fn census(root: &Path) -> BTreeSet<(PathBuf, String)> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| {
            let path = entry.unwrap().into_path();
            let found = path.symlink_metadata().unwrap();
            let what = if found.is_file() {
                format!("{:x}", Sha256::digest(fs::read(&path).unwrap()))
            } else {
                format!("{:?}", found.file_type())
            };
            (path, what)
        })
        .collect()
}

/// No name in the output folder is one that any system would not take, or would act on.
fn are_plain(paths: &[PathBuf]) {
    for path in paths {
        for part in path.components() {
            let name = part.as_os_str();
            let text = name
                .to_str()
                .unwrap_or_else(|| panic!("{path:?} is not UTF-8"));
            let is_odd = |c: char| c.is_control() || "\\:*?\"<>|".contains(c);
            assert!(name.as_bytes().len() <= LONGEST, "{path:?}");
            assert!(text == "/" || !text.contains(is_odd), "{path:?}");
            assert!(
                !text.ends_with(['.', ' ']) && !text.starts_with('-'),
                "{path:?}"
            );
        }
    }
}

/// All of the names as files of one folder.
fn inputs(names: &[Vec<u8>]) -> usize {
    let place = Place::new(&format!(
        "version = 1\n[task.evil]\ninput = [\"in\"]\noutput = \"{{task}}/{{rel_dir}}/{{stem}}.{{ext}}\"\n{TASK}"
    ));
    // A folder each, so that what two names become alike does not collide.
    for (idx, name) in names.iter().enumerate() {
        place.input(Path::new(&idx.to_string()), name, "Yes.\n");
    }
    // Hidden files are taken only by a pattern that names them.
    let taken = names.iter().filter(|name| !name.starts_with(b".")).count();
    place.project.run(&["plan"]).exits(0);
    place.project.run(&["run", "--yes"]).exits(0);
    place.project.run(&["verify", "--deep"]).exits(0);
    for args in [
        &["status"][..],
        &["ls"],
        &["report"],
        &["report", "--format", "files"],
    ] {
        let said = place.project.run(args).exits(0).stdout();
        assert!(
            !said.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{args:?} prints raw names"
        );
    }
    let finished = place.finished();
    assert_eq!(
        finished.len(),
        taken,
        "files are missing, or one was written over another"
    );
    are_plain(&finished);
    place.is_intact("file names");
    taken
}

/// The names as folders, which `{rel_dir}` repeats.
fn folders(names: &[Vec<u8>]) -> usize {
    let place = Place::new(&format!(
        "version = 1\n[task.evil]\ninput = [\"in\"]\noutput = \"{{rel_dir}}/{{stem}}.{{ext}}\"\n{TASK}"
    ));
    let mut taken = 0;
    for (idx, name) in names.iter().enumerate().step_by(3) {
        if name.starts_with(b".") {
            continue;
        }
        // The number keeps those apart that become alike.
        let folder = PathBuf::from(format!("{idx}")).join(OsString::from_vec(name.clone()));
        place.input(&folder, b"a", "Yes.\n");
        taken += 1;
    }
    place.project.run(&["run", "--yes"]).exits(0);
    let finished = place.finished();
    assert_eq!(finished.len(), taken);
    are_plain(&finished);
    place.is_intact("folder names");
    taken
}

/// Pairs that are one file on some system: told before anything is done.
fn collisions() -> usize {
    let pairs: &[(&[u8], &[u8])] = &[
        (b"Chapter", b"chapter"),
        ("caf\u{e9}".as_bytes(), "cafe\u{301}".as_bytes()),
        ("STRASSE\u{c9}".as_bytes(), "strasse\u{e9}".as_bytes()),
        (b"a:b", b"a?b"),
        (b"a\nb", b"a\tb"),
        (b"a.", b"a"),
        (b"a ", b"a"),
        (b" a", b"a"),
        (b"-a", b"_a"),
        (b"con", b"_con"),
        ("\u{212b}".as_bytes(), "\u{c5}".as_bytes()),
        ("a\u{202e}b".as_bytes(), b"a_b"),
    ];
    for (one, other) in pairs {
        let place = Place::new(&format!(
            "version = 1\n[task.evil]\ninput = [\"in\"]\noutput = \"{{stem}}.{{ext}}\"\n{TASK}"
        ));
        place.input(Path::new(""), one, "One.\n");
        place.input(Path::new(""), other, "Other.\n");
        let what = format!("{} and {}", one.escape_ascii(), other.escape_ascii());
        let ran = place.project.run(&["run", "--yes"]).exits(2);
        assert!(
            ran.stderr().contains("two inputs would become one file"),
            "{what}: {}",
            ran.stderr()
        );
        assert!(ran.stderr().contains("nothing was sent"), "{what}");
        assert!(!place.project.path("out").exists(), "{what}");
        place.is_intact(&what);
    }
    pairs.len()
}

/// Paths in the configuration that lead out, and words in it that reach names.
fn templates() -> usize {
    let refused = [
        "/etc/{stem}.{ext}",
        "../{stem}.{ext}",
        "a/../../{stem}.{ext}",
        "..\\\\{stem}.{ext}",
        "C:\\\\{stem}.{ext}",
        "\\\\\\\\server\\\\{stem}.{ext}",
        "{stem}",
        "{evil}.{ext}",
        "{stem.{ext}",
        "",
        "a/..",
        "~/../../{stem}/..",
    ];
    for output in refused {
        let place = Place::new(&format!(
            "version = 1\n[task.evil]\ninput = [\"in\"]\noutput = \"{output}\"\n{TASK}"
        ));
        place.input(Path::new(""), b"a", "Yes.\n");
        let ran = place.project.run(&["run", "--yes"]).exits(2);
        assert!(
            ran.stderr().contains("output"),
            "{output}: {}",
            ran.stderr()
        );
        place.is_intact(output);
    }
    // Fields with evil values are bent, or refused, but never lead out.
    for task in [
        "../../outside/x",
        "/etc/x",
        "..",
        "a\\\\..\\\\b",
        "\\u202Eevil",
        "CON",
        " ",
    ] {
        let place = Place::new(&format!(
            "version = 1\n[task.\"{task}\"]\ninput = [\"in\"]\noutput = \"{{task}}/{{model}}-{{voice}}-{{language}}-{{name}}.{{ext}}\"\n{TASK}"
        ));
        place.input(Path::new(""), b"a", "# ../../outside/victim.txt\n\nYes.\n");
        let ran = place.project.run(&["run", "--yes"]);
        if place.project.path("out").is_dir() {
            ran.exits(0);
            are_plain(&place.finished());
        } else {
            ran.exits(2);
        }
        place.is_intact(task);
    }
    refused.len()
}
