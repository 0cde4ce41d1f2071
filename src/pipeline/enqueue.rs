//! From a plan to durable jobs. Every step may be repeated after a crash: sources,
//! parents and requests are found again by their keys.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use crate::domain::{
    ContentKey, GateId, JobId, JobKind, JobState, Quantity, SourceId, SpecId, UtcMillis,
};
use crate::pipeline::key;
use crate::pipeline::objects::Objects;
use crate::pipeline::plan::{FilePlan, FileState, Plan, PlanError, Read, read, template};
use crate::pipeline::recipe::{Assemble, Compose};
use crate::pipeline::source::{AudioSource, Refusal, TextSource};
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
}

/// No job has it: `supersede` then leaves no version of the file at work.
const NO_JOB: JobId = JobId(0);

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
        for file in task_plan.files.iter().filter(|file| file.state.is_work()) {
            let (task, template, found) = (task.clone(), template.clone(), file.found.clone());
            let (task, read) = tokio::task::spawn_blocking(move || {
                let read = read(&task, &template, &found);
                (task, read)
            })
            .await
            .expect("reading a file does not panic");
            let queue = Queue {
                store,
                objects,
                places,
                task: &task,
                specs: &specs,
                file,
                at,
            };
            match read {
                Read::Text(text) => enqueued.parents.push(queue.text(text.0, &text.1).await?),
                Read::Audio(audio) => enqueued
                    .parents
                    .push(queue.audio(&audio.0, &audio.1).await?),
                Read::Refused(Refusal { why, .. }) => {
                    enqueued.changed.push(format!(
                        "{} {why} (it was fine a moment ago)",
                        file.found.path.display()
                    ));
                }
            }
        }
    }
    Ok(enqueued)
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
    objects: &'a Objects,
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
            text,
            text_key,
            chunks,
            ..
        } = source;
        let objects = self.objects.clone();
        tokio::task::spawn_blocking(move || objects.put(text_key, text.as_bytes()))
            .await
            .expect("writing an object does not panic")
            .map_err(EnqueueError::Objects)?;
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
        self.finish(parent).await
    }

    async fn audio(&self, source: &AudioSource, recipe: &Compose) -> Result<JobId, EnqueueError> {
        let quantity = Quantity::Audio(source.duration);
        let id = self.source(source.content, None, quantity).await?;
        let params = serde_json::to_string(recipe).expect("a recipe serialises");
        let key = key::output(JobKind::Compose.as_str(), source.content, recipe);
        let (parent, open) = self.parent(id, key, params).await?;
        let spec = self.specs.request;
        let child = NewChild {
            ordinal: 0,
            spec,
            key: source.key,
            span: None,
            boundary: None,
            quantity,
        };
        if open {
            self.add(parent, id, vec![child]).await?;
        }
        self.finish(parent).await
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
        let extension = self.file.found.path.extension().unwrap_or_default();
        self.store
            .add_source(NewSource {
                task: self.task.name.clone(),
                path: self.places.stored(&self.file.found.path),
                content,
                bytes: self.file.found.bytes,
                kind: extension.to_string_lossy().to_lowercase(),
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

    async fn finish(&self, parent: JobId) -> Result<JobId, EnqueueError> {
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
        Ok(parent)
    }
}
