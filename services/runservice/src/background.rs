//! The passing of time: deadlines that are over, queued runs whose time has come, executors that
//! are silent, and attempts of which nobody speaks after maintenance, an import or a recovery.
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
use crate::action::late::DueRuns;
use crate::action::{executor, gate, late, reconcile};
use crate::fitness::Fitness;
use crate::liveness::Liveness;
use crate::model;
use crate::model::run::UnfinishedRuns;
use crate::record::{Era, ResumeGate};

/// The pause between two passes.
const PERIOD: Duration = Duration::from_secs(1);
/// Between two looks at which executors are alive.
const LOOK_PERIOD: Duration = Duration::from_secs(5);
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
pub struct Background {
    pub env: Env,
    pub store: Store,
    pub settings: Settings,
    pub liveness: Liveness,
    pub metrics: RunMetrics,
}

/// How long this instance could have heard executors.
#[derive(Default)]
struct Hearing {
    /// For as long as attempts are to be reconciled in this era.
    reconciling: (Option<Era>, Fitness),
    /// For executors that have stopped to speak.
    listening: Fitness,
    /// When it last looked which executors are alive, on the monotonic clock.
    looked: Option<Duration>,
}

/// What one look at the read model finds.
struct Found {
    due: DueRuns,
    unfinished: UnfinishedRuns,
    gate: Option<ResumeGate>,
}

impl Background {
    /// Runs until the future is dropped.
    pub async fn run(self) {
        let mut hearing = Hearing::default();
        let mut applied = self.store.applied();
        // The sender lives in the store.
        while applied.wait_for(|applied| applied.phase == Phase::Ready).await.is_ok() {
            if let Err(error) = self.pass(&mut hearing).await {
                let error = Chain(error.as_ref()).to_string();
                tracing::debug!(error, "could not look for deadlines; trying again later");
                hearing = Hearing::default();
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn pass(&self, hearing: &mut Hearing) -> Result<(), BoxError> {
        let (ctx, now) = (Context::background().timeout(TIMEOUT), self.env.now());
        let read = self.store.read(&ctx, Reads::Local, move |tx| {
            let (due, unfinished) = (late::due(tx, now)?, model::run::unfinished(tx)?);
            Ok(Found { due, unfinished, gate: gate::find(tx)? })
        });
        let Found { due, unfinished, gate } = read.await?;
        self.metrics.show("queued", unfinished.queued);
        self.metrics.show("running", unfinished.running);
        let mode = self.store.mode();
        let Some(mode) = mode.filter(|mode| mode.mode == Mode::Normal) else {
            *hearing = Hearing::default();
            return Ok(());
        };
        self.resume(hearing, mode.generation, gate, unfinished).await?;
        self.look_for_silent_executors(hearing).await?;
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
        &self,
        hearing: &mut Hearing,
        generation: u64,
        gate: Option<ResumeGate>,
        unfinished: UnfinishedRuns,
    ) -> Result<(), BoxError> {
        let head = self.store.applied().borrow().head;
        let lineage = head.map(|head| head.lineage);
        let era = lineage.filter(|_| generation > 0).map(|lineage| Era { lineage, generation });
        let Some(era) = era else { return Ok(()) };
        match gate.filter(|gate| gate.era == Some(era)) {
            None => {
                let per_minute = self.settings.engine.resume_per_minute;
                self.transact(move |tx| gate::begin::<Infallible>(tx, per_minute)).await
            }
            Some(gate) if !gate.reconciled => self.reconcile(hearing, era).await,
            Some(gate) if !gate.opened && unfinished.queued == 0 => {
                self.transact(gate::open_if_idle::<Infallible>).await
            }
            Some(_) => Ok(()),
        }
    }

    /// Waits for the executors that have not spoken of their attempts, as long as this instance was
    /// able to hear them.
    async fn reconcile(&self, hearing: &mut Hearing, era: Era) -> Result<(), BoxError> {
        if hearing.reconciling.0 != Some(era) {
            hearing.reconciling = (Some(era), Fitness::default());
        }
        let ctx = Context::background().timeout(TIMEOUT);
        let left = self
            .store
            .read(&ctx, Reads::Linearizable, move |tx| Ok(model::attempt::left_over(tx, era)?));
        let left = left.await?;
        let fit_for = hearing.reconciling.1.note(self.env.monotonic());
        let engine = self.settings.engine.clone();
        if left == 0 {
            self.transact(reconcile::settle::<Infallible>).await
        } else if fit_for >= engine.adoption_patience {
            self.transact(move |tx| reconcile::give_up::<Infallible>(tx, &engine)).await
        } else {
            Ok(())
        }
    }

    /// Ends the attempts of executors that no instance has heard for too long, if this one could
    /// have heard them all the while.
    async fn look_for_silent_executors(&self, hearing: &mut Hearing) -> Result<(), BoxError> {
        let now = self.env.monotonic();
        if hearing.looked.is_some_and(|looked| now.saturating_sub(looked) < LOOK_PERIOD) {
            return Ok(());
        }
        hearing.looked = Some(now);
        let ctx = Context::background().timeout(TIMEOUT);
        let at_work = self.store.read(&ctx, Reads::Local, |tx| Ok(model::attempt::at_work(tx)?));
        let at_work = at_work.await?;
        let alive = self.liveness.alive().await?;
        if hearing.listening.note(now) < self.liveness.ttl() {
            return Ok(());
        }
        let silent = at_work.into_iter().filter(|(executor, _)| !alive.contains(executor));
        for (executor, attempts) in silent {
            tracing::warn!(%executor, attempts = attempts.len(), "an executor is lost");
            let engine = self.settings.engine.clone();
            self.transact(move |tx| {
                executor::lose_these::<Infallible>(tx, &engine, executor, &attempts)
            })
            .await?;
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
