//! The common base of all code that loads, writes or recovers a read model: the seams, names
//! of keys and objects, the schema. It outlives any one read model, and knows nothing of a running
//! store.

use std::path::PathBuf;

use super::error::StoreError;
use super::progress::Progress;
use super::schema::Schema;
use super::stats::Stats;
use super::version::WritesVersion;
use crate::checkpoint::read_mutations;
use crate::coord::Bounded;
use crate::db::{Db, DbError, Execution};
use crate::env::Env;
use crate::log::format::{Body, Commit, Mutation};
use crate::log::keys::{Keys, ObjectKeys};
use crate::objects::Objects;

/// The seams, names and schema of one service's store.
pub(crate) struct StoreBase {
    pub(crate) env: Env,
    pub(crate) coord: Bounded,
    pub(crate) objects: Objects,
    pub(crate) keys: Keys,
    pub(crate) object_keys: ObjectKeys,
    pub(crate) schema: &'static Schema,
    pub(crate) execution: Execution,
    /// The folder for read models.
    pub(crate) scratch: PathBuf,
    /// The most bytes of a read model.
    pub(crate) model_bytes: u64,
    /// How far the floors of counters are raised if commits are lost.
    pub(crate) counter_margin: u64,
    /// In which version of the schema the cluster writes.
    pub(crate) writes: WritesVersion,
    pub(crate) stats: Stats,
    pub(crate) progress: Progress,
}

impl StoreBase {
    /// An empty read model in a database of its own.
    pub(crate) async fn create_db(&self) -> Result<Db, DbError> {
        let db = Db::create(&self.scratch, &self.schema.ddl(), self.execution).await?;
        db.bound(self.model_bytes).await?;
        Ok(db)
    }

    /// The version of the schema in which this instance writes.
    pub(crate) fn writes_version(&self) -> u32 {
        self.writes.get().min(self.schema.version)
    }

    /// The mutations of a commit in this version of the schema, read from object storage if they
    /// are there.
    pub(crate) async fn mutations(&self, commit: Commit) -> Result<Vec<Mutation>, StoreError> {
        let Commit { position, schema, body, .. } = commit;
        self.schema.check_version(schema, self.keys.commit(position))?;
        self.writes.found(schema);
        let mutations = match body {
            Body::Mutations(mutations) => mutations,
            Body::Switch { .. } => Vec::new(),
            Body::Object(name) => read_mutations(&self.objects, &self.object_keys, &name).await?,
        };
        let raise = |mutation| -> Result<Mutation, StoreError> {
            match mutation {
                Mutation::Put(object) => Ok(Mutation::Put(self.schema.raise(object, schema)?)),
                deletion @ Mutation::Delete { .. } => Ok(deletion),
            }
        };
        mutations.into_iter().map(raise).collect()
    }
}
