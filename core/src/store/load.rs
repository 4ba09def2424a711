//! Loads the read model and puts it in the place of the old one. A first boot, a recovery or a fork
//! comes first where the store needs one.

use super::parts::Inner;
use super::state::{Applied, Phase};
use crate::error::Chain;
use crate::lineage::tenure::Tenure;
use crate::lineage::{fork, recovery};
use crate::log::format::Head;
use crate::read_model::StoreError;
use crate::read_model::load::{Loaded, assemble};

/// How often a load begins anew because the log was changed by it, or by somebody else.
const ROUNDS: u32 = 4;

/// `known`: the last commit that this instance had applied, if any.
pub(super) async fn load(inner: &Inner, known: Option<Head>) -> Result<Loaded, StoreError> {
    for _ in 0..ROUNDS {
        let (start, proof) = recovery::sound_start(inner).await?;
        if let Some(known) = known
            && fork::fork_if_diverged(inner, &known, &start).await?
        {
            continue;
        }
        if !proof.names(start.head.lineage) {
            inner.env.point("bootstrap.before_current").await?;
            // Whoever archives does it, too, if that fails.
            if let Err(error) = Tenure::begin(inner).await {
                let error = Chain(&error);
                tracing::warn!(%error, "the lineage in force could not be noted in objects");
            }
        }
        return assemble(inner, inner.create_db().await?, start).await;
    }
    Err(StoreError::SetBack)
}

impl Inner {
    /// Puts a complete read model in the place of the old one.
    pub(super) fn install(&self, loaded: Loaded) {
        let Loaded { db, head, head_revision, mode, .. } = loaded;
        *self.db.write().expect("no holder of this lock panics") = Some(db);
        let before = self.applied.borrow().head;
        if before.is_some_and(|before| before.lineage != head.lineage) {
            // It may be another coordination store, whose revisions cannot be compared with the
            // last known one.
            self.mode.replace(mode);
        } else {
            self.mode.observe(mode);
        }
        let (phase, revision) = (Phase::Ready, head_revision);
        self.publish_applied(Applied { phase, head: Some(head), revision });
    }
}
