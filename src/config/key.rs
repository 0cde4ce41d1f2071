//! Keys: where one is found, and the value that never shows itself.
//!
//! A key is never written into a configuration file, never given by a flag (the process
//! list is world-readable) and not looked up before a request needs it: planning and dry
//! runs touch none. `Debug` prints `***`; there is no `Display` and no `Serialize`.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::config::reader::{At, Field, FromToml, Reader, SchemaKey, key_name, tables};
use crate::config::text::Wrong;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Longest key: real ones have up to a few hundred characters, signed tokens a few thousand.
const MAX_KEY_BYTES: usize = 8192;

/// How long a key command may take; password managers ask a person.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);

/// The environment, as a look-up that tests replace.
#[derive(Clone)]
pub struct Env(Arc<LookUp>);

type LookUp = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl Env {
    /// A look-up by `find`.
    pub fn new(find: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// The environment of this process.
    pub fn process() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    /// The value of `name`; one that is set to nothing counts as not set.
    pub fn get(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env(..)")
    }
}

/// Where a key is found. Holds no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A variable of the environment.
    Env(String),
    /// The first line of a file only its owner can read.
    File(PathBuf),
    /// The first line of what a program prints; no shell.
    Command(Vec<String>),
    /// The server wants none.
    None,
}

/// `env TOGETHER_API_KEY`: what `doctor` and errors say.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            // Arguments may be private.
            Self::Command(argv) => write!(f, "command {}", argv.first().map_or("", String::as_str)),
            Self::None => f.write_str("none"),
        }
    }
}

/// A key and where it came from.
#[derive(Clone)]
pub struct Key {
    secret: SecretString,
    source: String,
}

impl Key {
    /// The key itself, for the header of a request and nothing else.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// `env TOGETHER_API_KEY`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// `…9fQ2`: the last four characters, or none of a key that is too short to spare them.
    pub fn masked_tail(&self) -> String {
        let key = self.secret.expose_secret();
        match key.len() {
            16.. => format!("…{}", &key[key.len() - 4..]),
            _ => "…".to_owned(),
        }
    }

    /// Takes the first line of `text`.
    fn parse(text: &str, source: &KeySource) -> Result<Self, KeyError> {
        let line = text.split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let source = source.to_string();
        if line.is_empty() {
            return Err(KeyError::Empty {
                source_text: source,
            });
        }
        let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if line.len() > MAX_KEY_BYTES || line.trim() != line || !line.bytes().all(fits) {
            return Err(KeyError::NotAKey {
                source_text: source,
            });
        }
        Ok(Self {
            secret: SecretString::from(line),
            source,
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Why there is no key. No variant holds one, or what a command printed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "the environment variable `{name}` is not set; set it, or name another source of the key in the profile"
    )]
    Unset { name: String },
    #[error("the key from {source_text} is empty")]
    Empty { source_text: String },
    #[error(
        "what {source_text} gives is no key: a key is one line of printable ASCII without spaces around it"
    )]
    NotAKey { source_text: String },
    #[error("cannot read the key file {path}")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the key file {path} is no regular file")]
    NotAFile { path: PathBuf },
    #[error("the key file {path} can be read by others (mode {mode:03o}); run `chmod 600 {path}`")]
    Open { path: PathBuf, mode: u32 },
    #[error("cannot run the key command `{program}`")]
    Command {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("the key command `{program}` failed ({status}); run it by hand to see why")]
    CommandFailed { program: String, status: ExitStatus },
    #[error("the key command `{program}` gave no answer within {} s", limit.as_secs())]
    CommandTimeout { program: String, limit: Duration },
}

impl KeySource {
    /// Looks the key up; `None` where none is wanted.
    pub(super) async fn resolve(&self, env: &Env) -> Result<Option<Key>, KeyError> {
        match self {
            Self::None => Ok(None),
            Self::Env(name) => {
                let value = env
                    .get(name)
                    .ok_or_else(|| KeyError::Unset { name: name.clone() })?;
                let text = value.to_str().ok_or_else(|| KeyError::NotAKey {
                    source_text: self.to_string(),
                })?;
                Key::parse(text, self).map(Some)
            }
            Self::File(path) => Key::parse(&read_private(path, self)?, self).map(Some),
            Self::Command(argv) => {
                let line = first_line_of(argv, COMMAND_LIMIT).await?;
                let text = String::from_utf8(line).map_err(|_| KeyError::NotAKey {
                    source_text: self.to_string(),
                })?;
                Key::parse(&text, self).map(Some)
            }
        }
    }
}

/// The text of a file that nobody else can read.
fn read_private(path: &Path, source: &KeySource) -> Result<String, KeyError> {
    let unreadable = |error| KeyError::File {
        path: path.to_owned(),
        source: error,
    };
    // Before opening: a FIFO would block.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(KeyError::NotAFile {
            path: path.to_owned(),
        });
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Of the opened file, not of the name: it may have been swapped since.
        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open {
                path: path.to_owned(),
                mode,
            });
        }
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_KEY_BYTES).unwrap_or(u64::MAX) + 2;
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| KeyError::NotAKey {
        source_text: source.to_string(),
    })
}

