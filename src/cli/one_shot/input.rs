//! What was typed: a text, a file, or a stream, and how it comes before the pipeline, which
//! knows files only.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::audio::container::HEAD_BYTES;
use crate::audio::{Container, sniff};
use crate::cli::exit::{Exit, Failure};
use crate::cli::term;
use crate::domain::ContentKey;
use crate::pipeline::{key, output};

/// Most bytes of a streamed text: as much as is read of a file.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// Most bytes of a streamed recording: twice what any provider takes.
const MAX_AUDIO_BYTES: u64 = 2 << 30;

/// Extensions of files that hold text, or that people take for files that do. What ends with
/// one of them is a file, whatever it begins with.
const FILE_ENDINGS: &[&str] = &[
    "txt", "text", "md", "markdown", "epub", "pdf", "doc", "docx", "odt", "rtf", "html", "htm",
];

/// Longest name a file can have.
const MAX_NAME: usize = 255;

/// What the arguments of a command are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// `tts`: files where files are, else text.
    TextOrFile,
    /// `tts --text`
    Text,
    /// `tts --files`
    TextFile,
    /// `stt`
    Audio,
}

/// One argument.
#[derive(Debug)]
pub(crate) struct Input {
    /// For messages: the name typed, `the text`, `standard input`.
    pub shown: String,
    /// What outputs are named after.
    pub stem: OsString,
    pub source: Source,
}

/// Where its bytes are.
#[derive(Debug)]
pub(crate) enum Source {
    /// A regular file, absolute.
    File(PathBuf),
    Text(String),
    /// What is read once; `None` is stdin.
    Stream(Option<PathBuf>),
    /// A stream that was read.
    Bytes(Vec<u8>),
    /// A recorded stream: a file without a name, the hash of its bytes and its extension.
    Recorded(File, ContentKey, &'static str),
}

impl Input {
    /// What `argument` means.
    pub(crate) fn of(argument: &OsStr, reading: Reading) -> Result<Self, Failure> {
        if argument == "-" && reading != Reading::Text {
            return Ok(Self {
                shown: "standard input".to_owned(),
                stem: "stdin".into(),
                source: Source::Stream(None),
            });
        }
        let path = Path::new(argument);
        let found = match reading {
            Reading::Text => None,
            // A text is no name: a lookup of it may fail in other ways than a file's.
            Reading::TextOrFile if argument.len() > MAX_NAME * 16 => None,
            _ => path.metadata().ok(),
        };
        match (found, reading) {
            (Some(found), _) => Self::of_file(path, &found),
            (None, Reading::Text) => Self::of_text(argument),
            (None, Reading::TextOrFile) if !looks_like_a_file(argument) => Self::of_text(argument),
            (None, _) => Err(missing(path, reading)),
        }
    }

    fn of_text(argument: &OsStr) -> Result<Self, Failure> {
        let Some(text) = argument.to_str() else {
            return Err(Failure::new(Exit::Usage, "the text is not UTF-8")
                .detail("nothing was sent")
                .hint("put it into a file: its encoding is found out"));
        };
        if text.trim().is_empty() {
            return Err(Failure::new(Exit::Usage, "the text is empty").detail("nothing was sent"));
        }
        Ok(Self {
            shown: "the text".to_owned(),
            stem: "speech".into(),
            source: Source::Text(text.to_owned()),
        })
    }

    fn of_file(path: &Path, found: &fs::Metadata) -> Result<Self, Failure> {
        let shown = term::clean(&path.to_string_lossy());
        if found.is_dir() {
            return Err(Failure::new(Exit::Usage, format!("{shown} is a folder"))
                .detail("nothing was sent")
                .hint(format!("name its files: {}/*", shown.trim_end_matches('/')))
                .hint("or make a project of it: voicespool init"));
        }
        let stem = path.file_stem().unwrap_or(path.as_os_str()).to_owned();
        if !found.is_file() {
            return Ok(Self {
                shown,
                stem,
                source: Source::Stream(Some(path.to_owned())),
            });
        }
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::new(Exit::Usage, format!("{shown} {why}")).detail("nothing was sent")
        };
        File::open(path).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        let path = std::path::absolute(path).map_err(|error| wrong(&error))?;
        if path.to_str().is_none() {
            return Err(wrong(&"has a name that is not UTF-8")
                .hint("give it another name, or give its content to standard input: - < FILE"));
        }
        Ok(Self {
            shown,
            stem,
            source: Source::File(path),
        })
    }

