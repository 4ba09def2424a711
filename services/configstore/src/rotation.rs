//! The rotation of encryption keys: which keys secrets still need, and the change to a new key.
//!
//! Every instance counts the secrets of its read model by key from time to time, for its metrics.
//! If the configuration says so, it also encrypts all of them under the primary key, once after its
//! start. Absent on purpose: doing so by default, since an instance whose primary key the others do
//! not know would make all secrets unreadable for them at once.

use std::collections::BTreeMap;
use std::time::Duration;

use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::env::Env;
use drydock_core::error::{BoxError, Chain};
use drydock_core::store::{Phase, Reads, Store};
use drydock_runtime::Concern;
use drydock_runtime::encryption::{DecryptError, KeyRing};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};

use super::action::secret::{bound, reencrypt};
use super::model;
use crate::record::Secret;

/// When secrets that are encrypted under another key are encrypted under the primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reencrypt {
    /// When a secret is written, or a run gets it.
    #[default]
    WhenUsed,
    /// As `WhenUsed`, and all secrets after the start of the instance.
    AtStart,
}

/// The pause between two passes.
const PERIOD: Duration = Duration::from_secs(30);
/// The timeout of one read, or one transaction.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The number of secrets that one transaction encrypts again.
const BATCH: u32 = 100;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnderKey {
    key: String,
}

/// The number of secrets by the key under which they are encrypted. Clones count together.
#[derive(Clone, Default)]
pub struct SecretMetrics(Family<UnderKey, Gauge>);

impl SecretMetrics {
    pub fn register(&self, registry: &mut Registry) {
        let help = "Secrets by the encryption key that they need";
        registry.register("drydock_secrets", help, self.0.clone());
    }

    /// Sets the gauges. A key that no secret needs any more is shown with 0.
    fn show(&self, ring: &KeyRing, counts: &BTreeMap<String, i64>) {
        let configured = ring.named().map(|(name, _)| (name.to_owned(), 0));
        let mut by_name: BTreeMap<String, i64> = configured.collect();
        for (key, count) in counts {
            let name = ring.name_of(key).unwrap_or(key).to_owned();
            *by_name.entry(name).or_default() += count;
        }
        for (key, count) in by_name {
            self.0.get_or_create(&UnderKey { key }).set(count);
        }
    }
}

/// The background work of one instance.
pub struct Rotation {
    pub env: Env,
    pub store: Store,
    pub keys: KeyRing,
    pub when: Reencrypt,
    pub metrics: SecretMetrics,
    pub concern: Concern,
}

impl Rotation {
    /// Runs until the future is dropped.
    pub async fn run(mut self) {
        let mut applied = self.store.applied();
        // The sender lives in the store.
        while applied.wait_for(|applied| applied.phase == Phase::Ready).await.is_ok() {
            let passed = self.pass().await;
            if let Err(error) = passed {
                let error = Chain(error.as_ref()).to_string();
                match self.when {
                    Reencrypt::AtStart => {
                        tracing::warn!(error, "could not re-encrypt secrets; trying again later")
                    }
                    Reencrypt::WhenUsed => {
                        tracing::debug!(error, "could not count secrets; trying again later")
                    }
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn pass(&mut self) -> Result<(), BoxError> {
        let mut moved = 0;
        while self.when == Reencrypt::AtStart {
            match self.reencrypt_batch().await? {
                0 => self.when = Reencrypt::WhenUsed,
                some => moved += some,
            }
        }
        if moved > 0 {
            tracing::info!(secrets = moved, "re-encrypted secrets under the primary key");
        }
        let counts = self.read(model::secret::count_by_key).await?;
        self.metrics.show(&self.keys, &counts);
        self.report_missing(&counts);
        Ok(())
    }

    /// Says that secrets need keys which are not configured: in the log, and as a reason why this
    /// instance is not ready.
    fn report_missing(&self, counts: &BTreeMap<String, i64>) {
        let missing = counts.keys().filter(|key| self.keys.name_of(key).is_none());
        let missing: Vec<_> = missing.map(|key| format!("`{key}`")).collect();
        let keys = missing.join(", ");
        let reason = format!("secrets need encryption keys that are not configured: {keys}");
        let reason = (!missing.is_empty()).then_some(reason);
        if self.concern.set(reason.clone()) {
            match reason {
                Some(reason) => tracing::error!("{reason}"),
                None => tracing::info!("all secrets can be decrypted again"),
            }
        }
    }

    /// Encrypts one batch of secrets under the primary key, and returns their number.
    async fn reencrypt_batch(&self) -> Result<usize, BoxError> {
        let primary = self.keys.primary().to_owned();
        let known = self.keys.references();
        let read = move |tx: &Tx<'_>| model::secret::under_other_keys(tx, &primary, &known, BATCH);
        let outdated = self.read(read).await?;
        let again = outdated.into_iter().map(|Secret { id, data, .. }| {
            let plain = self.keys.decrypt(bound(id), &data)?;
            let anew = self.keys.encrypt(&self.env, bound(id), &plain);
            Ok((id, data, anew))
        });
        let again = again.collect::<Result<Vec<_>, DecryptError>>()?;
        let count = again.len();
        if count > 0 {
            let ctx = Context::background().timeout(TIMEOUT);
            let sealed = self.store.transact(&ctx, move |tx| {
                again
                    .iter()
                    .try_for_each(|(id, before, after)| reencrypt(tx, *id, before, after))?;
                Ok(())
            });
            sealed.await?;
        }
        Ok(count)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, drydock_core::db::DbError> + Send + 'static,
    ) -> Result<T, BoxError> {
        let ctx = Context::background().timeout(TIMEOUT);
        self.store.read(&ctx, Reads::Local, move |tx| Ok(work(tx)?)).await
    }
}
