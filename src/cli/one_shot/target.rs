//! Where the finished files of a one-shot go: exactly where the user said, whole or not at
//! all, and never over an input.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::cli::exit::{Exit, Failure};
use crate::cli::one_shot::input::{Input, Source};
use crate::cli::term;
use crate::domain::FileFormat;
use crate::pipeline::output;

/// Where one file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Stdout,
    File(PathBuf),
}

/// The files made of one input: extension and place.
pub(crate) type Targets = Vec<(String, Target)>;

/// Whether one of `targets` takes stdout for itself.
pub(crate) fn take_stdout(targets: &[Targets]) -> bool {
    let mut all = targets.iter().flatten();
    all.any(|(_, target)| *target == Target::Stdout)
}

/// `folder/stem.ext` for each of `extensions`.
pub(crate) fn in_folder(folder: &Path, input: &Input, extensions: &[String]) -> Targets {
    extensions
        .iter()
        .map(|extension| {
            let mut name = input.stem.clone();
            name.push(".");
            name.push(extension);
            (extension.clone(), Target::File(folder.join(name)))
        })
        .collect()
}

/// Makes sure, before anything is sent, that every target can be written and is only that.
/// `made` is the folder of `-O`, which need not be there yet.
pub(crate) fn check(
    inputs: &[Input],
    targets: &[Targets],
    made: Option<&Path>,
    json: bool,
) -> Result<(), Failure> {
    let refuse = |headline: String| Failure::new(Exit::Usage, headline).detail("nothing was sent");
    if take_stdout(targets) && json {
        return Err(
            refuse("--json and the result cannot both have stdout".to_owned())
                .hint("write the result to a file: -o FILE"),
        );
    }
    let is_audio = |extension: &str| extension.parse::<FileFormat>().is_ok();
    let shows_audio = targets
        .iter()
        .flatten()
        .any(|(extension, target)| *target == Target::Stdout && is_audio(extension));
    if shows_audio && io::stdout().is_terminal() {
        return Err(refuse("audio is nothing for a terminal".to_owned())
            .hint("-o FILE, or pipe it: voicespool tts … -o - | aplay"));
    }
    let read: HashSet<(u64, u64)> = inputs
        .iter()
        .filter_map(|input| match &input.source {
            Source::File(path) => identity(path),
            _ => None,
        })
        .collect();
    let mut names = HashSet::new();
    for (_, target) in targets.iter().flatten() {
        let Target::File(path) = target else { continue };
        let shown = shown(path);
        if identity(path).is_some_and(|file| read.contains(&file)) {
            return Err(
                refuse(format!("{shown} is an input and would be overwritten"))
                    .hint("write to another name with -o, or another folder with -O"),
            );
        }
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if !names.insert(output::collision_key(&absolute)) {
            return Err(refuse(format!("two inputs would become one file, {shown}"))
                .hint("give them different names, or do them one by one"));
        }
        check_place(path, made).map_err(|why| refuse(format!("cannot write {shown}: {why}")))?;
    }
    Ok(())
}

/// Device and number of what is there.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = path.metadata().ok()?;
    Some((found.dev(), found.ino()))
}

fn check_place(path: &Path, made: Option<&Path>) -> Result<(), String> {
    use rustix::fs::Access;
    match path.metadata() {
        Ok(found) if found.is_dir() => return Err("it is a folder; use -O for one".to_owned()),
        // A pipe or a device is written to, not replaced.
        Ok(found) if !found.is_file() => return Ok(()),
        _ => {}
    }
    let mut folder = folder_of(path);
    if made == Some(folder) {
        let mut above = folder
            .ancestors()
            .filter(|above| !above.as_os_str().is_empty());
        folder = above.find(|above| above.exists()).unwrap_or(Path::new("."));
    }
    match folder.metadata() {
        Ok(found) if !found.is_dir() => Err(format!("{} is no folder", shown(folder))),
        Ok(_) => rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|error| format!("the folder {}: {error}", shown(folder))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "there is no folder {0}; make it with: mkdir -p {0}",
            shown(folder)
        )),
        Err(error) => Err(format!("the folder {}: {error}", shown(folder))),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

pub(crate) fn shown(path: &Path) -> String {
    term::clean(&path.to_string_lossy())
}

/// Copies `made` to `target`: under a temporary name first, so that nobody ever sees a part.
pub(crate) fn deliver(made: &Path, target: &Target) -> anyhow::Result<()> {
    let mut from = File::open(made)?;
    let Target::File(path) = target else {
        return match io::copy(&mut from, &mut io::stdout().lock()) {
            // Whoever reads has enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other.map(drop)?),
        };
    };
    let found = path.metadata().ok();
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        io::copy(&mut from, &mut OpenOptions::new().write(true).open(path)?)?;
        return Ok(());
    }
    // What a link leads to is replaced, not the link.
    let real = path.canonicalize().unwrap_or_else(|_| path.clone());
    let name = real.file_name().map_or(real.as_path(), Path::new);
    let mut file = output::NewFile::create(folder_of(&real), name)?;
    io::copy(&mut from, file.file())?;
    let kept = file.keep()?;
    if let Some(found) = found {
        fs::set_permissions(&kept, found.permissions())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write(path: &Path, text: &str) {
        File::create(path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    fn refusal(input: &Path, target: &Path) -> Option<String> {
        let input = Input {
            shown: "a".to_owned(),
            stem: "a".into(),
            source: Source::File(input.to_owned()),
        };
        let targets = vec![vec![("wav".to_owned(), Target::File(target.to_owned()))]];
        check(&[input], &targets, None, false)
            .err()
            .map(|failure| failure.headline)
    }

    #[test]
    fn an_input_is_never_overwritten_by_whatever_name() {
        let dir = tempfile::tempdir().unwrap();
        let (input, link) = (dir.path().join("a.txt"), dir.path().join("link"));
        write(&input, "text");
        std::os::unix::fs::symlink(&input, &link).unwrap();
        fs::hard_link(&input, dir.path().join("hard")).unwrap();

        for name in ["a.txt", "./a.txt", "link", "hard"] {
            let refused = refusal(&input, &dir.path().join(name)).unwrap_or_default();
            assert!(refused.contains("is an input"), "{name}: {refused}");
        }
        assert_eq!(refusal(&input, &dir.path().join("b.txt")), None);
    }

    #[test]
    fn places_that_cannot_be_written_are_found_before_anything_is_sent() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("a.txt");
        write(&input, "text");
        for (target, why) in [
            ("none/b.wav", "there is no folder"),
            ("a.txt/b.wav", "is no folder"),
            ("", "it is a folder"),
        ] {
            let refused = refusal(&input, &dir.path().join(target)).unwrap_or_default();
            assert!(refused.contains(why), "{target}: {refused}");
        }
    }

    #[test]
    fn a_link_stays_a_link_and_a_private_file_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let [made, old, link] = ["made", "old", "link"].map(|name| dir.path().join(name));
        write(&made, "new");
        write(&old, "old");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&old, &link).unwrap();

        deliver(&made, &Target::File(link.clone())).unwrap();

        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&old).unwrap(), "new");
        assert_eq!(old.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        deliver(&made, &Target::File("/dev/null".into())).unwrap();
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    }
}
