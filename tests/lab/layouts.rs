//! Outputs over files that were there before, in every way a person may lay out a folder: no byte that
//! voicespool did not write is changed or removed unasked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Options;
use crate::chance::Chance;
use crate::scene::files_below;
use crate::support::Project;

/// What a person may have where an output goes.
const THERE: &[&str] = &["nothing", "file", "link", "folder", "copy"];

/// Makes `count` layouts, runs each twice, with changes in between.
pub(crate) fn over_files(options: Options) -> String {
    let count = options.count.unwrap_or(30);
    let mut chance = Chance::new(options.seed);
    let (mut foreign, mut refused, mut made, mut kept) = (0, 0, 0, 0);
    for _ in 0..count {
        let beside = chance.below(2) == 0;
        let overwrites = chance.below(4) == 0;
        let project = project(beside, overwrites);
        let out = if beside { "in" } else { "out" };
        for name in ["a", "b", "c"] {
            project.write(
                &format!("in/{name}.txt"),
                format!("The boats of {name} came in early."),
            );
            for extension in ["wav", "srt"] {
                plant(&project, &format!("{out}/{name}.{extension}"), &mut chance);
            }
        }
        for report in ["cost.csv", "files.csv"] {
            if chance.below(3) == 0 {
                project.write(&format!("{out}/{report}"), "my,own,table\n");
            }
        }
        let mut mine = everything(&project, &[]);
        foreign += mine.len();
        for round in 0..2 {
            let ran = project.run(&["run", "--yes"]);
            let code = ran.code();
            assert!(matches!(code, Some(0 | 3)), "{code:?}\n{}", ran.stderr());
            refused += usize::from(code == Some(3));
            kept += check(&project, &mine, overwrites);
            if round == 0 {
                // A person corrects what was made, and changes a text.
                let corrected = project.path(&format!("{out}/b.srt"));
                if corrected.is_file() && !corrected.is_symlink() {
                    fs::write(&corrected, "corrected by hand").unwrap();
                    mine.insert(corrected, b"corrected by hand".to_vec());
                }
                let text = project.path("in/b.txt");
                fs::write(&text, "The boats of b came in late.").unwrap();
                mine.insert(text, b"The boats of b came in late.".to_vec());
            }
        }
        made += files_below(&project.path(out))
            .iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "wav"))
            .count();
    }
    format!(
        "{count} layouts over {foreign} files of a person: 0 changed or removed unasked ({kept} kept as .bak where overwriting was asked for), {refused} runs with refused files, {made} recordings there"
    )
}

fn project(beside: bool, overwrites: bool) -> Project {
    let out = if beside { "in" } else { "out" };
    let overwrite = if overwrites { "overwrite = true\n" } else { "" };
    Project::new(&format!(
        "version = 1\n[project]\nout = \"{out}\"\n[task.book]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-gb\"\ninput = [\"in/*.txt\"]\nformat = \"wav\"\nsubtitles = [\"srt\"]\noutput = \"{{stem}}.{{ext}}\"\n{overwrite}"
    ))
}

fn plant(project: &Project, path: &str, chance: &mut Chance) {
    let place = project.path(path);
    let aside = project.path("mine/elsewhere.txt");
    match *chance.pick(THERE) {
        "file" => project.write(path, format!("my own {path}")),
        "link" => {
            project.write("mine/elsewhere.txt", "behind a link");
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(aside, place).unwrap();
        }
        "folder" => project.write(&format!("{path}/inside.txt"), "in a folder"),
        "copy" => project.write(&format!("{path}.bak"), "a copy of mine"),
        _ => {}
    }
}

/// Every file of the project but its configuration and state, with its bytes.
fn everything(project: &Project, but: &[PathBuf]) -> BTreeMap<PathBuf, Vec<u8>> {
    let state = project.path(".voicespool");
    files_below(project.root())
        .into_iter()
        .filter(|path| !path.starts_with(&state) && !but.contains(path))
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect()
}

/// Each of `mine` is where it was, or kept beside where that was allowed; returns how many were.
fn check(project: &Project, mine: &BTreeMap<PathBuf, Vec<u8>>, overwrites: bool) -> usize {
    let found = everything(project, &[]);
    let mut kept = 0;
    for (path, bytes) in mine {
        if found.get(path) == Some(bytes) {
            continue;
        }
        let beside = found
            .iter()
            .any(|(other, found)| is_copy_of(other, path) && found == bytes);
        assert!(
            overwrites && beside,
            "{} is not what it was",
            path.display()
        );
        kept += 1;
    }
    kept
}

/// `a.wav.bak`, `a.wav.2.bak`, and what is in a folder that is called so now.
fn is_copy_of(other: &Path, path: &Path) -> bool {
    let (names, other_names) = (path.components(), other.components());
    let is_kept = |name: &str, other: &str| {
        let more = other
            .strip_prefix(name)
            .and_then(|more| more.strip_suffix("bak"));
        more.is_some_and(|more| more.starts_with('.'))
    };
    names.clone().count() == other_names.clone().count()
        && names.zip(other_names).all(|(name, other)| {
            let name = name.as_os_str().to_string_lossy();
            let other = other.as_os_str().to_string_lossy();
            name == other || is_kept(&name, &other)
        })
}
