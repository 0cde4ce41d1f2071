//! Which files a task takes and which it writes, as far as the file alone can tell.
//! Nothing is looked up: patterns meet real files in `pipeline`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::config::build::Build;
use crate::config::reader::{At, Field};
use crate::config::scope::required;
use crate::config::tables::TaskTable;
use crate::config::template;
use crate::config::text::TaskType;
use crate::domain::DocumentFormat;
use crate::pipeline::manifest;
use crate::pipeline::task::{InputPattern, Manifest};

/// What is written when nothing is said: all three are made from one answer.
pub(super) const DEFAULT_FORMATS: &[DocumentFormat] = &[
    DocumentFormat::Srt,
    DocumentFormat::Json,
    DocumentFormat::Txt,
];

/// The patterns of a task, each with its place.
pub(super) fn inputs(
    build: &mut Build,
    task: &str,
    at: &At<TaskTable>,
    root: &Path,
) -> Option<Vec<InputPattern>> {
    if at.value.input.is_absent() && !at.value.urls.is_absent() {
        return Some(Vec::new());
    }
    let list = required(
        build,
        task,
        at,
        "input",
        &at.value.input,
        "add input = [\"books/**/*.txt\"]",
    )?;
    let list_loc = at.value.input.given().map_or(at.loc, |input| input.loc);
    let mut patterns = Vec::with_capacity(list.len());
    let mut is_whole = true;
    for item in &list {
        let text = item.value.as_str();
        let (pattern, exclude) = text
            .strip_prefix('!')
            .map_or((text, false), |rest| (rest, true));
        is_whole &= check_pattern(build, item, (pattern, exclude), root);
        patterns.push(InputPattern {
            pattern: pattern.to_owned(),
            exclude,
            origin: build.origin_of(item.loc),
        });
    }
    if is_whole && patterns.iter().all(|pattern| pattern.exclude) {
        build.error(
            list_loc,
            format!("[task.{task}] takes no file"),
            "add a pattern without `!`",
        );
        is_whole = false;
    }
    is_whole.then_some(patterns)
}

/// Reports what is wrong with one pattern; whether nothing is.
fn check_pattern(
    build: &mut Build,
    item: &At<String>,
    (pattern, exclude): (&str, bool),
    root: &Path,
) -> bool {
    if pattern.trim().is_empty() {
        build.error(
            item.loc,
            "the pattern is empty",
            "write a file, a folder or a glob",
        );
        return false;
    } else if pattern.contains("://") {
        build.error_hiding(
            item.loc,
            "`input` takes files, no URLs",
            "write the URL into a file such as urls.txt, and urls = [\"urls.txt\"]",
        );
        return false;
    } else if !is_simple(pattern) {
        build.error(
            item.loc,
            format!(
                "the pattern is longer than {MAX_PATTERN} bytes or its braces stand more than {MAX_DEPTH} deep"
            ),
            "write several shorter patterns",
        );
        return false;
    } else if !exclude && is_outside(build, item, pattern, root) {
        return false;
    } else if let Err(error) = GlobBuilder::new(pattern).literal_separator(true).build() {
        build.error(
            item.loc,
            format!("`{pattern}` is no valid pattern: {}", error.kind()),
            "write it like \"books/**/*.{txt,md}\"",
        );
        return false;
    }
    true
}

/// Longest pattern, in bytes, and the most braces in one another: what a person writes is shorter,
/// and a matcher of more may not be possible to build.
const MAX_PATTERN: usize = 1_000;
const MAX_DEPTH: usize = 8;

fn is_simple(pattern: &str) -> bool {
    let mut depth = 0_usize;
    pattern.len() <= MAX_PATTERN
        && pattern.bytes().all(|byte| {
            match byte {
                b'{' => depth = depth.saturating_add(1),
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth <= MAX_DEPTH
        })
}

/// Whether the folder above the first wildcard, or the file of just that name, lies where the
/// project's file may not read. Nothing below that folder leads out: links are not followed.
fn is_outside(build: &mut Build, item: &At<String>, pattern: &str, root: &Path) -> bool {
    let full = root.join(pattern);
    let fixed: PathBuf = full
        .components()
        .take_while(|part| {
            !part
                .as_os_str()
                .to_string_lossy()
                .contains(['*', '?', '[', '{'])
        })
        .collect();
    let what = format!("`{pattern}`");
    build.refuse_outside(item.loc, &what, &fixed) || build.refuse_outside(item.loc, &what, &full)
}

/// The manifests of a task, each with its place.
pub(super) fn manifests(build: &mut Build, table: &TaskTable, root: &Path) -> Vec<Manifest> {
    let Some(given) = table.urls.given() else {
        return Vec::new();
    };
    if given.value.is_empty() {
        build.error(
            given.loc,
            "`urls` names no manifest",
            "write urls = [\"episodes.csv\"], or leave it out",
        );
    }
    let mut manifests: Vec<Manifest> = Vec::with_capacity(given.value.len());
    for item in &given.value {
        let path = item.value.as_str();
        let is_known = Path::new(path).extension().is_some_and(|extension| {
            manifest::EXTENSIONS
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known))
        });
        if path.contains("://") {
            build.error_hiding(
                item.loc,
                "`urls` takes files that list URLs, no URLs",
                "write the URL into a file such as urls.txt, and urls = [\"urls.txt\"]",
            );
        } else if !is_known {
            build.error(
                item.loc,
                format!("`{path}` is no manifest"),
                "it must end in .csv (with a header: url, duration, name, id) or .txt (a URL a line)",
            );
        } else if manifests.iter().any(|known| known.path == path) {
            build.error(item.loc, format!("`{path}` stands twice"), "take one away");
        }
        build.refuse_outside(item.loc, &format!("`{path}`"), &root.join(path));
        manifests.push(Manifest {
            path: path.to_owned(),
            origin: build.origin_of(item.loc),
        });
    }
    manifests
}

