//! The passing of time: deadlines that are over, queued runs whose time has come, and executors that
//! do not speak of their attempts after maintenance, an import or a recovery.
//!
//! Every instance looks at its own read model from time to time. What it finds it decides in a
//! transaction, so that two instances do no harm to each other.

use std::convert::Infallible;
use std::time::Duration;

use drydock_core::context::Context;
use drydock_core::env::Env;
use drydock_core::error::{ActionError, BoxError, Chain};
use drydock_core::log::format::Mode;
use drydock_core::store::{Phase, Reads, Store, StoreTx};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::Settings;
use crate::action::late::Due;
use crate::action::{gate, late, reconcile};
use crate::fitness::Fitness;
use crate::model;
use crate::model::run::Open;
use crate::record::{Era, ResumeGate};

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
    env: Env,
    store: Store,
    settings: Settings,
    metrics: RunMetrics,
    /// For as long as attempts are to be reconciled in this era.
    fitness: (Option<Era>, Fitness),
}

/// What one look at the read model finds.
struct Found {
    due: Due,
    open: Open,
    gate: Option<ResumeGate>,
}

impl Passing {
    pub fn new(env: Env, store: Store, settings: Settings, metrics: RunMetrics) -> Passing {
        Passing { env, store, settings, metrics, fitness: Default::default() }
    }

    /// Runs until the future is dropped.
    pub async fn run(mut self) {
        let mut applied = self.store.applied();
        // The sender lives in the store.
        while applied.wait_for(|applied| applied.phase == Phase::Ready).await.is_ok() {
            if let Err(error) = self.pass().await {
                let error = Chain(error.as_ref()).to_string();
                tracing::debug!(error, "could not look for deadlines; trying again later");
                self.fitness = Default::default();
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn pass(&mut self) -> Result<(), BoxError> {
        let (ctx, now) = (Context::background().timeout(TIMEOUT), self.env.now());
        let read = self.store.read(&ctx, Reads::Local, move |tx| {
            let (due, open) = (late::due(tx, now)?, model::run::open(tx)?);
            Ok(Found { due, open, gate: gate::find(tx)? })
        });
        let Found { due, open, gate } = read.await?;
        self.metrics.show("queued", open.queued);
        self.metrics.show("running", open.running);
        let mode = self.store.mode();
        let Some(mode) = mode.filter(|mode| mode.mode == Mode::Normal) else {
            self.fitness = Default::default();
            return Ok(());
        };
        self.resume(mode.generation, gate, open).await?;
        for run in due.late {
            let engine = self.settings.engine.clone();
            self.transact(move |tx| late::expire::<Infallible>(tx, &engine, run)).await?;
        }
        for run in due.startable {
            let engine = self.settings.engine.clone();
            self.transact(move |tx| late::start::<Infallible>(tx, &engine, run)).await?;
        }
        Ok(())
    }

    /// Begins an era, reconciles what is left of the one before, and opens the gate in the end.
    async fn resume(
        &mut self,
        generation: u64,
        gate: Option<ResumeGate>,
        open: Open,
    ) -> Result<(), BoxError> {
        let head = self.store.applied().borrow().head;
        let lineage = head.map(|head| head.lineage);
        let era = lineage.filter(|_| generation > 0).map(|lineage| Era { lineage, generation });
        let Some(era) = era else { return Ok(()) };
        match gate.filter(|gate| gate.era == Some(era)) {
            None => {
                let per_minute = self.settings.resume_per_minute;
                self.transact(move |tx| gate::begin::<Infallible>(tx, per_minute)).await
            }
            Some(gate) if !gate.reconciled => self.reconcile(era).await,
            Some(gate) if !gate.opened && open.queued == 0 => {
                self.transact(|tx| gate::open::<Infallible>(tx)).await
            }
            Some(_) => Ok(()),
        }
    }

    /// Waits for the executors that have not spoken of their attempts, as long as this instance was
    /// able to hear them.
    async fn reconcile(&mut self, era: Era) -> Result<(), BoxError> {
        if self.fitness.0 != Some(era) {
            self.fitness = (Some(era), Fitness::default());
        }
        let ctx = Context::background().timeout(TIMEOUT);
        let left = self
            .store
            .read(&ctx, Reads::Linearizable, move |tx| Ok(model::attempt::left_over(tx, era)?));
        let left = left.await?;
        let fit_for = self.fitness.1.note(self.env.monotonic());
        let engine = self.settings.engine.clone();
        if left == 0 {
            self.transact(|tx| reconcile::settle::<Infallible>(tx)).await
        } else if fit_for >= engine.adoption_patience {
            self.transact(move |tx| reconcile::give_up::<Infallible>(tx, &engine)).await
        } else {
            Ok(())
        }
    }

    async fn transact<W>(&self, mut work: W) -> Result<(), BoxError>
    where
        W: FnMut(&mut StoreTx<'_>) -> Result<(), ActionError<Infallible>> + Send + 'static,
    {
        let ctx = Context::background().timeout(TIMEOUT);
        self.store.transact(&ctx, move |tx| work(tx).map_err(ActionError::boxed)).await
    }
}
