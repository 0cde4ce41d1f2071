//! Bytes of the object folder that are not what was bought: none is believed by any reader.

use std::fs;
use std::path::{Path, PathBuf};

use voicespool_mock::MockOptions;

use crate::Options;
use crate::chance::Chance;
use crate::scene::files_below;
use crate::support::{Project, Provider};

/// The ways in which a disk, a copy or a person damages a file.
const KINDS: u64 = 8;

/// Damages `count` objects, some of a project at a time, and lets a reader look.
pub(crate) fn objects(options: Options) -> String {
    let count = options.count.unwrap_or(96);
    let mut chance = Chance::new(options.seed);
    let provider = Provider::start(MockOptions {
        seed: options.seed,
        ..MockOptions::default()
    });
    let project = project(&provider);
    project.run(&["run", "--max-cost", "1"]).exits(0);
    let whole = fs::read(project.path("out/book.wav")).unwrap();
    let (mut damaged, mut rounds, mut bought, mut texts) = (0, 0, 0, 0);
    while damaged < count {
        let answers = kept(&project, false);
        let before = provider.mock.invoice().requests;
        let hurt: Vec<_> = answers.iter().filter(|_| chance.below(2) == 0).collect();
        for path in &hurt {
            damage(path, &mut chance);
        }
        // The text makes way for nobody: it is read anew whenever its file is planned.
        let text = kept(&project, true).remove(0);
        let is_text_hurt = chance.below(2) == 0;
        if is_text_hurt {
            damage(&text, &mut chance);
            texts += 1;
        }
        match chance.below(2) {
            0 => by_verify(&project, hurt.len()),
            _ => by_joining(&project, hurt.len()),
        }
        assert_eq!(provider.mock.invoice().requests, before, "bought unasked");
        if !hurt.is_empty() {
            again(&project);
        }
        project.run(&["run", "--max-cost", "1"]).exits(0);
        let paid = provider.mock.invoice().requests - before;
        assert_eq!(paid, u64::try_from(hurt.len()).unwrap());
        assert_eq!(fs::read(project.path("out/book.wav")).unwrap(), whole);
        damaged += hurt.len() + usize::from(is_text_hurt);
        bought += paid;
        rounds += 1;
    }
    format!(
        "{damaged} damaged objects of {KINDS} kinds ({texts} texts) in {rounds} rounds, read by joining and verify --deep; 0 believed, 0 bought unasked, {bought} bought again with consent, every book as before"
    )
}

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"canopylabs/orpheus-3b-0.1-ft\"\nvoice = \"tara\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 120, target_chars = 60 }}\n",
        provider.profile()
    ));
    let row = |number| format!("Paragraph number {number} is one request alone.\n\n");
    project.write("book.txt", (1..=24).map(row).collect::<String>());
    project
}

/// Answers, or texts, in the order of their names.
fn kept(project: &Project, text: bool) -> Vec<PathBuf> {
    let mut found = files_below(&project.path(".voicespool/objects"));
    let key = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let of_text: Vec<String> = texts(project);
    found.retain(|path| !key(path).starts_with('.') && of_text.contains(&key(path)) == text);
    found.sort();
    found
}

/// The names of the texts: what is no answer of any job.
fn texts(project: &Project) -> Vec<String> {
    let jobs = project.run(&["ls", "--limit", "10000", "--json"]).exits(0);
    let keys: Vec<_> = jobs
        .json()
        .iter()
        .map(|job| job["key"].as_str().unwrap().to_owned())
        .collect();
    let found = files_below(&project.path(".voicespool/objects"));
    found
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !keys.contains(name))
        .collect()
}

fn damage(path: &Path, chance: &mut Chance) {
    let mut bytes = fs::read(path).unwrap();
    let len = bytes.len();
    let place = usize::try_from(chance.below(u64::try_from(len).unwrap())).unwrap();
    match chance.below(KINDS) {
        // Zeroed behind its header: still a file of the right length and form.
        0 => bytes[44.min(len / 2)..].fill(0),
        1 => bytes.truncate(place),
        2 => bytes.clear(),
        3 => bytes[place] ^= 1,
        4 => bytes.extend_from_slice(b"more"),
        5 => bytes[..8.min(len)].fill(b'x'),
        6 => bytes.rotate_left(len / 3),
        _ => return fs::remove_file(path).unwrap(),
    }
    fs::write(path, bytes).unwrap();
}

/// `verify --deep` names each lost answer.
fn by_verify(project: &Project, hurt: usize) {
    let found = project.run(&["verify", "--deep"]);
    let found = if hurt > 0 { found.exits(6) } else { found };
    let named = found.stdout().matches("buying it again costs $").count();
    assert_eq!(named, hurt, "{}", found.stdout());
    // What was made of them before is whole, and would stay for ever.
    fs::remove_file(project.path("out/book.wav")).unwrap();
}

/// Joining refuses them.
fn by_joining(project: &Project, hurt: usize) {
    fs::remove_file(project.path("out/book.wav")).unwrap();
    let ran = project.run(&["run", "--max-cost", "1"]);
    if hurt > 0 {
        let said = ran.exits(3).stderr();
        assert!(said.contains("missing or damaged"), "{said}");
        assert!(!project.path("out/book.wav").exists());
    } else {
        ran.exits(0);
    }
}

/// Says yes to buying again, as the messages tell a person to.
fn again(project: &Project) {
    // Files that were joined before fail first; nothing is bought by that.
    project.run(&["run", "--max-cost", "1"]).exits(3);
    project.run(&["retry", "--all", "--yes"]).exits(0);
}
