//! Memory of rows that never change, so that a claim need not fetch its spec and source.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::sqlite::SqliteConnection;

use crate::domain::{GateId, SourceId, SpecId};
use crate::store::sqlite::decode::Columns;
use crate::store::sqlite::sql;
use crate::store::{Error, Source, Spec};

/// Rows by their number.
#[derive(Debug)]
struct Memory<K, V>(Arc<RwLock<HashMap<K, Arc<V>>>>);

impl<K, V> Clone for Memory<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash, V> Memory<K, V> {
    /// More than the files and specs at work at one time; forgotten as a whole when reached.
    const MOST: usize = 4096;

    fn known(&self, key: &K) -> Option<Arc<V>> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(key).cloned()
    }

    fn learn(&self, key: K, row: V) -> Arc<V> {
        let row = Arc::new(row);
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= Self::MOST {
            rows.clear();
        }
        rows.insert(key, Arc::clone(&row));
        row
    }
}

/// Specs and sources already read.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    specs: Memory<SpecId, Spec>,
    sources: Memory<SourceId, Source>,
}

impl Seen {
    /// The spec, if it was seen.
    pub(super) fn known_spec(&self, id: SpecId) -> Option<Arc<Spec>> {
        self.specs.known(&id)
    }

    /// The spec, from memory or from `conn`.
    pub(super) async fn spec(
        &self,
        conn: &mut SqliteConnection,
        id: SpecId,
    ) -> Result<Arc<Spec>, Error> {
        if let Some(spec) = self.specs.known(&id) {
            return Ok(spec);
        }
        let row = sqlx::query(sql::SPEC)
            .bind(id.0)
            .fetch_optional(conn)
            .await?
            .ok_or_else(|| Error::misuse(format!("there is no spec {id}")))?;
        let mut columns = Columns::of(&row);
        let spec = Spec {
            id,
            task: columns.text()?,
            kind: columns.word()?,
            gate: GateId(columns.raw()?),
            params: columns.text()?,
        };
        Ok(self.specs.learn(id, spec))
    }

    /// The source, from memory or from `conn`.
    pub(super) async fn source(
        &self,
        conn: &mut SqliteConnection,
        id: SourceId,
    ) -> Result<Arc<Source>, Error> {
        if let Some(source) = self.sources.known(&id) {
            return Ok(source);
        }
        let row = sqlx::query(sql::SOURCE)
            .bind(id.0)
            .fetch_optional(conn)
            .await?
            .ok_or_else(|| Error::misuse(format!("there is no source {id}")))?;
        let mut columns = Columns::of(&row);
        let source = Source {
            id,
            path: columns.raw()?,
            content: columns.key()?,
            text: columns.maybe_key()?,
            kind: columns.text()?,
        };
        Ok(self.sources.learn(id, source))
    }
}
