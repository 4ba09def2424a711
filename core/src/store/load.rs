//! Loads the read model and puts it in the place of the old one. A first boot, a recovery or a fork
//! comes first where the store needs one.

use super::parts::Inner;
use super::state::{Applied, Phase};
use crate::lineage::bootstrap::{self, Found};
use crate::lineage::{fork, recovery};
use crate::log::format::Head;
use crate::read_model::StoreError;
use crate::read_model::load::{Loaded, assemble};

/// `known`: the last commit that this instance had applied, if any.
pub(super) async fn load(inner: &Inner, known: Option<Head>) -> Result<Loaded, StoreError> {
    if let Found::HeadLost { lineage } = bootstrap::ensure(inner).await? {
        recovery::recover(inner, lineage).await?;
    } else {
        recovery::recover_if_set_back(inner).await?;
    }
    if let Some(known) = known {
        fork::fork_if_diverged(inner, &known).await?;
    }
    assemble(inner, inner.create_db().await?).await
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
