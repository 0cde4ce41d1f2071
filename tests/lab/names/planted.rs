//! Links that somebody planted in a project before it was run: a folder from a stranger.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use voicespool_mock::MockOptions;

use crate::names::Place;
use crate::support::Provider;

/// What a run makes of a planted link; it never follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It ends with this code.
    Refuses(i32),
    /// It refuses the input in the plan, before anything is paid.
    Plans,
    /// It goes on without that file, and says so.
    Warns,
}

/// Where a link is planted, where it leads (below `outside`), and what follows.
const LINKS: &[(&str, &str, Then)] = &[
    ("out/book", "deep", Then::Refuses(3)),
    ("out/book/a.wav", "victim.txt", Then::Plans),
    ("out/book/a.srt", "victim.txt", Then::Plans),
    ("out/cost.csv", "victim.txt", Then::Warns),
    ("out/files.csv", "victim.txt", Then::Warns),
    (".voicespool/run.lock", "victim.txt", Then::Refuses(7)),
    (".voicespool/queue.db", "empty", Then::Refuses(7)),
    (".voicespool/queue.db", "new.db", Then::Refuses(7)),
    (".voicespool/queue.db-wal", "victim.txt", Then::Refuses(7)),
    (".voicespool/queue.db-shm", "victim.txt", Then::Refuses(7)),
    (".voicespool/objects", "deep", Then::Refuses(7)),
];

/// Plants each of them; returns how many.
pub(super) fn links() -> usize {
    let provider = Provider::start(MockOptions::default());
    for (link, target, then) in LINKS {
        let place = plant(&provider, &[(link, target)]);
        let ran = place.project.run(&["run", "--yes"]);
        let what = format!("{link} -> outside/{target}: {}", ran.stderr());
        assert!(!ran.stderr().contains("panicked"), "{what}");
        place.is_intact(&what);
        let code = match then {
            Then::Refuses(code) => *code,
            Then::Plans => 3,
            Then::Warns => 0,
        };
        let ran = ran.exits(code);
        let says = match then {
            Then::Refuses(_) | Then::Plans => "link",
            Then::Warns => "is not ours and stays",
        };
        assert!(ran.stderr().contains(says), "{what}");
        let planted = place.project.path(link);
        assert!(planted.is_symlink(), "{what}");
        fs::remove_file(planted).unwrap();
        if *then == Then::Refuses(3) {
            place.project.run(&["retry", "--all", "--yes"]).exits(0);
        }
        place.project.run(&["run", "--yes"]).exits(0);
        place.project.run(&["verify", "--deep"]).exits(0);
    }
    LINKS.len() + parts(&provider)
}

fn plant(provider: &Provider, links: &[(&str, &str)]) -> Place {
    let place = Place::new(&format!(
        "version = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"in/a.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\nsubtitles = [\"srt\"]\noutput = \"{{task}}/{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    place.input(Path::new(""), b"a", "A word for the road.\n");
    for (link, target) in links {
        let path = place.project.path(link);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(place.sentinel.join(target), path).unwrap();
    }
    place
}

/// Whoever knows a text knows under which names its answer will come.
fn parts(provider: &Provider) -> usize {
    let known = plant(provider, &[]);
    known.project.run(&["run", "--yes"]).exits(0);
    let keys: Vec<String> = walkdir::WalkDir::new(known.project.path(".voicespool/objects"))
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let mut planted = 0;
    for key in &keys {
        let shard = format!(".voicespool/objects/{}", &key[..2]);
        for (name, target) in [
            (format!("{shard}/.{key}.1.part"), "victim.txt"),
            (format!("{shard}/.{key}.0.part"), "victim.txt"),
            (format!("{shard}/.{key}.1.answer"), "victim.txt"),
            (shard.clone(), "deep"),
        ] {
            let place = plant(provider, &[(&name, target)]);
            let ran = place.project.run(&["run", "--yes"]);
            place.is_intact(&format!("{name}: {}", ran.stderr()));
            planted += 1;
        }
    }
    planted
}