    /// Whether it is a text that was typed.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.source, Source::Text(_))
    }

    /// Reads a stream to its end, so that the queue is not kept from others meanwhile.
    pub(crate) fn read(&mut self, reading: Reading, quiet: bool) -> Result<(), Failure> {
        let Source::Stream(path) = &self.source else {
            return Ok(());
        };
        let wrong = |error: &io::Error| {
            Failure::new(Exit::Usage, format!("cannot read {}: {error}", self.shown))
                .detail("nothing was sent")
        };
        let stream: Box<dyn Read> = match path {
            Some(path) => Box::new(File::open(path).map_err(|error| wrong(&error))?),
            None => {
                if io::stdin().is_terminal() && !quiet {
                    term::say("reading what you type; Ctrl-D on a line of its own ends it");
                }
                Box::new(io::stdin().lock())
            }
        };
        let (read, most) = if reading == Reading::Audio {
            (record(stream), MAX_AUDIO_BYTES)
        } else {
            (in_memory(stream), MAX_TEXT_BYTES)
        };
        self.source = match read.map_err(|error| wrong(&error))? {
            Streamed::Empty => {
                return Err(
                    Failure::new(Exit::Usage, format!("{} is empty", self.shown))
                        .detail("nothing was sent"),
                );
            }
            Streamed::TooLong => {
                let headline = format!("{} has more than {}", self.shown, term::size(most));
                return Err(Failure::new(Exit::Usage, headline).detail("nothing was sent"));
            }
            Streamed::Whole(source) => source,
        };
        Ok(())
    }

    /// The file the pipeline reads: the user's own, or one made in `folder`, whose name
    /// follows from its content, so that equal input is known again.
    pub(crate) fn stage(&mut self, folder: &Path) -> io::Result<PathBuf> {
        let text = |bytes: &[u8]| {
            let path = folder.join(name_of_text(bytes));
            File::create(&path)?.write_all(bytes)?;
            Ok(path)
        };
        match &mut self.source {
            Source::File(path) => Ok(path.clone()),
            Source::Text(typed) => text(typed.as_bytes()),
            Source::Bytes(bytes) => text(bytes),
            Source::Recorded(file, key, extension) => {
                let path = folder.join(format!("recording-{}.{extension}", &key.to_string()[..8]));
                file.rewind()?;
                io::copy(file, &mut File::create(&path)?)?;
                Ok(path)
            }
            Source::Stream(_) => Err(io::Error::other("the stream was not read")),
        }
    }
}

/// A stream, read.
enum Streamed {
    Empty,
    TooLong,
    Whole(Source),
}

fn in_memory(stream: impl Read) -> io::Result<Streamed> {
    let mut bytes = Vec::new();
    let read = stream.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(match u64::try_from(read).unwrap_or(u64::MAX) {
        0 => Streamed::Empty,
        1..=MAX_TEXT_BYTES => Streamed::Whole(Source::Bytes(bytes)),
        _ => Streamed::TooLong,
    })
}

/// Into a file without a name: whatever ends this process, nothing is left of it.
fn record(stream: impl Read) -> io::Result<Streamed> {
    let mut file = tempfile::tempfile()?;
    let bytes = io::copy(&mut stream.take(MAX_AUDIO_BYTES + 1), &mut file)?;
    match bytes {
        0 => return Ok(Streamed::Empty),
        1..=MAX_AUDIO_BYTES => {}
        _ => return Ok(Streamed::TooLong),
    }
    file.rewind()?;
    let mut head = Vec::new();
    let most = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    (&file).take(most).read_to_end(&mut head)?;
    file.rewind()?;
    let content = key::of_reader(&mut file)?;
    let extension = sniff(&head).map_or("bin", extension);
    Ok(Streamed::Whole(Source::Recorded(file, content, extension)))
}