/// The first line `argv` prints. Its stderr is dropped: it may repeat the key.
async fn first_line_of(argv: &[String], limit: Duration) -> Result<Vec<u8>, KeyError> {
    let program = argv.first().cloned().unwrap_or_default();
    let failed = |error| KeyError::Command {
        program: program.clone(),
        source: error,
    };
    let mut child = Command::new(&program)
        .args(argv.get(1..).unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let answer = async {
        let mut line = Vec::new();
        let Some(stdout) = child.stdout.take() else {
            return child.wait().await.map(|status| (status, line));
        };
        let cap = u64::try_from(MAX_KEY_BYTES).unwrap_or(u64::MAX) + 2;
        let mut stdout = BufReader::new(stdout);
        (&mut stdout).take(cap).read_until(b'\n', &mut line).await?;
        // The rest is read and dropped, so that the program does not die of a closed pipe;
        // not to its end, which an agent left in the background would hold open.
        let mut sink = tokio::io::sink();
        tokio::select! {
            status = child.wait() => status.map(|status| (status, line)),
            copied = tokio::io::copy(&mut stdout, &mut sink) => {
                copied?;
                child.wait().await.map(|status| (status, line))
            }
        }
    };
    match tokio::time::timeout(limit, answer).await {
        Err(_) => Err(KeyError::CommandTimeout { program, limit }),
        Ok(Err(error)) => Err(failed(error)),
        Ok(Ok((status, _))) if !status.success() => {
            Err(KeyError::CommandFailed { program, status })
        }
        Ok(Ok((_, line))) => Ok(line),
    }
}

/// `key` as it stands in the file.
#[derive(Debug, Clone)]
pub(super) enum KeySpec {
    Env(String),
    File(String),
    Command(Vec<String>),
    None,
}

tables! {
    /// `key` of a profile
    KeyTable {
        /// Name of an environment variable that holds the key.
        env: String,
        /// A file that holds the key and that only you can read (mode 600).
        file: String,
        /// A program that prints the key, with its arguments; no shell.
        command: Vec<At<String>>,
    }
}

impl FromToml for KeySpec {
    const EXPECTED: &'static str =
        "{ env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\", …] } or \"none\"";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let table = match value.get_ref() {
            DeValue::String(word) if word == "none" => return Some(Self::None),
            DeValue::Table(table) => table,
            _ => {
                reader.reject_hidden(
                    value.span(),
                    Wrong::new(
                        "a key is never written into the file",
                        "name its source: { env = \"TOGETHER_API_KEY\" }",
                    ),
                );
                return None;
            }
        };
        let spec = KeyTable::from_table(table, reader);
        match (spec.env, spec.file, spec.command) {
            (Field::Given(name), Field::Absent, Field::Absent) => {
                if is_variable_name(&name.value) {
                    return Some(Self::Env(name.value));
                }
                reader.reject_hidden(
                    name.loc.start..name.loc.end,
                    Wrong::new(
                        "`env` takes the name of a variable, not a key",
                        "write { env = \"TOGETHER_API_KEY\" }",
                    ),
                );
            }
            (Field::Absent, Field::Given(path), Field::Absent) => {
                return Some(Self::File(path.value));
            }
            (Field::Absent, Field::Absent, Field::Given(argv)) => {
                if !argv.value.is_empty() {
                    return Some(Self::Command(
                        argv.value.into_iter().map(|word| word.value).collect(),
                    ));
                }
                reader.reject(
                    value.span(),
                    Wrong::new(
                        "the command is empty",
                        "write { command = [\"pass\", \"show\", \"together\"] }",
                    ),
                );
            }
            (Field::Bad, _, _) | (_, Field::Bad, _) | (_, _, Field::Bad) => {}
            _ => reader.reject(
                value.span(),
                Wrong::new(
                    "one source is wanted",
                    "give one of `env`, `file` and `command`",
                ),
            ),
        }
        None
    }

    fn schema(path: &str, doc: &'static str, out: &mut Vec<SchemaKey>) {
        out.push(SchemaKey {
            path: path.to_owned(),
            expected: Self::EXPECTED,
            doc,
        });
        KeyTable::schema(path, doc, out);
    }
}

