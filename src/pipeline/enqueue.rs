//! From a plan to durable jobs. Every step may be repeated after a crash: sources,
//! parents and requests are found again by their keys.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use futures_util::stream::{self, FuturesUnordered, StreamExt, TryStreamExt};

use crate::domain::{
    ContentKey, GateId, JobId, JobKind, JobState, Quantity, SourceId, SpecId, UtcMillis,
};
use crate::pipeline::addresses::{Address, Addresses};
use crate::pipeline::discover::Found;
use crate::pipeline::key;
use crate::pipeline::objects::Objects;
use crate::pipeline::output::Template;
use crate::pipeline::plan::{AtMost, FilePlan, FileState, Plan};
use crate::pipeline::planner::{PlanError, Read, read, template};
use crate::pipeline::recipe::{Assemble, Compose};
use crate::pipeline::recording::{self, AudioSource};
use crate::pipeline::remote;
use crate::pipeline::source::{Refusal, TextSource};
use crate::pipeline::task::{Places, Task, Work};
use crate::store::{self, Filter, NewChild, NewChildren, NewParent, NewSource, NewSpec, Store};

/// Why the queue could not take the plan.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("cannot write the object folder")]
    Objects(#[source] io::Error),
}

/// What was queued.
#[derive(Debug, Clone, Default)]
pub struct Enqueued {
    /// Parents of this plan with work left, oldest first.
    pub parents: Vec<JobId>,
    /// Files that changed between planning and queueing; they wait for the next run.
    pub changed: Vec<String>,
    /// Recordings that cannot be cut, and why.
    pub uncut: Vec<String>,
}

/// No job has it: `supersede` then leaves no version of the file at work.
const NO_JOB: JobId = JobId(0);

/// Files being read, the one being queued included. Each is in memory as a whole.
const READING: usize = 2;

/// Parents read at once.
const PAGE: u32 = 5_000;

/// The queue follows the plan: unfinished files of the planned tasks that are not in it any
/// more leave the queue. What was paid for stays, and they come back for free. Returns how
/// many left.
pub async fn leave_out(
    plan: &Plan,
    enqueued: &Enqueued,
    store: &Store,
    at: UtcMillis,
) -> Result<u64, store::Error> {
    let wanted: HashSet<JobId> = enqueued.parents.iter().copied().collect();
    let mut left = 0;
    for task in &plan.tasks {
        let filter = Filter {
            states: JobState::ALL
                .iter()
                .copied()
                // What a person holds stays, also when its file has gone.
                .filter(|state| !state.is_final() && *state != JobState::Held)
                .collect(),
            task: Some(task.task.name.clone()),
            kinds: vec![JobKind::Assemble, JobKind::Compose],
            ..Filter::default()
        };
        let mut after = None;
        loop {
            let page = store.jobs(&filter, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for parent in page.iter().filter(|parent| !wanted.contains(&parent.id)) {
                store
                    .supersede(&task.task.name, &parent.source_path, NO_JOB, at)
                    .await?;
                left += 1;
            }
        }
    }
    Ok(left)
}

/// The parameters of a task as the queue knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Specs {
    /// Of the jobs that send.
    pub request: SpecId,
    /// Of the jobs that put answers together.
    pub local: SpecId,
    /// Where the requests go.
    pub gate: GateId,
}

/// Queues every file of `plan` that has work.
pub async fn enqueue(
    plan: &Plan,
    store: &Store,
    objects: &Objects,
    places: &Places,
    at: UtcMillis,
) -> Result<Enqueued, EnqueueError> {
    let mut enqueued = Enqueued::default();
    for task_plan in &plan.tasks {
        let task = &task_plan.task;
        if !task_plan.files.iter().any(|file| file.state.is_work()) {
            continue;
        }
        let specs = specs(store, task).await?;
        let template = Arc::new(template(task)?);
        let addresses = Addresses::new(&places.state);
        // The disk is waited for some times a file: for the next ones' texts meanwhile, ...
        let mut reads = stream::iter(task_plan.files.iter().filter(|file| file.state.is_work()))
            .map(|file| {
                let kept = (objects.clone(), addresses.clone());
                prepare(task.clone(), template.clone(), kept, file)
            })
            .buffered(READING);
        // ... and for the ends of those before.
        let mut ends = FuturesUnordered::new();
        while let Some(prepared) = reads.next().await {
            let (file, read) = prepared?;
            let queue = Queue {
                store,
                places,
                task,
                specs: &specs,
                file,
                at,
            };
            let parent = match read {
                Read::Text(text) => meanwhile(&mut ends, queue.text(text.0, &text.1)).await?,
                Read::Audio(audio) => meanwhile(&mut ends, queue.audio(&audio.0, &audio.1)).await?,
                Read::Refused(Refusal { why, remedy }) if file.at_most == Some(AtMost::Uncut) => {
                    let path = file.found.path.display();
                    enqueued.uncut.push(format!("{path} {why}; {remedy}"));
                    continue;
                }
                Read::Refused(Refusal { why, .. }) => {
                    enqueued.changed.push(format!(
                        "{} {why} (it was fine a moment ago)",
                        file.found.path.display()
                    ));
                    continue;
                }
            };
            enqueued.parents.push(parent);
            ends.push(async move { queue.finish(parent).await });
        }
        while ends.try_next().await?.is_some() {}
    }
    Ok(enqueued)
}