/// The extension under which providers know a container.
fn extension(container: Container) -> &'static str {
    match container {
        Container::Adts => "aac",
        other => other.as_str(),
    }
}

/// Its first words and its hash: readable in reports, and the same for the same text.
fn name_of_text(bytes: &[u8]) -> String {
    let hash = key::of_bytes(bytes).to_string();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let words: String = words.join("-").chars().take(32).collect();
    let words = output::sanitised(words.trim_matches('-'), None);
    format!("{words}-{}.txt", &hash[..8])
}

/// Whether a text that names no file was meant to: it ends like the name of a file with
/// words in it, or it is one word with an extension.
fn looks_like_a_file(argument: &OsStr) -> bool {
    let Some(text) = argument.to_str().filter(|text| text.len() <= MAX_NAME) else {
        return argument.len() <= MAX_NAME;
    };
    let extension = Path::new(text).extension().and_then(OsStr::to_str);
    let Some(extension) = extension.map(str::to_ascii_lowercase) else {
        return false;
    };
    let is_ending = (1..=5).contains(&extension.len())
        && extension.chars().all(|c| c.is_ascii_alphanumeric())
        && extension.chars().any(|c| c.is_ascii_alphabetic());
    is_ending
        && !text.contains('\n')
        && (FILE_ENDINGS.contains(&extension.as_str()) || !text.contains(char::is_whitespace))
}

fn missing(path: &Path, reading: Reading) -> Failure {
    let shown = term::clean(&path.to_string_lossy());
    let failure =
        Failure::new(Exit::Usage, format!("there is no file {shown}")).detail("nothing was sent");
    let meant = path
        .file_name()
        .and_then(OsStr::to_str)
        .and_then(|name| near(path, name));
    let failure = match meant {
        Some(name) => failure.hint(format!("did you mean {name}?")),
        None => failure,
    };
    if reading == Reading::TextOrFile {
        failure.hint("to speak these words themselves, add --text")
    } else {
        failure
    }
}

/// A file beside the missing one whose name is almost the same.
fn near(path: &Path, name: &str) -> Option<String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let beside = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let names: Vec<String> = beside
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .take(10_000)
        .collect();
    let near = crate::config::nearest(name, names.iter().map(String::as_str))?;
    let near = folder.map_or_else(|| PathBuf::from(near), |folder| folder.join(near));
    Some(term::clean(&near.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_file_is_not_spoken() {
        for (text, is_file) in [
            ("letter.txt", true),
            ("my letter.txt", true),
            ("books/one.md", true),
            ("book.epub", true),
            ("song.mp3", true),
            ("Good morning.", false),
            ("It costs 3.14", false),
            ("Yes.", false),
            ("3.14", false),
            ("...", false),
            ("Read letter.txt now", false),
            ("One line.\nAnother.txt", false),
            ("See node.js", false),
        ] {
            assert_eq!(looks_like_a_file(OsStr::new(text)), is_file, "{text}");
        }
        assert!(!looks_like_a_file(OsStr::new(&"x".repeat(300))));
    }

    #[test]
    fn a_text_gets_a_name_of_its_words_and_its_content() {
        let name = name_of_text("Good morning, “Änne”!".as_bytes());

        assert!(name.starts_with("good-morning-änne-"), "{name}");
        assert_eq!(Path::new(&name).extension(), Some(OsStr::new("txt")));
        assert_ne!(name, name_of_text(b"Good morning"));
        let odd = name_of_text(b"../../?!");
        assert!(!odd.contains(['/', '?']), "{odd}");
    }
}
