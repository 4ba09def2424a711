//! Deletes objects of logs that nobody needs any more.
//!
//! Invariant: no object that the state names is deleted, even if an instance is paused between its
//! look at the state and the deletion while an import or another instance changes the state.
//! Objects are listed first. Only a transaction, or a linearizable read, after that says what is
//! named, and only what was listed is deleted. What is not named then never will be: each object
//! has a name of its own, and [`seal`](super::seal) stores it for the lineage that it knows and
//! names it in no other one; and in one lineage, logs that are named once stay what they are. Of
//! logs that there are not, as an executor says, nothing is deleted until some are named.
//!
//! Another lineage that is kept may name other objects than the current state does, and an import
//! may bring back a state from before a log was complete. So as long as other lineages are kept,
//! only the parts of complete logs are deleted.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{AttemptId, LogState};
use drydock_core::error::BoxError;
use drydock_core::objects::ObjectError;
use drydock_core::read_model::OtherLineages;
use drydock_core::store::Store;
use object_store::path::Path;

use super::Logs;
use crate::blobs::garbage::{self, Deletable};
use crate::record::SealedLog;

/// What nobody can need of the logs that the current state does not name.
pub async fn deletable(store: &Store, state: LogState) -> Result<Deletable, BoxError> {
    let others = OtherLineages::of(store.lineages().await?.len());
    Ok(garbage::of_logs(state, others))
}

/// The objects of an attempt as they were before the state was asked what it names.
#[derive(Debug, Default)]
pub struct Listed(Vec<Path>);

impl Listed {
    /// Those that are not named, and of the kinds that may be deleted.
    fn leftovers(
        self,
        named: &BTreeMap<String, SealedLog>,
        what: Deletable,
    ) -> impl Iterator<Item = Path> {
        self.0.into_iter().filter(move |key| {
            let is_named = named.values().any(|log| key.filename() == Some(log.object.as_str()));
            !is_named && what.includes(key.as_ref())
        })
    }

    /// Whether something is left over.
    pub fn has_leftovers(self, named: &BTreeMap<String, SealedLog>, what: Deletable) -> bool {
        self.leftovers(named, what).next().is_some()
    }
}

impl Logs {
    /// The objects of an attempt, so that those which a later state does not name can be deleted.
    pub async fn listed(&self, attempt: AttemptId) -> Result<Listed, ObjectError> {
        Ok(Listed(self.all(attempt).await?))
    }

    /// Deletes what was listed before, and is not named by a state after that.
    pub async fn delete(
        &self,
        listed: Listed,
        named: &BTreeMap<String, SealedLog>,
        what: Deletable,
    ) -> Result<(), ObjectError> {
        for key in listed.leftovers(named, what) {
            self.objects.delete(&key).await?;
        }
        Ok(())
    }
}
