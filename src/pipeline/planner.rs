//! The plan: what there is to do, what it would cost, and why. Opens no socket, writes
//! nothing; reads inputs and, if there is one, the queue.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::domain::units::counted;
use crate::domain::{ContentKey, JobState, NanoUsd, Quantity, Standing};
use crate::pipeline::binding::{bind, is_of_book};
use crate::pipeline::differs::{self, Asked};
use crate::pipeline::discover::{DiscoverError, Found, discover};
use crate::pipeline::doubts;
use crate::pipeline::extensions::{AUDIO_EXTENSIONS, TEXT_EXTENSIONS};
use crate::pipeline::gaps;
use crate::pipeline::manifest::{self, ManifestError};
use crate::pipeline::output::{Template, TemplateError, collision_key};
use crate::pipeline::outputs::Outputs;
use crate::pipeline::plan::{AtMost, FilePlan, FileState, Plan, TaskPlan, sum};
use crate::pipeline::recipe::{Assemble, Compose};
use crate::pipeline::recording::{AudioSource, read_audio, read_remote};
use crate::pipeline::source::{Refusal, TextSource, read_text};
use crate::pipeline::task::{Places, Task, Work};
use crate::pipeline::wanted::Wanted;
use crate::pipeline::written::{Place, Written, WrittenError};
use crate::store::{self, Store};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("task `{task}`: output `{output}`")]
    Template {
        task: String,
        output: String,
        source: TemplateError,
    },
    #[error("two inputs would become one file, {output}:\n  {first}\n  {second}")]
    Collision {
        output: PathBuf,
        first: String,
        second: String,
    },
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("cannot look at what was written")]
    Outputs(#[from] std::io::Error),
}

impl From<WrittenError> for PlanError {
    fn from(error: WrittenError) -> Self {
        match error {
            WrittenError::Io(error) => Self::Outputs(error),
            WrittenError::Store(error) => Self::Store(error),
        }
    }
}

/// One file as read, before the queue is asked about it.
#[derive(Debug)]
pub(crate) enum Read {
    Text(Box<(TextSource, Assemble)>),
    Audio(Box<(AudioSource, Compose)>),
    Refused(Refusal),
}

/// Reads one file. Blocking: hashes, cuts, decodes headers.
pub(crate) fn read(task: &Task, template: &Template, found: &Found) -> Read {
    match &task.work {
        Work::Speech(work) => match read_text(found, &task.endpoint, work) {
            Ok(source) => {
                let recipe = Assemble::new(task, work, template, found, &source);
                Read::Text(Box::new((source, recipe)))
            }
            Err(refusal) => Read::Refused(refusal),
        },
        Work::Transcription(work) => {
            let read = match &found.remote {
                Some(remote) => read_remote(remote, &task.endpoint, work),
                None => read_audio(&found.path, &task.endpoint, work),
            };
            match read {
                Ok(source) => {
                    let recipe = Compose::new(task, work, template, found, &source);
                    Read::Audio(Box::new((source, recipe)))
                }
                Err(refusal) => Read::Refused(refusal),
            }
        }
    }
}

/// The inputs of a task, under their real names.
fn inputs(files: &[Found]) -> HashSet<PathBuf> {
    let here = files.iter().filter(|file| file.remote.is_none());
    here.flat_map(|file| std::iter::once(&file.path).chain(&file.parts))
        .filter_map(|path| path.canonicalize().ok())
        .collect()
}

/// The template of a task, checked.
pub(crate) fn template(task: &Task) -> Result<Template, PlanError> {
    Template::parse(&task.output).map_err(|source| PlanError::Template {
        task: task.name.clone(),
        output: task.output.clone(),
        source,
    })
}

/// Plans `tasks`. `store` is `None` when there is no queue yet.
pub async fn plan(
    tasks: &[Arc<Task>],
    places: &Places,
    store: Option<&Store>,
) -> Result<Plan, PlanError> {
    let written = Written::load(&places.state, store).await?;
    let mut planner = Planner {
        store,
        files: Outputs::new(places.out.clone(), Arc::new(written)),
        places,
        counted: BTreeSet::new(),
        names: HashMap::new(),
    };
    let mut plans = Vec::with_capacity(tasks.len());
    for task in tasks {
        plans.push(planner.task(task).await?);
    }
    Ok(Plan { tasks: plans })
}

struct Planner<'a> {
    store: Option<&'a Store>,
    /// The output folder, and what in it is ours.
    files: Outputs,
    places: &'a Places,
    /// Requests already counted: equal work is sent once. Eight bytes of each key keep a
    /// million chunks in 13 MB (a hash set takes twice that whenever it grows); two of a
    /// million keys agree in them once in 30 million plans.
    counted: BTreeSet<u64>,
    /// Output names already taken, folded, with who takes them.
    names: HashMap<String, String>,
}

