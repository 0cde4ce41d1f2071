//! `preview`: the beginning of a text, in one voice or several, before all of it is bought.
//!
//! It is a run of its own tasks on the project's queue, so that the requests it buys are those
//! that the run would buy.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::args::one_shot::{OneShotArgs, TtsArgs};
use crate::cli::args::preview::PreviewArgs;
use crate::cli::args::{Global, RunArgs};
use crate::cli::commands::{plan as plan_command, run, script, tts};
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::term;
use crate::config::nearest;
use crate::domain::{AudioMillis, JobState, Layout};
use crate::engine::local;
use crate::pipeline::binding::bind;
use crate::pipeline::discover::{Found, discover};
use crate::pipeline::extensions::TEXT_EXTENSIONS;
use crate::pipeline::output;
use crate::pipeline::plan::FileState;
use crate::pipeline::task::{InputPattern, PREVIEW_OF, SpeechWork, Task, Work};

pub(crate) async fn run(global: &Global, args: PreviewArgs) -> anyhow::Result<Exit> {
    let mut context = Context::load_or_defaults(global)?;
    let speaks = |task: &Task| matches!(task.work, Work::Speech(_));
    if !context.settings.tasks.iter().any(speaks) {
        return outside(global, args).await;
    }
    let tasks = context.tasks(&[])?;
    let (task, work, found) = chosen(&context, &tasks, args.name.as_deref())?;
    let voices = voices(&args, work)?;
    let previews: Vec<Arc<Task>> = voices
        .iter()
        .map(|voice| Arc::new(preview(task, work, &found, voice, &args)))
        .collect();
    refuse_beside_other_work(&context, &previews).await?;
    let orders = RunArgs {
        yes: args.yes,
        max_cost: args.max_cost,
        command: "voicespool preview",
        ..RunArgs::default()
    };
    let exit = run::on_tasks(&mut context, &orders, &previews).await?;
    if !context.json {
        tell(&context, &previews).await?;
    }
    Ok(exit)
}