/// Whether `name` can be a variable and does not look like a key itself.
fn is_variable_name(name: &str) -> bool {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let like_a_key = name.bytes().any(|byte| byte.is_ascii_lowercase())
        && name.bytes().any(|byte| byte.is_ascii_digit())
        && name.len() >= 16;
    plain && starts && !like_a_key && name.len() <= 100
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "sk-CANARY-7f3a-0123456789";

    fn env(pairs: &'static [(&'static str, &'static str)]) -> Env {
        Env::new(move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    async fn from_env(value: &'static str) -> Result<Option<Key>, KeyError> {
        let env = Env::new(move |_| Some(OsString::from(value)));
        KeySource::Env("X".to_owned()).resolve(&env).await
    }

    #[tokio::test]
    async fn a_key_from_the_environment_shows_its_source_and_its_tail_only() {
        let env = env(&[("TOGETHER_API_KEY", "sk-CANARY-7f3a-0123456789\n")]);
        let source = KeySource::Env("TOGETHER_API_KEY".to_owned());

        let key = source.resolve(&env).await.unwrap().unwrap();

        assert_eq!(key.secret().expose_secret(), CANARY);
        assert_eq!(key.source(), "env TOGETHER_API_KEY");
        assert_eq!(key.masked_tail(), "…6789");
        assert_eq!(format!("{key:?} {env:?}"), "Key(***) Env(..)");
    }

    #[tokio::test]
    async fn what_is_no_key_is_refused_without_repeating_it() {
        for value in [
            "\n",
            "sk-CANARY\u{e9}",
            "sk-CANARY\u{1b}[0m",
            " sk-CANARY",
            "sk-CANARY\t",
            "sk-CANARY\r\r\n",
        ] {
            let error = from_env(value).await.unwrap_err();
            assert!(
                !format!("{error} {error:?}").contains("CANARY"),
                "{error:?}"
            );
        }
        let error = KeySource::Env("X".to_owned())
            .resolve(&env(&[("X", "")]))
            .await
            .unwrap_err();
        assert!(matches!(error, KeyError::Unset { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_short_key_spares_no_tail() {
        assert_eq!(
            from_env("abcdefgh").await.unwrap().unwrap().masked_tail(),
            "…"
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_key_file_others_can_read_is_refused_with_the_remedy() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let file = std::fs::File::create(&path).unwrap();
        std::io::Write::write_all(&mut &file, format!("{CANARY}\nuser: me\n").as_bytes()).unwrap();
        let source = KeySource::File(path.clone());

        for mode in [0o644, 0o640, 0o604, 0o660] {
            file.set_permissions(std::fs::Permissions::from_mode(mode))
                .unwrap();
            let error = source.resolve(&env(&[])).await.unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains(&format!("chmod 600 {}", path.display())),
                "{error}"
            );
        }
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
            .unwrap();
        let key = source.resolve(&env(&[])).await.unwrap().unwrap();

        assert_eq!(key.secret().expose_secret(), CANARY);
        let folder = KeySource::File(dir.path().to_owned())
            .resolve(&env(&[]))
            .await;
        assert!(
            matches!(folder, Err(KeyError::NotAFile { .. })),
            "{folder:?}"
        );
        let gone = KeySource::File(dir.path().join("gone"))
            .resolve(&env(&[]))
            .await;
        assert!(matches!(gone, Err(KeyError::File { .. })), "{gone:?}");
    }

    fn argv(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_key_command_gives_its_first_line_and_hides_its_talk() {
        let shell = |script: &str| KeySource::Command(argv(&["sh", "-c", script]));

        let key = shell("echo sk-CANARY-7f3a-0123456789; echo user; seq 100000")
            .resolve(&env(&[]))
            .await;
        assert_eq!(key.unwrap().unwrap().secret().expose_secret(), CANARY);

        let error = shell("echo sk-CANARY >&2; echo sk-CANARY; exit 3")
            .resolve(&env(&[]))
            .await
            .unwrap_err();
        assert!(matches!(error, KeyError::CommandFailed { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("CANARY"));

        let error = shell("true").resolve(&env(&[])).await.unwrap_err();
        assert!(matches!(error, KeyError::Empty { .. }), "{error:?}");
        let error = KeySource::Command(argv(&["/nowhere/at/all"]))
            .resolve(&env(&[]))
            .await
            .unwrap_err();
        assert!(matches!(error, KeyError::Command { .. }), "{error:?}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_key_command_that_hangs_or_floods_is_cut_off() {
        let limit = Duration::from_millis(200);

        let hangs = first_line_of(&argv(&["sleep", "60"]), limit).await;
        assert!(
            matches!(hangs, Err(KeyError::CommandTimeout { .. })),
            "{hangs:?}"
        );
        let closes = first_line_of(&argv(&["sh", "-c", "exec >&-; sleep 60"]), limit).await;
        assert!(
            matches!(closes, Err(KeyError::CommandTimeout { .. })),
            "{closes:?}"
        );
        let floods = first_line_of(&argv(&["yes", "-n"]), limit).await;
        assert!(floods.is_err(), "{floods:?}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn an_agent_left_in_the_background_does_not_hold_the_key_up() {
        let script = "sleep 30 & echo abc";

        let line = first_line_of(&argv(&["sh", "-c", script]), COMMAND_LIMIT).await;

        assert_eq!(line.unwrap(), b"abc\n");
    }
}
