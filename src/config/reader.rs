//! From parsed TOML to typed tables, collecting every problem on the way.
//!
//! A derive of serde stops at the first mistake; a person with five wants to see five.
//! So [`tables!`] writes the reader: one definition gives the struct, its reader, the
//! list of known keys for suggestions, and the schema.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::document::{Document, Loc};
use crate::config::problem::MAX_PROBLEMS;
use crate::config::problem::Problem;
use crate::config::suggest::{listed, nearest};
use crate::config::text::Wrong;

/// One key a file may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaKey {
    /// `run.workers`, `task.<NAME>.voice`.
    pub path: String,
    /// What is expected, to complete "expected …".
    pub expected: &'static str,
    /// What the key does.
    pub doc: &'static str,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    /// The key, or the element itself in an array.
    pub(super) key: Loc,
    /// The value.
    pub(super) loc: Loc,
}

/// A key of a table: not written, written wrongly (and already reported), or read.
#[derive(Debug, Clone, Default)]
pub(super) enum Field<T> {
    #[default]
    Absent,
    Bad,
    Given(At<T>),
}

impl<T> Field<T> {
    pub(super) fn given(&self) -> Option<&At<T>> {
        match self {
            Self::Given(at) => Some(at),
            Self::Absent | Self::Bad => None,
        }
    }

    pub(super) fn value(&self) -> Option<&T> {
        self.given().map(|at| &at.value)
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// A value a TOML file can hold.
pub(super) trait FromToml: Sized {
    /// Completes "expected …".
    const EXPECTED: &'static str;

    /// Reads `value`; `None` when a problem was recorded instead.
    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self>;

    /// Lists the keys below `path`.
    fn schema(path: &str, doc: &'static str, out: &mut Vec<SchemaKey>) {
        out.push(SchemaKey {
            path: path.to_owned(),
            expected: Self::EXPECTED,
            doc,
        });
    }
}

/// Reads one document.
#[derive(Debug)]
pub(super) struct Reader<'d> {
    doc: &'d Document,
    id: usize,
    /// The keys above the value being read.
    path: Vec<String>,
    pub(super) problems: Vec<Problem>,
    /// Where each given key stands, by path.
    pub(super) given: BTreeMap<String, Loc>,
}

impl<'d> Reader<'d> {
    pub(super) fn new(doc: &'d Document, id: usize) -> Self {
        Self {
            doc,
            id,
            path: Vec::new(),
            problems: Vec::new(),
            given: BTreeMap::new(),
        }
    }

    pub(super) fn loc(&self, span: std::ops::Range<usize>) -> Loc {
        Loc {
            doc: self.id,
            start: span.start,
            end: span.end,
        }
    }

    /// Whether another problem would be one too many to show, or to describe.
    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// `` `workers` in [run] `` for the value being read.
    fn subject(&self) -> String {
        match self.path.as_slice() {
            [] => "the file".to_owned(),
            [key] => format!("`{key}`"),
            [section @ .., key] => format!("`{key}` in [{}]", section.join(".")),
        }
    }

    pub(super) fn reject(&mut self, span: std::ops::Range<usize>, wrong: Wrong) {
        if self.is_full() {
            return;
        }
        let problem = self
            .doc
            .problem(
                span.start,
                span.end,
                format!("{}: {}", self.subject(), wrong.message),
            )
            .label(wrong.help);
        self.problems.push(problem);
    }

    /// As [`Self::reject`] for a value that may be a key: it is not shown.
    pub(super) fn reject_hidden(&mut self, span: std::ops::Range<usize>, wrong: Wrong) {
        if self.is_full() {
            return;
        }
        let message = format!("{}: {}", self.subject(), wrong.message);
        let problem = self
            .doc
            .problem_hiding(span.clone(), span, message)
            .label(wrong.help);
        self.problems.push(problem);
    }

    /// Reports a value of another type; `help` says what to write.
    pub(super) fn wrong_type(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        expected: &str,
        help: Option<String>,
    ) {
        if self.is_full() {
            return;
        }
        let found = match value.get_ref() {
            DeValue::Array(_) => "an array",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::String(_) => "a string",
            DeValue::Table(_) => "a table",
        };
        let message = format!("{}: expected {expected}, found {found}", self.subject());
        let span = value.span();
        let mut problem = self.doc.problem(span.start, span.end, message);
        if let Some(help) = help {
            problem = problem.label(help);
        }
        self.problems.push(problem);
    }

