//! An office that takes in files.

use std::collections::BTreeSet;

use voicespool::domain::{CharCount, JobId, JobKind, JobState, Quantity, SourceId};
use voicespool::store::{NewChild, NewChildren, NewParent};

use crate::store::desk::{at, key, source};
use crate::store::model::office::{FILES, Office, PARENTS, outcome, parent_of, spec_of};
use crate::store::model::world::{Job, Outcome};

impl Office {
    pub(super) async fn add(&mut self, file: usize, priority: i64, calls: u8) {
        let (path, parts) = FILES[file];
        let version = u64::try_from(file).unwrap();
        let found = source(&format!("{path}.txt"), 10 * version);
        let source = self.store.add_source(found).await.unwrap();
        assert_eq!(*self.sources.entry(file).or_insert(source), source);
        self.current.insert(file, true);
        if calls == 0 {
            return;
        }
        let takes_children = self.add_parent(file, source, priority).await;
        let parent = parent_of(file);
        if calls > 1 {
            self.add_children(parent, file, parts, takes_children).await;
        }
        if calls > 2 {
            let state = self.store.seal(self.id(parent), self.now()).await.unwrap();
            assert_eq!(state, self.world.seal(parent, at(self.now)));
        }
        if calls > 3 {
            self.supersede(file).await;
        }
    }

    pub(super) async fn add_parent(
        &mut self,
        file: usize,
        source: SourceId,
        priority: i64,
    ) -> bool {
        let parent = NewParent {
            source,
            spec: self.specs[PARENTS],
            key: key(parent_of(file)),
            params: None,
            priority,
            at: self.now(),
        };
        let found = self.store.add_parent(parent).await.unwrap();
        let is_new = !self.world.jobs.contains_key(&parent_of(file));
        assert_eq!(found.is_new, is_new);
        if is_new {
            let job = self.born(found.id, JobKind::Assemble, file, priority);
            self.world.jobs.insert(parent_of(file), job);
        }
        let takes_children = self.world.want_parent(parent_of(file));
        assert_eq!(found.sealed, !takes_children);
        assert_eq!(found.state, self.world.jobs[&parent_of(file)].state);
        takes_children
    }

    pub(super) fn born(&self, id: JobId, kind: JobKind, file: usize, priority: i64) -> Job {
        let is_parent = kind == JobKind::Assemble;
        assert!(
            self.world.jobs.values().all(|job| job.id < id),
            "numbers grow with age"
        );
        Job {
            id,
            kind,
            spec: PARENTS,
            file,
            state: if is_parent {
                JobState::Waiting
            } else {
                JobState::Available
            },
            priority,
            attempt: 0,
            failures: 0,
            crashes: 0,
            first_fault_at: None,
            not_before: None,
            lease_until: None,
            class: None,
            superseded: false,
            sealed: is_parent.then_some(false),
            created_at: self.now(),
            finished_at: None,
        }
    }

    pub(super) async fn add_children(
        &mut self,
        parent: u64,
        file: usize,
        parts: &[u64],
        takes: bool,
    ) {
        let children = parts.iter().zip(0..).map(|(part, ordinal)| NewChild {
            ordinal,
            spec: self.specs[spec_of(*part)],
            key: key(*part),
            span: Some(0..10),
            boundary: None,
            quantity: Quantity::Chars(CharCount(10)),
        });
        let batch = NewChildren {
            parent: self.id(parent),
            source: self.sources[&file],
            at: self.now(),
            children: children.collect(),
        };
        let answer = self.store.add_children(batch).await;
        if !takes {
            return assert_eq!(outcome(&answer), Outcome::Sealed);
        }
        let (shared, new): (BTreeSet<u64>, BTreeSet<u64>) = parts
            .iter()
            .partition(|part| self.world.jobs.contains_key(part));
        let shared: Vec<u64> = shared.into_iter().collect();
        let revived = self.world.want_children(parent, &shared, at(self.now));
        let mut numbered = Vec::new();
        for row in self.rows().await {
            numbered.extend(
                new.iter()
                    .find(|part| key(**part) == row.key)
                    .map(|part| (row.id, *part)),
            );
        }
        numbered.sort_unstable();
        assert_eq!(numbered.len(), new.len());
        for (id, part) in numbered {
            let priority = self.world.jobs[&parent].priority;
            let job = Job {
                spec: spec_of(part),
                ..self.born(id, JobKind::Speak, file, priority)
            };
            self.world.jobs.insert(part, job);
        }
        let places = parts
            .iter()
            .zip(0..)
            .map(|(part, ordinal)| ((parent, ordinal), *part));
        self.world.parts.extend(places);
        let added = answer.unwrap();
        let n_new = u64::try_from(new.len()).unwrap();
        assert_eq!((added.new, added.revived), (n_new, revived));
    }

    pub(super) async fn supersede(&mut self, file: usize) {
        let (path, keep) = (FILES[file].0, parent_of(file));
        let name = format!("{path}.txt");
        let n = self
            .store
            .supersede("books", name.as_bytes(), self.id(keep), self.now());
        let rivals: Vec<usize> = (0..FILES.len())
            .filter(|other| FILES[*other].0 == path && *other != file)
            .collect();
        let parents: Vec<u64> = rivals
            .iter()
            .map(|other| parent_of(*other))
            .filter(|name| self.world.jobs.contains_key(name))
            .collect();
        assert_eq!(
            n.await.unwrap(),
            self.world.supersede(&parents, at(self.now))
        );
        for rival in rivals {
            self.current
                .entry(rival)
                .and_modify(|current| *current = false);
        }
    }
}