/// Does `work` while `ends` come to theirs.
async fn meanwhile<E, T>(
    ends: &mut FuturesUnordered<E>,
    work: impl Future<Output = Result<T, EnqueueError>>,
) -> Result<T, EnqueueError>
where
    E: Future<Output = Result<(), EnqueueError>>,
{
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            made = &mut work => return made,
            Some(end) = ends.next() => end?,
        }
    }
}

/// Reads a file. A recording that is to be cut is cut now.
fn read_cut(task: &Task, template: &Template, found: &Found) -> Read {
    let first = read(task, template, found);
    let (Read::Audio(audio), Work::Transcription(work)) = (&first, &task.work) else {
        return first;
    };
    let Some(most) = audio.0.uncut else {
        return first;
    };
    if let Err(refusal) = recording::cut(&found.path, &audio.0, most, work) {
        return Read::Refused(refusal);
    }
    match read(task, template, found) {
        // Where it would be cut is a guess, and words could be lost there.
        Read::Audio(audio) if audio.0.uncut.is_some() => Read::Refused(recording::uncut()),
        cut => cut,
    }
}

/// Reads a file and, if it is a text, puts it where its chunks will be read from; of a
/// recording at a URL, puts the URL where it will be sent from.
async fn prepare(
    task: Arc<Task>,
    template: Arc<Template>,
    (objects, addresses): (Objects, Addresses),
    file: &FilePlan,
) -> Result<(&FilePlan, Read), EnqueueError> {
    let (found, as_before) = (file.found.clone(), file.as_before);
    let prepared = tokio::task::spawn_blocking(move || {
        let mut read = read_cut(&task, &template, &found);
        if let Read::Text(text) = &mut read {
            if as_before {
                text.1 = text.1.before();
            }
            // From here on the text is read from there.
            let bytes = std::mem::take(&mut text.0.text).into_bytes();
            objects.put(text.0.text_key, &bytes)?;
            if let Some(cover) = text.0.cover.take() {
                objects.put(key::of_bytes(&cover.bytes), &cover.bytes)?;
            }
        }
        if let Read::Audio(audio) = &mut read
            && as_before
        {
            audio.1 = audio.1.before();
        }
        if let (Read::Audio(audio), Some(remote)) = (&read, &found.remote) {
            let wanted = audio.0.requests.iter();
            for request in wanted.filter(|request| !objects.contains(request.key)) {
                let address = Address {
                    url: remote.url.clone(),
                    length: request.length,
                };
                addresses.put(request.key, &address)?;
            }
        }
        Ok(read)
    });
    prepared
        .await
        .expect("reading a file does not panic")
        .map(|read| (file, read))
        .map_err(EnqueueError::Objects)
}

/// Finds or makes the rows of a task's parameters.
pub async fn specs(store: &Store, task: &Task) -> Result<Specs, store::Error> {
    let gate = store.gate(&task.endpoint, task.model()).await?;
    let (kind, local, params) = match &task.work {
        Work::Speech(work) => (
            JobKind::Speak,
            JobKind::Assemble,
            serde_json::to_string(&work.params),
        ),
        Work::Transcription(work) => (
            JobKind::Transcribe,
            JobKind::Compose,
            serde_json::to_string(&work.params),
        ),
    };
    let params = params.expect("plain structs of strings and numbers serialise");
    let spec = |kind, gate, params| {
        store.spec(NewSpec {
            task: task.name.clone(),
            kind,
            gate,
            params,
        })
    };
    Ok(Specs {
        request: spec(kind, gate, params).await?,
        local: spec(local, GateId::LOCAL, "{}".into()).await?,
        gate,
    })
}

