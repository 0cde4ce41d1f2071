//! `key` of a profile, as it stands in the file: the name of a source, never a key.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::reader::{At, Field, FromToml, Reader, SchemaKey, key_name, tables};
use crate::config::text::Wrong;
use crate::engine::rest::Kind;

/// `key` as it stands in the file.
#[derive(Debug, Clone)]
pub(in crate::config) enum CredentialSpec {
    Env(String),
    File(String),
    Command(Vec<String>),
    None,
}

tables! {
    /// `key` of a profile
    CredentialTable {
        /// Name of an environment variable that holds the key.
        env: String,
        /// A file that holds the key and that only you can read (mode 600).
        file: String,
        /// A program that prints the key, with its arguments; no shell.
        command: Vec<At<String>>,
    }
}

impl FromToml for CredentialSpec {
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
                        example("name its source:"),
                    ),
                );
                return None;
            }
        };
        let spec = CredentialTable::from_table(table, reader);
        match (spec.env, spec.file, spec.command) {
            (Field::Given(name), Field::Absent, Field::Absent) => {
                if is_variable_name(&name.value) {
                    return Some(Self::Env(name.value));
                }
                reader.reject_hidden(
                    name.loc.start..name.loc.end,
                    Wrong::new(
                        "`env` takes the name of a variable, not a key",
                        example("write"),
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
                        format!(
                            "write {{ command = [\"pass\", \"show\", \"{}\"] }}",
                            Kind::USUAL
                        ),
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
        CredentialTable::schema(path, doc, out);
    }
}

/// A source as it is written into the file.
fn example(start: &str) -> String {
    let variable = Kind::USUAL.facts().key_variable.unwrap_or_default();
    format!("{start} {{ env = \"{variable}\" }}")
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
