//! The output template of a task, as far as the file alone can tell: known fields,
//! relative, inside. `pipeline` fills it and cleans what it fills in.

use crate::config::suggest::did_you_mean;
use crate::config::text::Wrong;
use crate::domain::Layout;
use crate::pipeline::output::{FIELDS, Template, is_field};

/// Fields that tell one input from another.
const TELLING: &[&str] = &["{stem}", "{name}", "{title}"];

/// What a task writes when it does not say: one folder a task, laid out like the input.
pub(super) const DEFAULT: &str = "{task}/{rel_dir}/{stem}.{ext}";

/// Everything wrong with `template`; `many` when it has to name more than one input.
pub(super) fn check(template: &str, many: bool) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let inside = "write a path below `project.out`, such as \"{task}/{stem}.{ext}\"";
    if template.starts_with(['/', '\\', '~']) || template.chars().nth(1) == Some(':') {
        wrong.push(Wrong::new(
            "an output path must be relative to `project.out`",
            inside,
        ));
    }
    if template.split(['/', '\\']).any(|part| part == "..") {
        wrong.push(Wrong::new("an output path may not contain `..`", inside));
    }
    if template.chars().any(char::is_control) {
        wrong.push(Wrong::new(
            "an output path may not contain control characters",
            inside,
        ));
    }
    let fields = check_fields(template);
    // A misspelt field may be the one that is missed below.
    let is_spelt = fields.is_empty();
    wrong.extend(fields);
    if is_spelt && !template.contains("{ext}") {
        wrong.push(Wrong::new(
            "the output has no `{ext}`",
            "end it with .{ext}: audio and documents need names of their own",
        ));
    }
    if is_spelt && many && !TELLING.iter().any(|field| template.contains(field)) {
        wrong.push(Wrong::new(
            "every input would get the same output",
            "add {stem}",
        ));
    }
    wrong
}

/// What is wrong with `template` as the name of chapters, or of what is none.
pub(super) fn check_chapters(template: &str, layout: Option<&Layout>) -> Option<Wrong> {
    let is_of_chapters = Template::parse(template).is_ok_and(|parsed| parsed.tells_chapters());
    (is_of_chapters && layout != Some(&Layout::Chapters)).then(|| {
        Wrong::new(
            "`{n}` and `{chapter}` name the files of chapters",
            "write layout = \"chapters\", or leave them out",
        )
    })
}

fn check_fields(template: &str) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let after = &rest[at + 1..];
        let closed = if rest[at..].starts_with('{') {
            after.find(['{', '}'])
        } else {
            None
        };
        let Some(end) = closed.filter(|&end| after[end..].starts_with('}')) else {
            wrong.push(Wrong::new(
                "a brace has no partner",
                "write fields like {stem}",
            ));
            return wrong;
        };
        let field = &after[..end];
        let known: Vec<&str> = FIELDS.iter().map(|&(name, _)| name).collect();
        if !is_field(field) {
            let message = format!("unknown field `{{{field}}}`");
            wrong.push(Wrong::new(message, did_you_mean(field, &known)));
        }
        rest = &after[end + 1..];
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_that_leads_outside_or_names_nothing_is_refused() {
        for (template, expected) in [
            ("{task}/{rel_dir}/{stem}.{ext}", &[][..]),
            ("/etc/{stem}.{ext}", &["must be relative"]),
            ("C:\\{stem}.{ext}", &["must be relative"]),
            ("~/{stem}.{ext}", &["must be relative"]),
            ("a/../../{stem}.{ext}", &["may not contain `..`"]),
            ("..\\{stem}.{ext}", &["may not contain `..`"]),
            ("{stem}\u{7}.{ext}", &["control characters"]),
            ("{stme}.{ext}", &["unknown field `{stme}`"]),
            ("{stem.{ext}", &["no partner"]),
            ("{stem}}.{ext}", &["no partner"]),
            ("{}{stem}.{ext}", &["unknown field `{}`"]),
            ("{stem}", &["no `{ext}`"]),
            ("book.{ext}", &["same output"]),
        ] {
            let found = check(template, true);
            assert_eq!(found.len(), expected.len(), "{template}: {found:?}");
            for (wrong, part) in found.iter().zip(expected) {
                assert!(wrong.message.contains(part), "{template}: {wrong:?}");
            }
        }
        assert_eq!(check("book.{ext}", false), []);
    }

    /// `pipeline` refuses with its first objection, this room lists all before a run.
    #[test]
    fn nothing_passes_here_that_the_pipeline_refuses() {
        let parts = [
            "{stem}", "{ext}", ".", "/", "..", "{", "}", "\\", "C:", "~", "{x}", "a", "",
        ];
        for first in parts {
            for second in parts {
                for third in parts {
                    let template = format!("{first}{second}{third}");
                    let passes = check(&template, false).is_empty();
                    let taken = Template::parse(&template);
                    assert!(!passes || taken.is_ok(), "`{template}`: {taken:?}");
                }
            }
        }
    }
}