/// The text to begin with, and the task that speaks it.
fn chosen<'a>(
    context: &Context,
    tasks: &'a [Arc<Task>],
    name: Option<&Path>,
) -> Result<(&'a Task, &'a SpeechWork, Found), Failure> {
    let speech = |task: &'a Arc<Task>| match &task.work {
        Work::Speech(work) => Some((&**task, work)),
        Work::Transcription(_) => None,
    };
    let named = |task: &&Arc<Task>| name.is_none_or(|name| name == Path::new(&task.name));
    let Some(task) = tasks
        .iter()
        .find(|task| named(task) && speech(task).is_some())
    else {
        return match name {
            Some(file) if file.exists() => script::task_of(context, tasks, file),
            _ => Err(missing(tasks, name)),
        };
    };
    let (task, work) = speech(task).ok_or_else(|| missing(tasks, name))?;
    let places = &context.settings.places;
    let files = discover(&task.input, TEXT_EXTENSIONS, places)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()).detail("nothing was sent"))?;
    let files = if work.layout.binds() {
        bind(files.files)
    } else {
        files.files
    };
    let first = files.into_iter().next().ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{}` has no text", task.name))
            .detail("nothing was sent")
            .hint("voicespool plan --files shows what was found")
    })?;
    Ok((task, work, first))
}

fn missing(tasks: &[Arc<Task>], name: Option<&Path>) -> Failure {
    let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let known = tasks.iter().map(|task| task.name.as_str());
    let failure = Failure::new(
        Exit::Usage,
        format!(
            "there is no text and no task that speaks `{}`",
            term::clean(&name)
        ),
    )
    .detail("nothing was sent");
    match nearest(&name, known) {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None => failure,
    }
}

/// The voices to hear; those of the built-in engine are known here, others by the provider alone.
fn voices(args: &PreviewArgs, work: &SpeechWork) -> Result<Vec<String>, Failure> {
    if args.voices.is_empty() {
        return Ok(vec![work.params.voice.clone()]);
    }
    let known = || local::voices().iter().map(|voice| voice.name);
    for voice in &args.voices {
        if work.latin_only && !known().any(|name| name == voice) {
            let failure = Failure::new(
                Exit::Usage,
                format!("there is no voice `{}`", term::clean(voice)),
            )
            .detail("nothing was sent");
            return Err(match nearest(voice, known()) {
                Some(near) => failure.hint(format!("did you mean {near}?")),
                None => failure.hint("voicespool voices lists them"),
            });
        }
    }
    Ok(args.voices.clone())
}

/// The task that speaks the beginning of `found` in `voice`.
fn preview(task: &Task, work: &SpeechWork, found: &Found, voice: &str, args: &PreviewArgs) -> Task {
    let of_chapter = args.chapter.map_or(String::new(), |nth| format!("-{nth}"));
    let paths = if found.parts.is_empty() {
        std::slice::from_ref(&found.path)
    } else {
        &found.parts
    };
    let mut work = work.clone();
    voice.clone_into(&mut work.params.voice);
    work.excerpt = Some(AudioMillis(
        u64::from(args.seconds.get()).saturating_mul(1000),
    ));
    if let Some(nth) = args.chapter {
        work.chapters = nth.to_string().parse().ok();
    }
    work.layout = if work.layout.binds() {
        Layout::Book
    } else {
        Layout::Files
    };
    work.subtitles.clear();
    Task {
        name: format!("{PREVIEW_OF}{} in {voice}", task.name),
        input: paths.iter().map(|path| literal(path)).collect(),
        output: format!(
            "preview/{}/{{stem}}{of_chapter}-{}.{{ext}}",
            task.name,
            output::sanitised(voice, None)
        ),
        work: Work::Speech(work),
        ..task.clone()
    }
}

fn literal(path: &Path) -> InputPattern {
    InputPattern {
        pattern: path.to_string_lossy().into_owned(),
        exclude: false,
        origin: "voicespool preview".to_owned(),
    }
}

/// A run works on everything that is queued: more than anybody would expect of a preview.
async fn refuse_beside_other_work(context: &Context, previews: &[Arc<Task>]) -> anyhow::Result<()> {
    let Some(store) = context.open_read_only().await? else {
        return Ok(());
    };
    let counts = store.counts().await?;
    store.close().await?;
    let waits = counts.iter().filter(|count| {
        // What a preview of the same name left is in the plan, or leaves the queue.
        !previews.iter().any(|task| task.name == count.task)
            && matches!(
                count.state,
                JobState::Scheduled | JobState::Available | JobState::Leased | JobState::Sent
            )
    });
    let waiting: u64 = waits.map(|count| count.jobs).sum();
    if waiting == 0 {
        return Ok(());
    }
    let jobs = term::count(waiting, "job");
    Err(Failure::new(
        Exit::Usage,
        format!("{jobs} of an earlier run would be worked on as well"),
    )
    .detail("nothing was sent")
    .hint("voicespool run goes on with them; voicespool hold --all puts them aside")
    .into())
}

/// Says where the files are.
async fn tell(context: &Context, previews: &[Arc<Task>]) -> anyhow::Result<()> {
    let store = context.open_read_only().await?;
    let plan = plan_command::make(context, previews, store.as_ref()).await?;
    if let Some(store) = store {
        store.close().await?;
    }
    let files = plan.tasks.iter().flat_map(|task| &task.files);
    for file in files.filter(|file| file.state == FileState::Done) {
        for made in &file.outputs {
            let path = context.settings.places.out.join(made);
            term::outln(&term::clean(&path.to_string_lossy()))?;
        }
    }
    Ok(())
}

/// Without a project: as `tts` does it, a file for each voice.
async fn outside(global: &Global, args: PreviewArgs) -> anyhow::Result<Exit> {
    let Some(file) = args.name.filter(|file| file.is_file()) else {
        return Err(Failure::new(Exit::Usage, "a preview of what?")
            .detail("there is no project with a task that speaks here; nothing was sent")
            .hint("voicespool preview FILE, or make a project: voicespool init")
            .into());
    };
    let stem = file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let voices = if args.voices.is_empty() {
        vec![None]
    } else {
        args.voices.into_iter().map(Some).collect()
    };
    for voice in voices {
        let path = free_name(&stem, voice.as_deref().unwrap_or("preview"));
        let orders = TtsArgs {
            input: vec![file.clone().into_os_string()],
            files: true,
            common: OneShotArgs {
                output: Some(path.clone()),
                yes: args.yes,
                max_cost: args.max_cost,
                ..OneShotArgs::default()
            },
            voice,
            seconds: Some(args.seconds),
            chapters: args.chapter.map(|nth| nth.to_string()),
            ..TtsArgs::default()
        };
        let exit = tts::run(global, orders).await?;
        if exit != Exit::Ok {
            return Ok(exit);
        }
        if !global.json {
            term::outln(&term::clean(&path.to_string_lossy()))?;
        }
    }
    Ok(Exit::Ok)
}

/// A name here that nothing has: what lies here is not replaced by a name that nobody typed.
fn free_name(stem: &str, name: &str) -> PathBuf {
    let name = output::sanitised(name, None);
    let first = PathBuf::from(format!("{stem}-{name}.wav"));
    let others = (2_u32..).map(|nth| PathBuf::from(format!("{stem}-{name}-{nth}.wav")));
    let mut all = std::iter::once(first).chain(others);
    all.find(|path| !path.exists()).unwrap_or_default()
}