struct Queue<'a> {
    store: &'a Store,
    places: &'a Places,
    task: &'a Task,
    specs: &'a Specs,
    file: &'a FilePlan,
    at: UtcMillis,
}

impl Queue<'_> {
    async fn text(&self, source: TextSource, recipe: &Assemble) -> Result<JobId, EnqueueError> {
        let TextSource {
            content,
            text_key,
            chunks,
            ..
        } = source;
        let total = self.file.total;
        let source = self.source(content, Some(text_key), total).await?;
        let params = serde_json::to_string(recipe).expect("a recipe serialises");
        let (parent, open) = self
            .parent(
                source,
                key::output(JobKind::Assemble.as_str(), content, recipe),
                params,
            )
            .await?;
        for (page_number, page) in chunks.chunks(NewChildren::MAX).enumerate().filter(|_| open) {
            let first = page_number * NewChildren::MAX;
            let children = page.iter().enumerate().map(|(place, chunk)| NewChild {
                ordinal: u32::try_from(first + place).expect("a text of 256 MiB has fewer chunks"),
                spec: self.specs.request,
                key: chunk.key,
                span: Some(chunk.range.clone()),
                boundary: Some(chunk.boundary),
                quantity: Quantity::Chars(chunk.chars),
            });
            self.add(parent, source, children.collect()).await?;
        }
        Ok(parent)
    }

    async fn audio(&self, source: &AudioSource, recipe: &Compose) -> Result<JobId, EnqueueError> {
        let quantity = Quantity::Audio(source.duration);
        let id = self.source(source.content, None, quantity).await?;
        let params = serde_json::to_string(recipe).expect("a recipe serialises");
        let key = key::output(JobKind::Compose.as_str(), source.content, recipe);
        let (parent, open) = self.parent(id, key, params).await?;
        let spec = self.specs.request;
        let requests = source.requests.chunks(NewChildren::MAX).enumerate();
        for (page_number, page) in requests.filter(|_| open) {
            let first = page_number * NewChildren::MAX;
            let children = page.iter().enumerate().map(|(place, request)| NewChild {
                ordinal: u32::try_from(first + place).expect("a day has fewer clips"),
                spec,
                key: request.key,
                span: request.part.map(|part| part.start.0..part.end.0),
                boundary: None,
                quantity: Quantity::Audio(request.length),
            });
            self.add(parent, id, children.collect()).await?;
        }
        Ok(parent)
    }

    async fn add(
        &self,
        parent: JobId,
        source: SourceId,
        children: Vec<NewChild>,
    ) -> Result<(), store::Error> {
        self.store
            .add_children(NewChildren {
                parent,
                source,
                at: self.at,
                children,
            })
            .await
            .map(drop)
    }

    async fn source(
        &self,
        content: ContentKey,
        text: Option<ContentKey>,
        quantity: Quantity,
    ) -> Result<SourceId, store::Error> {
        let kind = match &self.file.found.remote {
            Some(_) => remote::KIND.to_owned(),
            None if self.file.found.parts.len() > 1 => "book".to_owned(),
            None => {
                let extension = self.file.found.path.extension().unwrap_or_default();
                extension.to_string_lossy().to_lowercase()
            }
        };
        self.store
            .add_source(NewSource {
                task: self.task.name.clone(),
                path: self.places.stored(&self.file.found.path),
                content,
                bytes: self.file.found.bytes,
                kind,
                text,
                quantity,
                at: self.at,
            })
            .await
    }

    /// The parent, and whether its children are to be added.
    async fn parent(
        &self,
        source: SourceId,
        key: ContentKey,
        params: String,
    ) -> Result<(JobId, bool), store::Error> {
        let parent = NewParent {
            source,
            spec: self.specs.local,
            key,
            params: Some(params),
            priority: self.task.priority,
            at: self.at,
        };
        self.store
            .add_parent(parent)
            .await
            .map(|parent| (parent.id, !parent.sealed))
    }

    /// All children are there.
    async fn finish(&self, parent: JobId) -> Result<(), EnqueueError> {
        let state = self.store.seal(parent, self.at).await?;
        if self.file.state == FileState::MissingOutput && state == JobState::Completed {
            let this = Filter {
                states: vec![JobState::Completed],
                ids: vec![parent],
                ..Filter::default()
            };
            self.store.retry(&this, self.at).await?;
        }
        let path = self.places.stored(&self.file.found.path);
        self.store
            .supersede(&self.task.name, &path, parent, self.at)
            .await?;
        Ok(())
    }
}
