//! Looking a credential up: in the environment, in a file, from a program.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::config::credential::error::CredentialError;
use crate::config::credential::source::CredentialSource;
use crate::config::credential::value::{Credential, MAX_KEY_BYTES};
use crate::config::env::Env;

/// How long a key command may take; password managers ask a person.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);

impl CredentialSource {
    /// Looks the key up; `None` where none is wanted.
    pub(in crate::config) async fn resolve(
        &self,
        env: &Env,
    ) -> Result<Option<Credential>, CredentialError> {
        match self {
            Self::None => Ok(None),
            Self::Env(name) => {
                let value = env
                    .get(name)
                    .ok_or_else(|| CredentialError::Unset { name: name.clone() })?;
                let text = value.to_str().ok_or_else(|| CredentialError::NotAKey {
                    source_text: self.to_string(),
                })?;
                Credential::parse(text, self).map(Some)
            }
            Self::File(path) => Credential::parse(&read_private(path, self)?, self).map(Some),
            Self::Command(argv) => {
                let line = first_line_of(argv, COMMAND_LIMIT).await?;
                let text = String::from_utf8(line).map_err(|_| CredentialError::NotAKey {
                    source_text: self.to_string(),
                })?;
                Credential::parse(&text, self).map(Some)
            }
        }
    }
}

/// The text of a file that nobody else can read.
fn read_private(path: &Path, source: &CredentialSource) -> Result<String, CredentialError> {
    let unreadable = |error| CredentialError::File {
        path: path.to_owned(),
        source: error,
    };
    // Before opening: a FIFO would block.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(CredentialError::NotAFile {
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
            return Err(CredentialError::Open {
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
    String::from_utf8(bytes).map_err(|_| CredentialError::NotAKey {
        source_text: source.to_string(),
    })
}

/// The first line `argv` prints. Its stderr is dropped: it may repeat the key.
async fn first_line_of(argv: &[String], limit: Duration) -> Result<Vec<u8>, CredentialError> {
    let program = argv.first().cloned().unwrap_or_default();
    let failed = |error| CredentialError::Command {
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
        Err(_) => Err(CredentialError::CommandTimeout { program, limit }),
        Ok(Err(error)) => Err(failed(error)),
        Ok(Ok((status, _))) if !status.success() => {
            Err(CredentialError::CommandFailed { program, status })
        }
        Ok(Ok((_, line))) => Ok(line),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use secrecy::ExposeSecret;

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

    async fn from_env(value: &'static str) -> Result<Option<Credential>, CredentialError> {
        let env = Env::new(move |_| Some(OsString::from(value)));
        CredentialSource::Env("X".to_owned()).resolve(&env).await
    }

    #[tokio::test]
    async fn a_key_from_the_environment_shows_its_source_and_its_tail_only() {
        let env = env(&[("TOGETHER_API_KEY", "sk-CANARY-7f3a-0123456789\n")]);
        let source = CredentialSource::Env("TOGETHER_API_KEY".to_owned());

        let key = source.resolve(&env).await.unwrap().unwrap();

        assert_eq!(key.secret().expose_secret(), CANARY);
        assert_eq!(key.source(), "env TOGETHER_API_KEY");
        assert_eq!(key.masked_tail(), "…6789");
        assert_eq!(format!("{key:?} {env:?}"), "Credential(***) Env(..)");
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
        let error = CredentialSource::Env("X".to_owned())
            .resolve(&env(&[("X", "")]))
            .await
            .unwrap_err();
        assert!(matches!(error, CredentialError::Unset { .. }), "{error:?}");
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
        let source = CredentialSource::File(path.clone());

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
        let folder = CredentialSource::File(dir.path().to_owned())
            .resolve(&env(&[]))
            .await;
        assert!(
            matches!(folder, Err(CredentialError::NotAFile { .. })),
            "{folder:?}"
        );
        let gone = CredentialSource::File(dir.path().join("gone"))
            .resolve(&env(&[]))
            .await;
        assert!(
            matches!(gone, Err(CredentialError::File { .. })),
            "{gone:?}"
        );
    }

    fn argv(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_key_command_gives_its_first_line_and_hides_its_talk() {
        let shell = |script: &str| CredentialSource::Command(argv(&["sh", "-c", script]));

        let key = shell("echo sk-CANARY-7f3a-0123456789; echo user; seq 100000")
            .resolve(&env(&[]))
            .await;
        assert_eq!(key.unwrap().unwrap().secret().expose_secret(), CANARY);

        let error = shell("echo sk-CANARY >&2; echo sk-CANARY; exit 3")
            .resolve(&env(&[]))
            .await
            .unwrap_err();
        assert!(
            matches!(error, CredentialError::CommandFailed { .. }),
            "{error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("CANARY"));

        let error = shell("true").resolve(&env(&[])).await.unwrap_err();
        assert!(matches!(error, CredentialError::Empty { .. }), "{error:?}");
        let error = CredentialSource::Command(argv(&["/nowhere/at/all"]))
            .resolve(&env(&[]))
            .await
            .unwrap_err();
        assert!(
            matches!(error, CredentialError::Command { .. }),
            "{error:?}"
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_key_command_that_hangs_or_floods_is_cut_off() {
        let limit = Duration::from_millis(200);

        let hangs = first_line_of(&argv(&["sleep", "60"]), limit).await;
        assert!(
            matches!(hangs, Err(CredentialError::CommandTimeout { .. })),
            "{hangs:?}"
        );
        let closes = first_line_of(&argv(&["sh", "-c", "exec >&-; sleep 60"]), limit).await;
        assert!(
            matches!(closes, Err(CredentialError::CommandTimeout { .. })),
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
