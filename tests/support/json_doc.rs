//! `docs/json.md` as a schema: which fields a line of `--json` has, and of which types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// Fields by name, each with its type as it is written on the page.
type Object = BTreeMap<String, String>;

/// The page, read once.
pub(crate) static PAGE: LazyLock<Page> =
    LazyLock::new(|| Page::parse(include_str!("../../docs/json.md")));

/// What the page says.
pub(crate) struct Page {
    /// By `type`.
    pub(crate) records: BTreeMap<String, Object>,
    objects: BTreeMap<String, Object>,
}

impl Page {
    fn parse(text: &str) -> Self {
        let (mut records, mut objects) = (BTreeMap::new(), BTreeMap::new());
        let (mut is_record, mut names) = (false, Vec::new());
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                is_record = title == "Records";
                names.clear();
            } else if let Some(title) = line.strip_prefix("### ") {
                names = title
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect();
            } else if let Some((field, kind)) = field(line) {
                let part = if is_record {
                    &mut records
                } else {
                    &mut objects
                };
                for name in &names {
                    let fields: &mut Object = part.entry(name.clone()).or_default();
                    let before = fields.insert(field.to_owned(), kind.to_owned());
                    assert!(before.is_none(), "{name}.{field} stands on the page twice");
                }
            }
        }
        Self { records, objects }
    }

    /// What is wrong with one line of the program.
    pub(crate) fn problems(&self, line: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        let Some(all) = line.as_object() else {
            return vec![format!("no object: {line}")];
        };
        if all.get("version") != Some(&Value::from(1)) {
            problems.push("no `version` 1".to_owned());
        }
        let kind = all.get("type").and_then(Value::as_str).unwrap_or_default();
        let Some(record) = self.records.get(kind) else {
            problems.push(format!("the type `{kind}` is not on the page"));
            return problems;
        };
        let mut fields = all.clone();
        fields.retain(|name, _| name != "version" && name != "type");
        self.object(kind, record, &fields, &mut problems);
        problems
    }

    fn object(
        &self,
        path: &str,
        known: &Object,
        found: &Map<String, Value>,
        problems: &mut Vec<String>,
    ) {
        for (name, value) in found {
            match known.get(name) {
                Some(kind) => self.value(&format!("{path}.{name}"), kind, value, problems),
                None => problems.push(format!("{path}.{name} is not on the page")),
            }
        }
        for (name, kind) in known {
            if !found.contains_key(name) && !kind.starts_with("optional ") {
                problems.push(format!("{path}.{name} is missing"));
            }
        }
    }

    fn value(&self, path: &str, kind: &str, value: &Value, problems: &mut Vec<String>) {
        let kind = kind.strip_prefix("optional ").unwrap_or(kind);
        let (kind, is_nullable) = match kind.strip_suffix('?') {
            Some(kind) => (kind, true),
            None => (kind, false),
        };
        if value.is_null() && is_nullable {
            return;
        }
        if let (Some(kind), Some(list)) = (kind.strip_suffix("[]"), value.as_array()) {
            for (idx, value) in list.iter().enumerate() {
                self.value(&format!("{path}[{idx}]"), kind, value, problems);
            }
            return;
        }
        let of_map = kind
            .strip_prefix('{')
            .and_then(|kind| kind.strip_suffix('}'));
        if let (Some(kind), Some(map)) = (of_map, value.as_object()) {
            for (name, value) in map {
                self.value(&format!("{path}.{name}"), kind, value, problems);
            }
            return;
        }
        let is_right = match (kind, value) {
            ("any", _)
            | ("text", Value::String(_))
            | ("bool", Value::Bool(_))
            | ("number", Value::Number(_)) => true,
            ("integer", Value::Number(number)) => number.is_i64() || number.is_u64(),
            (name, Value::Object(found)) => match self.objects.get(name) {
                Some(known) => {
                    self.object(path, known, found, problems);
                    true
                }
                None => false,
            },
            _ => false,
        };
        if !is_right {
            problems.push(format!("{path} is no {kind}: {value}"));
        }
    }
}

/// Name and type of a row of a table.
fn field(line: &str) -> Option<(&str, &str)> {
    let mut cells = line.strip_prefix("| `")?.split(" | ");
    let name = cells.next()?.strip_suffix('`')?;
    let kind = cells.next()?;
    cells.next()?;
    Some((name, kind))
}

/// Makes sure that `line` is as the page says.
pub(crate) fn check(line: &Value) {
    let problems = PAGE.problems(line);
    assert!(
        problems.is_empty(),
        "docs/json.md and the program differ: {problems:#?}\n{line}"
    );
}
