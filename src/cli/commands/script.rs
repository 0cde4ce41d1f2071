//! `plan --text`: what will be said of one file, to the letter. Opens no socket, changes nothing.

use std::path::Path;
use std::sync::Arc;

use crate::cli::args::Global;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::record::script::Script;
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::config::{Overrides, TypedTask};
use crate::engine::local;
use crate::pipeline::binding::bind;
use crate::pipeline::discover::{Found, discover};
use crate::pipeline::extensions::TEXT_EXTENSIONS;
use crate::pipeline::script;
use crate::pipeline::task::{SpeechWork, Task, Work};

/// The settings that count: of the project, or, where none speaks and none was named, those of the first built-in voice,
/// as `tts` has them.
pub(super) fn context(global: &Global, named: &[String]) -> Result<Context, Failure> {
    if !named.is_empty() {
        return Context::load(global, Overrides::default());
    }
    let context = Context::load_or_defaults(global)?;
    let mut tasks = context.settings.tasks.iter();
    if tasks.any(|task| matches!(task.work, Work::Speech(_))) {
        return Ok(context);
    }
    let voice = local::voices().first().map(|voice| voice.name);
    let task = TypedTask::new("tts")
        .with("profile", Some("local"))
        .with("voice", voice);
    Context::load_typed(global, Overrides::default(), &task)
}

pub(super) fn run(context: &Context, tasks: &[Arc<Task>], file: &Path) -> anyhow::Result<Exit> {
    let (task, work, found) = task_of(context, tasks, file)?;
    let read = script::Script::read(&found, &task.endpoint, work).map_err(|refusal| {
        Failure::new(
            Exit::Usage,
            format!("{}: {}", term::clean(&file.to_string_lossy()), refusal.why),
        )
        .hint(refusal.remedy)
    })?;
    let stored = context.settings.places.stored(file);
    let script = Script::of(&stored, task, read);
    if context.json {
        record::print(&Record::Script(&script))?;
    } else {
        term::outln(&text(&script))?;
        term::say("nothing was sent");
    }
    Ok(Exit::Ok)
}

/// The speech task that has `file` as input, or a folder whose texts are a book; else the only one there is.
pub(super) fn task_of<'a>(
    context: &Context,
    tasks: &'a [Arc<Task>],
    file: &Path,
) -> Result<(&'a Task, &'a SpeechWork, Found), Failure> {
    let speech: Vec<(&Task, &SpeechWork)> = tasks
        .iter()
        .filter_map(|task| match &task.work {
            Work::Speech(work) => Some((&**task, work)),
            Work::Transcription(_) => None,
        })
        .collect();
    let wanted = file.canonicalize().ok();
    let input = |(task, work): &(&Task, &SpeechWork)| {
        let places = &context.settings.places;
        let files = discover(&task.input, TEXT_EXTENSIONS, places).ok()?.files;
        let is_it = |found: &Found| wanted.is_some() && found.path.canonicalize().ok() == wanted;
        let alone = files.iter().find(|found| is_it(found)).cloned();
        let books = || work.layout.binds().then(|| bind(files.clone()));
        alone.or_else(|| books()?.into_iter().find(is_it))
    };
    let mut having = speech
        .iter()
        .filter_map(|one| Some((one.0, one.1, input(one)?)));
    match (having.next(), speech.as_slice()) {
        (Some(first), _) => Ok(first),
        (None, [(task, work)]) => Ok((task, work, Found::alone(file.to_owned()))),
        (None, []) => Err(Failure::new(Exit::Usage, "there is no task that speaks")),
        (None, _) => Err(Failure::new(
            Exit::Usage,
            format!(
                "{} is input of no task",
                term::clean(&file.to_string_lossy())
            ),
        )
        .hint("name the task whose settings count: voicespool plan TASK --text FILE")),
    }
}

/// The script for people.
fn text(script: &Script) -> String {
    let mut text = format!(
        "{}, as `{}` says it: {}, {}",
        script.file,
        script.task,
        term::count(
            u64::try_from(script.lines.len()).unwrap_or(u64::MAX),
            "request"
        ),
        term::count(script.chars.0, "character"),
    );
    if let Some(title) = &script.title {
        text.push_str(&format!("\ntitle     {}", term::clean(title)));
    }
    if let Some(language) = &script.language {
        text.push_str(&format!("\nlanguage  {}", term::clean(language)));
    }
    for (number, line) in (1_usize..).zip(&script.lines) {
        if let Some(title) = &line.chapter {
            let number = line.chapter_number.unwrap_or_default();
            let title = match title.as_str() {
                "" => "(before the first heading)".to_owned(),
                title => term::clean(title),
            };
            text.push_str(&format!("\n\n== {number}: {title}"));
        }
        let said = line.text.replace("\n\n", "\n");
        let said: Vec<_> = said.lines().map(term::clean).collect();
        text.push_str(&format!(
            "\n\n[{number}] {}\n    {} s after the {}",
            said.join("\n    "),
            line.pause_s,
            line.boundary
        ));
    }
    for list in [changes(script), left_out(script)] {
        if !list.is_empty() {
            text.push_str("\n\n");
            text.push_str(&list.join("\n"));
        }
    }
    text
}

fn changes(script: &Script) -> Vec<String> {
    let mut lines = Vec::new();
    if script.cut_as_bought {
        lines.push("cut as it was bought: several paragraphs in a request".to_owned());
    }
    for change in &script.changes {
        let samples = change.samples.iter().map(|sample| {
            let (before, after) = (term::clean(&sample.before), term::clean(&sample.after));
            if after.is_empty() {
                format!("\"{before}\" left out")
            } else {
                format!("\"{before}\" said as \"{after}\"")
            }
        });
        let samples: Vec<_> = samples.collect();
        lines.push(format!(
            "cleaned up by {}, {}: {}",
            change.rule,
            term::count(u64::try_from(change.count).unwrap_or(u64::MAX), "time"),
            samples.join(", ")
        ));
    }
    lines
}

fn left_out(script: &Script) -> Vec<String> {
    let pieces = script.left_out.iter().map(|piece| {
        format!(
            "left out: {}, {}: {}",
            piece.what,
            term::count(u64::try_from(piece.letters).unwrap_or(u64::MAX), "letter"),
            term::clean(&piece.excerpt)
        )
    });
    let mut lines: Vec<String> = pieces.collect();
    if script.romanised > 0 {
        let letters = u64::try_from(script.romanised).unwrap_or(u64::MAX);
        lines.push(format!(
            "{} of other scripts said as a reader of Latin letters would",
            term::count(letters, "letter")
        ));
    }
    if script.unsaid > 0 {
        let signs = u64::try_from(script.unsaid).unwrap_or(u64::MAX);
        lines.push(format!(
            "not spoken: {} or pictures",
            term::count(signs, "sign")
        ));
    }
    lines
}
