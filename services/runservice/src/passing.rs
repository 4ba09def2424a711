//! The passing of time: deadlines that are over, and queued runs whose time has come.
//!
//! Every instance looks at its own read model from time to time. What it finds it decides in a
//! transaction, so that two instances do no harm to each other.

use std::convert::Infallible;
use std::time::Duration;

use drydock_core::context::Context;
use drydock_core::env::Env;
use drydock_core::error::{ActionError, BoxError, Chain};
use drydock_core::store::{Phase, Reads, Store, StoreTx};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::action::late;
use crate::engine::EngineSettings;
use crate::model;

/// The pause between two passes.
const PERIOD: Duration = Duration::from_secs(1);
/// The timeout of one read, or one transaction.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InPhase {
    phase: &'static str,
}

/// The number of runs that are not final. Clones count together.
#[derive(Clone, Default)]
pub struct RunMetrics(Family<InPhase, Gauge>);

impl RunMetrics {
    pub fn register(&self, registry: &mut Registry) {
        let help = "Runs that have not ended, by phase";
        registry.register("drydock_runs", help, self.0.clone());
    }

    fn show(&self, phase: &'static str, count: u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.0.get_or_create(&InPhase { phase }).set(count);
    }
}

/// The background work of one instance.
pub struct Passing {
    pub env: Env,
    pub store: Store,
    pub engine: EngineSettings,
    pub metrics: RunMetrics,
}

impl Passing {
    /// Runs until the future is dropped.
    pub async fn run(self) {
        let mut applied = self.store.applied();
        // The sender lives in the store.
        while applied.wait_for(|applied| applied.phase == Phase::Ready).await.is_ok() {
            if let Err(error) = self.pass().await {
                let error = Chain(error.as_ref()).to_string();
                tracing::debug!(error, "could not look for deadlines; trying again later");
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn pass(&self) -> Result<(), BoxError> {
        let (ctx, now) = (Context::background().timeout(TIMEOUT), self.env.now());
        let read = self
            .store
            .read(&ctx, Reads::Local, move |tx| Ok((late::due(tx, now)?, model::run::open(tx)?)));
        let (due, open) = read.await?;
        self.metrics.show("queued", open.queued);
        self.metrics.show("running", open.running);
        for run in due.late {
            let engine = self.engine.clone();
            self.transact(move |tx| late::expire::<Infallible>(tx, &engine, run)).await?;
        }
        for run in due.startable {
            let engine = self.engine.clone();
            self.transact(move |tx| late::start::<Infallible>(tx, &engine, run)).await?;
        }
        Ok(())
    }

    async fn transact<W>(&self, mut work: W) -> Result<(), BoxError>
    where
        W: FnMut(&mut StoreTx<'_>) -> Result<(), ActionError<Infallible>> + Send + 'static,
    {
        let ctx = Context::background().timeout(TIMEOUT);
        self.store.transact(&ctx, move |tx| work(tx).map_err(ActionError::boxed)).await
    }
}
