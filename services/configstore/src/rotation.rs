//! Which encryption keys still count, and the change to a new one.
//!
//! Every instance counts the secrets of its read model by key from time to time, for its metrics.
//! If the configuration says so it also seals all of them under the primary key, once after its
//! start. Absent on purpose: doing that unasked, since an instance whose primary key the others do
//! not know would take every secret from them at once.

use std::collections::BTreeMap;
use std::time::Duration;

use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::env::Env;
use drydock_core::error::{ApiError, BoxError, Chain};
use drydock_core::store::{Phase, Reads, Store};
use drydock_runtime::encryption::KeyRing;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};

use super::action::secret::{bound, seal_anew};
use super::model;
use crate::record::Secret;

/// When secrets move to the primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SealAnew {
    /// When they are written, or a run gets them.
    #[default]
    WhenUsed,
    /// All of them after the start of the instance, too.
    AtStart,
}

/// How often secrets are counted, and what failed is tried again.
const PERIOD: Duration = Duration::from_secs(30);
/// For one look, or one transaction.
const PATIENCE: Duration = Duration::from_secs(10);
/// Secrets that are sealed anew at once.
const BATCH: u32 = 100;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnderKey {
    key: String,
}

/// Secrets by the key that they are sealed under. Clones count together.
#[derive(Clone, Default)]
pub struct SecretMetrics(Family<UnderKey, Gauge>);

impl SecretMetrics {
    pub fn register(&self, registry: &mut Registry) {
        let help = "Secrets by the encryption key that they need";
        registry.register("drydock_secrets", help, self.0.clone());
    }

    /// A key that no secret needs any more stays, with 0.
    fn show(&self, ring: &KeyRing, counts: &BTreeMap<String, i64>) {
        for key in ring.ids().into_iter().chain(counts.keys().cloned()) {
            let count = counts.get(&key).copied().unwrap_or(0);
            self.0.get_or_create(&UnderKey { key }).set(count);
        }
    }
}

/// The work of one instance.
pub struct Rotation {
    pub env: Env,
    pub store: Store,
    pub keys: KeyRing,
    pub seal_anew: SealAnew,
    pub metrics: SecretMetrics,
}

impl Rotation {
    /// Until it is dropped.
    pub async fn run(mut self) {
        let mut applied = self.store.applied();
        // The sender lives in the store.
        while applied.wait_for(|applied| applied.phase == Phase::Ready).await.is_ok() {
            let passed = self.pass().await;
            if let Err(error) = passed {
                let error = Chain(error.as_ref()).to_string();
                match self.seal_anew {
                    SealAnew::AtStart => tracing::warn!(error, "secrets are sealed anew later"),
                    SealAnew::WhenUsed => tracing::debug!(error, "secrets are counted later"),
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn pass(&mut self) -> Result<(), BoxError> {
        let mut moved = 0;
        while self.seal_anew == SealAnew::AtStart {
            match self.seal_some().await? {
                0 => self.seal_anew = SealAnew::WhenUsed,
                some => moved += some,
            }
        }
        if moved > 0 {
            tracing::info!(secrets = moved, "sealed anew under the primary key");
        }
        let counts = self.read(model::secret::count_by_key).await?;
        self.metrics.show(&self.keys, &counts);
        Ok(())
    }

    /// How many were not under the primary key, and are now.
    async fn seal_some(&self) -> Result<usize, BoxError> {
        let primary = self.keys.primary().to_owned();
        let known = self.keys.ids();
        let read = move |tx: &Tx<'_>| model::secret::under_other_keys(tx, &primary, &known, BATCH);
        let outdated = self.read(read).await?;
        let again = outdated.into_iter().map(|Secret { id, data, .. }| {
            let plain = self.keys.open(bound(id), &data).map_err(ApiError::from)?;
            let anew = self.keys.seal(&self.env, bound(id), &plain);
            Ok((id, data, anew))
        });
        let again = again.collect::<Result<Vec<_>, ApiError>>()?;
        let count = again.len();
        if count > 0 {
            let ctx = Context::background().timeout(PATIENCE);
            let sealed = self.store.transact(&ctx, move |tx| {
                again.iter().try_for_each(|(id, before, after)| seal_anew(tx, *id, before, after))
            });
            sealed.await?;
        }
        Ok(count)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, drydock_core::db::DbError> + Send + 'static,
    ) -> Result<T, BoxError> {
        let ctx = Context::background().timeout(PATIENCE);
        self.store.read(&ctx, Reads::Local, move |tx| Ok(work(tx)?)).await
    }
}