/// The output template of a task.
pub(super) fn output(build: &mut Build, table: &TaskTable) -> Option<String> {
    let Some(given) = table.output.given() else {
        return table
            .output
            .is_absent()
            .then(|| template::DEFAULT.to_owned());
    };
    let mut wrong = template::check(&given.value, takes_many(table));
    wrong.extend(template::check_chapters(&given.value, table.layout.value()));
    for wrong in &wrong {
        build.error(
            given.loc,
            format!("output: {}", wrong.message),
            wrong.help.clone(),
        );
    }
    wrong.is_empty().then(|| given.value.clone())
}

/// Whether the patterns can name more than one file.
fn takes_many(table: &TaskTable) -> bool {
    if !table.urls.is_absent() {
        return true;
    }
    let Some(list) = table.input.value() else {
        return false;
    };
    let taken: Vec<&str> = list
        .iter()
        .map(|at| at.value.as_str())
        .filter(|text| !text.starts_with('!'))
        .collect();
    taken.len() > 1
        || taken
            .iter()
            .any(|text| text.contains(['*', '?', '[', '{']) || text.ends_with('/'))
}

/// Two tasks that write the same files cannot both be meant.
pub(super) fn refuse_same_outputs(build: &mut Build, tables: &[(String, At<TaskTable>)]) {
    let mut seen: BTreeMap<(String, String), &str> = BTreeMap::new();
    for (name, at) in tables
        .iter()
        .filter(|(_, at)| at.value.enabled.value() != Some(&false))
    {
        let table = &at.value;
        let inputs: Vec<&str> = [table.input.value(), table.urls.value()]
            .into_iter()
            .flatten()
            .flatten()
            .map(|at| at.value.as_str())
            .filter(|pattern| !pattern.starts_with('!'))
            .collect();
        let template = table
            .output
            .value()
            .map_or(template::DEFAULT, String::as_str);
        let place = table.output.given().map_or(at.loc, |output| output.loc);
        let mut filled = template.replace("{task}", name);
        for (field, value) in [
            ("{voice}", table.voice.value()),
            ("{model}", table.model.value()),
            ("{language}", table.language.value()),
        ] {
            if let Some(value) = value {
                filled = filled.replace(field, value);
            }
        }
        let mut other = None;
        for extension in extensions(table) {
            let filled = filled.replace("{ext}", extension);
            for pattern in &inputs {
                let earlier = *seen
                    .entry((filled.clone(), (*pattern).to_owned()))
                    .or_insert(name);
                other = other.or((earlier != name.as_str()).then_some(earlier));
            }
        }
        if let Some(other) = other {
            build.error(
                place,
                format!("[task.{name}] would write the same files as [task.{other}]"),
                "put {task} into the output of one of them",
            );
        }
    }
}

/// The extensions a task writes, as far as it says.
fn extensions(table: &TaskTable) -> Vec<&'static str> {
    let documents = |field: &Field<Vec<At<DocumentFormat>>>| -> Vec<&'static str> {
        field
            .value()
            .map(|list| list.iter().map(|at| at.value.as_str()).collect())
            .unwrap_or_default()
    };
    if table.r#type.value() == Some(&TaskType::Transcription) {
        let formats = documents(&table.formats);
        return if formats.is_empty() {
            DEFAULT_FORMATS
                .iter()
                .map(|format| format.as_str())
                .collect()
        } else {
            formats
        };
    }
    let audio = table
        .format
        .value()
        .map_or("wav", |format| format.extension());
    documents(&table.subtitles)
        .into_iter()
        .chain([audio])
        .collect()
}