impl Planner<'_> {
    async fn task(&mut self, task: &Arc<Task>) -> Result<TaskPlan, PlanError> {
        let template = Arc::new(template(task)?);
        let extensions = match task.work {
            Work::Speech(_) => TEXT_EXTENSIONS,
            Work::Transcription(_) => AUDIO_EXTENSIONS,
        };
        let mut found = discover(&task.input, extensions, self.places)?;
        if let Work::Transcription(work) = &task.work
            && !work.urls.is_empty()
        {
            let (manifests, places) = (work.urls.clone(), self.places.clone());
            let listed = tokio::task::spawn_blocking(move || manifest::read(&manifests, &places))
                .await
                .expect("reading a manifest does not panic")?;
            found.files.extend(listed.files);
            found.warnings.extend(listed.warnings);
        }
        let inputs = inputs(&found.files);
        if matches!(&task.work, Work::Speech(work) if work.layout.binds()) {
            found.files = bind(found.files);
            found.skipped.retain(|file| !is_of_book(&file.path));
        }
        let mut reads = stream::iter(found.files.into_iter().map(|file| {
            let (task, template) = (task.clone(), template.clone());
            async move {
                tokio::task::spawn_blocking(move || {
                    let read = read(&task, &template, &file);
                    (file, read)
                })
                .await
            }
        }))
        .buffered(2);
        let mut files = Vec::new();
        while let Some((file, read)) = reads
            .try_next()
            .await
            .expect("reading a file does not panic")
        {
            files.push(self.file(task, file, read, &inputs).await?);
        }
        drop(reads);
        Ok(TaskPlan {
            task: task.clone(),
            files,
            skipped: found.skipped,
            warnings: found.warnings,
        })
    }

    async fn file(
        &mut self,
        task: &Task,
        found: Found,
        read: Read,
        inputs: &HashSet<PathBuf>,
    ) -> Result<FilePlan, PlanError> {
        let Wanted {
            content,
            text,
            parent,
            before,
            keys,
            outputs,
            note,
            at_most,
        } = match read {
            Read::Refused(refusal) => return Ok(FilePlan::refused(found, refusal)),
            Read::Text(text) => Wanted::of_text(&text.0, &text.1, task),
            Read::Audio(audio) => Wanted::of_audio(&audio.0, &audio.1, task),
        };
        self.take_names(&outputs, &who(&found, task))?;
        let (parent, as_before) = self.as_begun(parent, before).await?;
        let state = self.state(task, &found.path, parent, &outputs).await?;
        let (state, yields) = if state.is_work() {
            self.guard(task, state, &outputs, inputs)?
        } else {
            (state, Vec::new())
        };
        let mut file = FilePlan {
            found,
            requests: u64::try_from(keys.len()).unwrap_or(u64::MAX),
            to_send: 0,
            total: sum(keys.iter().map(|(_, quantity)| *quantity)),
            new: Quantity::Nothing,
            cost: Some(NanoUsd::ZERO),
            at_most: None,
            outputs,
            yields,
            note,
            gaps: 0,
            is_refuted: false,
            as_before,
            state,
        };
        file.note_yields();
        if file.state.is_work() {
            self.price(task, &mut file, keys).await?;
        }
        file.at_most = at_most.filter(|_| file.to_send > 0);
        if file.at_most == Some(AtMost::UnknownLength) {
            file.add_note(note_at_most(&file));
        }
        self.note(task, &mut file, (parent, content, text)).await?;
        Ok(file)
    }

    /// Adds what the queue knows of the file that a person should know.
    async fn note(
        &self,
        task: &Task,
        file: &mut FilePlan,
        (parent, content, text): (ContentKey, ContentKey, Option<ContentKey>),
    ) -> Result<(), PlanError> {
        let Some(store) = self.store else {
            return Ok(());
        };
        let path = &self.places.stored(&file.found.path);
        let asked = Asked::new(task, path, content, text);
        differs::note(store, &asked, file).await?;
        gaps::note(store, task, parent, file).await?;
        doubts::note(store, task, parent, file).await?;
        Ok(())
    }

    /// No two inputs become one file.
    fn take_names(&mut self, outputs: &[PathBuf], who: &str) -> Result<(), PlanError> {
        for output in outputs {
            if let Some(first) = self.names.insert(collision_key(output), who.to_owned()) {
                return Err(PlanError::Collision {
                    output: output.clone(),
                    first,
                    second: who.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The job that stands for the file: the older one, and whether it is that, if an older version began the file and
    /// nobody asks for anything new.
    async fn as_begun(
        &self,
        parent: ContentKey,
        before: Option<ContentKey>,
    ) -> Result<(ContentKey, bool), PlanError> {
        let (Some(store), Some(before)) = (self.store, before) else {
            return Ok((parent, false));
        };
        if before == parent || store.parent_by_key(parent).await?.is_some() {
            return Ok((parent, false));
        }
        let is_begun = store.parent_by_key(before).await?.is_some();
        Ok(if is_begun {
            (before, true)
        } else {
            (parent, false)
        })
    }

    async fn state(
        &self,
        task: &Task,
        path: &Path,
        parent: ContentKey,
        outputs: &[PathBuf],
    ) -> Result<FileState, PlanError> {
        let Some(store) = self.store else {
            return Ok(FileState::New);
        };
        let found = store.parent_by_key(parent).await?;
        Ok(match found.map(|found| (found.state, found)) {
            Some((JobState::Completed, found)) => {
                let there = !found.overwritten
                    && outputs
                        .iter()
                        .all(|output| self.places.out.join(output).is_file());
                if there {
                    FileState::Done
                } else {
                    FileState::MissingOutput
                }
            }
            Some((JobState::Failed, _)) => FileState::Failed,
            Some((JobState::Held, _)) => FileState::Held,
            Some((JobState::Cancelled, found)) => {
                // What left the plan and came back is wanted; what a person cancelled is not.
                let superseded = store
                    .source(found.source)
                    .await?
                    .is_some_and(|source| source.superseded_at.is_some());
                if superseded {
                    FileState::New
                } else {
                    FileState::Cancelled
                }
            }
            Some(_) => FileState::Queued,
            None if store
                .latest_source(&task.name, &self.places.stored(path))
                .await?
                .is_some() =>
            {
                FileState::Changed
            }
            None => FileState::New,
        })
    }

    /// Whether `outputs` have a free way: no input is ever replaced, and what we did not write only
    /// if a person said so.
    fn guard(
        &self,
        task: &Task,
        state: FileState,
        outputs: &[PathBuf],
        inputs: &HashSet<PathBuf>,
    ) -> Result<(FileState, Vec<PathBuf>), PlanError> {
        let mut yields = Vec::new();
        for output in outputs {
            let target = self.places.out.join(output);
            if target
                .canonicalize()
                .is_ok_and(|real| inputs.contains(&real))
            {
                let refusal = Refusal {
                    why: format!("would be written over an input: {}", target.display()),
                    remedy: "give the task another `output`".to_owned(),
                };
                return Ok((FileState::Refused(refusal), Vec::new()));
            }
            match self.files.place(output)? {
                Place::Free | Place::Ours | Place::Yielded => {}
                Place::Foreign if task.overwrite => yields.push(output.clone()),
                Place::Foreign => {
                    let whose = if target.is_symlink() {
                        "is a symbolic link"
                    } else if self.files.knows(output) {
                        "was changed since voicespool wrote it"
                    } else {
                        "was not written by this project"
                    };
                    let refusal = Refusal {
                        why: format!("cannot be written: {} {whose}", target.display()),
                        remedy: "move that file away, give the task another `output`, or set `overwrite = true` or run --overwrite (it is kept as NAME.bak)".to_owned(),
                    };
                    return Ok((FileState::Refused(refusal), Vec::new()));
                }
            }
        }
        Ok((state, yields))
    }

    async fn price(
        &mut self,
        task: &Task,
        file: &mut FilePlan,
        keys: Vec<(ContentKey, Quantity)>,
    ) -> Result<(), PlanError> {
        let (mut new, mut held, mut in_doubt) = (Vec::new(), 0_u64, 0_u64);
        for page in keys.chunks(5_000) {
            let page_keys: Vec<_> = page.iter().map(|(key, _)| *key).collect();
            let done = match self.store {
                Some(store) => store.known(&page_keys).await?,
                None => HashMap::new(),
            };
            for (key, quantity) in page {
                let short = u64::from_le_bytes(key.0[..8].try_into().expect("a key has 32 bytes"));
                match done.get(key) {
                    Some(Standing::Completed) => {}
                    // They want a person first: a run does not send them.
                    Some(Standing::Held) => held += 1,
                    Some(Standing::InDoubt) => in_doubt += 1,
                    _ if self.counted.insert(short) => new.push(*quantity),
                    _ => {}
                }
            }
        }
        file.to_send = u64::try_from(new.len()).unwrap_or(u64::MAX);
        // Job by job, because that is how it is billed and rounded.
        file.cost = task.price.and_then(|price| {
            new.iter().try_fold(NanoUsd::ZERO, |sum, quantity| {
                sum.checked_add(price.cost(*quantity)?)
            })
        });
        if new.is_empty() {
            file.cost = Some(NanoUsd::ZERO);
        }
        file.new = sum(new.into_iter());
        for (jobs, how, state) in [
            (held, "set aside", "held"),
            (in_doubt, "in doubt: sent, and never answered", "in_doubt"),
        ] {
            if jobs > 0 {
                let what = counted(jobs, "request");
                file.add_note(format!(
                    "{what} of it {how}; see `voicespool ls --state {state}`"
                ));
            }
        }
        Ok(())
    }
}

/// That the length of a recording is not known, and what to do about it.
fn note_at_most(file: &FilePlan) -> String {
    format!(
        "its length is not known: it counts as {:.0} min, the most one request takes; give it a `duration` in {}",
        file.new_minutes(),
        file.found
            .remote
            .as_ref()
            .map_or("the manifest", |remote| &remote.origin),
    )
}

/// An input for messages, with the line that names it if a manifest does.
fn who(found: &Found, task: &Task) -> String {
    let place = found
        .remote
        .as_ref()
        .map(|remote| format!(", {}", remote.origin));
    format!(
        "{} (task `{}`{})",
        found.path.display(),
        task.name,
        place.unwrap_or_default()
    )
}