    pub(super) fn table<'v, 'i>(
        &mut self,
        value: &'v Spanned<DeValue<'i>>,
        expected: &str,
    ) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, expected, None);
        }
        table
    }

    /// Records that the key being read is given, for a table that is one value.
    pub(super) fn note_given(&mut self, value: &Spanned<DeValue<'_>>) {
        let loc = self.loc(value.span());
        self.given.insert(self.path.join("."), loc);
    }

    /// Reports the keys of `table` that are none of `known`.
    pub(super) fn refuse_unknown(&mut self, table: &DeTable<'_>, known: &[&'static str]) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if known.contains(&name) || self.is_full() {
                continue;
            }
            let (message, plural) = match self.path.as_slice() {
                [] => (format!("unknown section or key `{name}`"), "sections"),
                path => (
                    format!("unknown key `{name}` in [{}]", path.join(".")),
                    "keys",
                ),
            };
            let meant = nearest(name, known.iter().copied()).or_else(|| self.synonym(name));
            // Whoever mistypes `key` has written a key behind it.
            let hidden = if self
                .path
                .first()
                .is_some_and(|section| section == "profile")
            {
                value.span()
            } else {
                0..0
            };
            let problem = self
                .doc
                .problem_hiding(key.span(), hidden, message)
                .label(match meant {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => format!("{plural} here: {}", listed(known.iter().copied())),
                });
            self.problems.push(problem);
        }
    }

    /// What people write who come from other tools.
    fn synonym(&self, name: &str) -> Option<&'static str> {
        let section = self.path.first().map_or("", String::as_str);
        SYNONYMS
            .iter()
            .find(|(place, wrong, _)| *place == section && *wrong == name)
            .map(|&(_, _, right)| right)
    }

    /// Reads `name` of `table`.
    pub(super) fn field<T: FromToml>(
        &mut self,
        table: &DeTable<'_>,
        name: &'static str,
    ) -> Field<T> {
        match table.get_key_value(name) {
            None => Field::Absent,
            Some((key, value)) => match self.entry(key.get_ref(), key.span(), value) {
                Some(at) => Field::Given(at),
                None => Field::Bad,
            },
        }
    }

    fn entry<T: FromToml>(
        &mut self,
        name: &str,
        key: std::ops::Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<At<T>> {
        self.path.push(name.to_owned());
        let key = self.loc(key);
        if !value.get_ref().is_table() {
            self.given.insert(self.path.join("."), key);
        }
        let read = T::from_toml(value, self);
        self.path.pop();
        read.map(|value_read| At {
            value: value_read,
            key,
            loc: self.loc(value.span()),
        })
    }
}

/// Section, what is written there, what it is called here.
const SYNONYMS: &[(&str, &str, &str)] = &[
    ("", "jobs", "task"),
    ("", "provider", "profile"),
    ("budget", "cap", "max_cost"),
    ("budget", "limit", "max_cost"),
    ("run", "concurrency", "workers"),
    ("run", "jobs", "workers"),
    ("run", "threads", "workers"),
    ("retry", "max_attempts", "max_failures"),
    ("retry", "attempts", "max_failures"),
    ("retry", "max_age", "give_up_after"),
    ("profile", "api_key", "key"),
    ("profile", "token", "key"),
    ("profile", "url", "base_url"),
    ("profile", "endpoint", "base_url"),
    ("profile", "provider", "kind"),
    ("profile", "timeout", "timeouts"),
    ("models", "rps", "rpm"),
    ("task", "provider", "profile"),
    ("task", "files", "input"),
    ("task", "out", "output"),
    ("task", "response_format", "format"),
    ("task", "lang", "language"),
    ("task", "granularity", "timestamps"),
    ("task", "enable", "enabled"),
];

impl<T: FromToml> FromToml for Vec<At<T>> {
    const EXPECTED: &'static str = "a list in square brackets";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Array(items) = value.get_ref() else {
            let help = value
                .get_ref()
                .as_str()
                .map(|text| format!("write [\"{text}\"]"));
            reader.wrong_type(value, Self::EXPECTED, help);
            return None;
        };
        let read: Vec<Option<At<T>>> = items
            .iter()
            .map(|item| {
                let loc = reader.loc(item.span());
                T::from_toml(item, reader).map(|value| At {
                    value,
                    key: loc,
                    loc,
                })
            })
            .collect();
        read.into_iter().collect()
    }
}

/// Tables under names the user chose, in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct Named<T>(pub(super) Vec<(String, At<T>)>);

impl<T: FromToml> FromToml for Named<T> {
    const EXPECTED: &'static str = "a table of named tables";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let table = reader.table(value, Self::EXPECTED)?;
        let mut read = Vec::new();
        for (key, entry) in table {
            let name = key.get_ref();
            if name.is_empty() || name.chars().any(char::is_control) {
                reader.reject(
                    key.span(),
                    Wrong::new(
                        "a name is empty or has control characters",
                        "choose another name",
                    ),
                );
                continue;
            }
            // A bad table was reported; the good ones are still checked.
            read.extend(
                reader
                    .entry(name, key.span(), entry)
                    .map(|at| (name.to_string(), at)),
            );
        }
        read.sort_by_key(|(_, at)| at.key.start);
        Some(Self(read))
    }

    fn schema(path: &str, doc: &'static str, out: &mut Vec<SchemaKey>) {
        T::schema(&format!("{path}.<NAME>"), doc, out);
    }
}

/// Declares tables of the file: the struct, its reader, its known keys, its schema.
macro_rules! tables {
    ($($(#[$table_doc:meta])* $name:ident { $($(#[doc = $doc:literal])+ $field:ident: $type:ty),+ $(,)? })+) => {$(
        $(#[$table_doc])*
        #[derive(Debug, Clone, Default)]
        pub(super) struct $name { $($(#[doc = $doc])+ pub(super) $field: Field<$type>),+ }

        impl FromToml for $name {
            const EXPECTED: &'static str = "a table";

            fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
                let table = reader.table(value, Self::EXPECTED)?;
                Some(Self::from_table(table, reader))
            }

            fn schema(path: &str, _doc: &'static str, out: &mut Vec<SchemaKey>) {
                $({
                    let key = key_name(stringify!($field));
                    let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                    <$type as FromToml>::schema(&path, concat!($($doc),+).trim_ascii(), out);
                })+
            }
        }

        impl $name {
            pub(super) fn from_table(table: &DeTable<'_>, reader: &mut Reader<'_>) -> Self {
                reader.refuse_unknown(table, &[$(key_name(stringify!($field))),+]);
                Self { $($field: reader.field(table, key_name(stringify!($field)))),+ }
            }
        }
    )+};
}
pub(super) use tables;

/// `r#type` is `type` in the file.
pub(super) fn key_name(field: &'static str) -> &'static str {
    field.strip_prefix("r#").unwrap_or(field)
}
