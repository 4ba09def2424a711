//! Loads the read model and puts it in the place of the old one. A first boot, a recovery or a fork
//! comes first where the store needs one.

use super::parts::Inner;
use super::state::{Applied, Phase};
use crate::coord::CoordinationExt;
use crate::error::Chain;
use crate::lineage::tenure::Tenure;
use crate::lineage::{floors, fork, recovery};
use crate::log::format::Head;
use crate::maintenance::SeenMode;
use crate::read_model::StoreError;
use crate::read_model::load::{Loaded, assemble};
use crate::retry::Backoff;

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
        let loaded = assemble(inner, inner.create_db().await?, start).await?;
        floors::load(inner, &loaded.db, loaded.head.lineage).await?;
        return Ok(loaded);
    }
    Err(StoreError::SetBack)
}

impl Inner {
    /// Puts a complete read model in the place of the old one.
    pub(super) async fn install(&self, loaded: Loaded) {
        let Loaded { db, head, head_revision, mode, .. } = loaded;
        let before = self.applied.borrow().head;
        if before.is_some_and(|before| before.lineage != head.lineage) {
            self.renew_mode().await;
        } else {
            self.mode.observe(mode);
        }
        *self.db.write().expect("no holder of this lock panics") = Some(db);
        let (phase, revision) = (Phase::Ready, head_revision);
        self.publish_applied(Applied { phase, head: Some(head), revision });
    }

    /// Reads the mode and replaces the known one, also by one of a lower revision: the coordination
    /// store may be another one, which counts its revisions anew. The mode that the load read at
    /// its beginning would be too old.
    async fn renew_mode(&self) {
        let mut backoff = Backoff::new(&self.env, "renew-mode");
        loop {
            let known = self.mode.get();
            let read = async {
                let found = self.coord.get(self.keys.mode()).await?.0;
                Ok::<_, StoreError>(SeenMode::decode(found.as_ref())?)
            };
            match read.await {
                Ok(seen) => {
                    let is_known = known.as_ref() == Some(&seen);
                    if is_known || self.mode.replace(known.as_ref(), seen) {
                        return;
                    }
                    // Somebody else has read it meanwhile.
                }
                Err(error) => {
                    tracing::debug!(error = %Chain(&error), "the mode cannot be read");
                    backoff.pause().await;
                }
            }
        }
    }
}
