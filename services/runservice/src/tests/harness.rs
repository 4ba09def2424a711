//! One instance's store, and the actions on it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::names::Ref;
use drydock_api::runservice::endpoints::executor as failures;
use drydock_api::runservice::endpoints::own::Report;
use drydock_api::runservice::endpoints::run::Create;
use drydock_api::runservice::refusals::StaleAttempt;
use drydock_api::runservice::types::{
    AttemptId, ClaimId, ExecutorId, Group, HeldState, OnNewer, Phase, ProjectId, RunId, RunResult,
    Status, TaskSpec,
};
use drydock_core::context::Context;
use drydock_core::coord::memory::Memory;
use drydock_core::coord::{Bounded, Coordination};
use drydock_core::db::{Execution, Tx};
use drydock_core::env::{Env, ManualClock, RngTree};
use drydock_core::error::{ActionError, ApiError, BoxError, Failure, first_api_error};
use drydock_core::log::keys::Keys;
use drydock_core::maintenance::{ModeCell, SeenMode};
use drydock_core::store::{Phase as StorePhase, Reads, Store, StoreParts, StoreSettings, StoreTx};
use drydock_http::api::precondition::IfMatch;
use drydock_runtime::encryption::KeyRing;
use drydock_runtime::encryptor::Encryptor;
use object_store::memory::InMemory;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::action::claim::ClaimRequest;
use crate::action::heartbeat::{HeartbeatOutcome, HeartbeatReport};
use crate::action::run::New;
use crate::action::{claim, executor, heartbeat, run, state, status};
use crate::archives::Archives;
use crate::caches::Caches;
use crate::engine::RunState;
use crate::engine::advance::advance;
use crate::engine::definition::check;
use crate::liveness::Liveness;
use crate::logs::{LogMetrics, Logs, Tails};
use crate::record::{Attempt, ResumeGate, Run};
use crate::schema::GATES;
use crate::uploads::Uploads;
use crate::{SCHEMA, Settings, model};

pub const KEYS: &str = "test:0101010101010101010101010101010101010101010101010101010101010101";

pub struct TestRuns {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub settings: Settings,
    pub liveness: Liveness,
    pub encryptor: Encryptor,
    pub log_metrics: LogMetrics,
    _scratch: TempDir,
}

pub fn id(nth: u128) -> Uuid {
    Uuid::from_u128(nth)
}

pub fn project(nth: u128) -> ProjectId {
    ProjectId(id(nth))
}

/// A run of these tasks in the project's own group.
pub fn new_run(of: ProjectId, tasks: &Value) -> New {
    let tasks: BTreeMap<String, TaskSpec> = serde_json::from_value(tasks.clone()).unwrap();
    let definition =
        check(&tasks).map_err(|errors| errors.iter().map(ToString::to_string).collect());
    New {
        project: of,
        group: Group::of_project(of),
        name: "main".to_owned(),
        definition,
        variables: BTreeMap::new(),
        annotations: BTreeMap::new(),
        cache: None,
        on_newer: OnNewer::Queue,
        fail_fast: false,
        priority: 0,
        restart_of: None,
    }
}

/// One task without steps.
pub fn one_task() -> Value {
    json!({"a": {"steps": []}})
}

/// The code of a refusal.
pub fn code<T: std::fmt::Debug>(refused: Result<T, BoxError>) -> String {
    let error = refused.unwrap_err();
    let api: Option<&ApiError> = first_api_error(error.as_ref());
    api.map_or_else(|| format!("{error:?}"), |api| api.code().to_owned())
}

impl TestRuns {
    pub async fn start() -> TestRuns {
        let clock =
            Arc::new(ManualClock::new(jiff::Timestamp::from_second(1_800_000_000).unwrap()));
        let scratch = TempDir::new().unwrap();
        let mode = ModeCell::default();
        mode.observe(SeenMode::NEVER_SWITCHED);
        let keys: KeyRing = KEYS.parse().unwrap();
        let env = Env::new(clock.clone(), RngTree::from_seed(1));
        let coord: Arc<dyn Coordination> = Arc::new(Memory::new(clock.clone()));
        let bounded = Bounded::new(coord.clone(), Duration::from_secs(1));
        let names = Keys::new("test", SCHEMA.service);
        let ttl = Settings::default().executor_ttl;
        let liveness = Liveness::new(env.clone(), bounded, names, ttl);
        let (store, loops) = Store::new(StoreParts {
            cluster: "test".to_owned(),
            schema: &SCHEMA,
            env: env.clone(),
            coord,
            objects: Arc::new(InMemory::new()),
            settings: StoreSettings::default(),
            execution: Execution::Inline,
            scratch: scratch.path().to_owned(),
            mode,
            key_check: Arc::new(keys.clone()),
        });
        tokio::spawn(loops.run(CancellationToken::new()));
        store.applied().wait_for(|applied| applied.phase == StorePhase::Ready).await.unwrap();
        let (settings, encryptor) = (Settings::default(), Encryptor { env, keys });
        let log_metrics = LogMetrics::default();
        TestRuns { store, clock, settings, liveness, encryptor, log_metrics, _scratch: scratch }
    }

    /// The logs as another instance on the same object storage sees them.
    pub fn logs(&self) -> (Logs, Tails) {
        let logs = Logs::new(self.encryptor.env.clone(), &self.store);
        let tails = Tails::new(logs.clone(), self.log_metrics.clone());
        (logs, tails)
    }

    pub fn archives(&self) -> Archives {
        Archives::new(self.encryptor.env.clone(), &self.store, Uploads::new(&self.store))
    }

    pub fn caches(&self) -> Caches {
        Caches::new(self.encryptor.env.clone(), &self.store, Uploads::new(&self.store))
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    /// Runs an action, and checks that it leaves a fixpoint behind.
    pub async fn act<T: Send + 'static, F: Failure>(
        &self,
        mut work: impl FnMut(&mut StoreTx<'_>) -> Result<T, ActionError<F>> + Send + 'static,
    ) -> Result<T, BoxError> {
        let work = move |tx: &mut StoreTx<'_>| work(tx).map_err(ActionError::boxed);
        let done = self.store.transact(&Context::background(), work).await;
        self.check_fixpoint().await;
        done
    }

    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, ActionError<Infallible>> + Send + 'static,
    ) -> T {
        let work = |tx: &Tx<'_>| work(tx).map_err(ActionError::boxed);
        self.store.read(&Context::background(), Reads::Linearizable, work).await.unwrap()
    }

    /// Nothing that follows from the state is left undone: no run can advance, and no group that
    /// is idle has a run that may start.
    async fn check_fixpoint(&self) {
        let settings = self.settings.engine.clone();
        self.read(move |tx| {
            let runs: Vec<Run> = tx.query_objects("SELECT data FROM runs", [])?;
            for run in runs {
                let before = state::load_known(tx, run.id)?;
                let mut after = before.clone();
                let end_of_time = jiff::Timestamp::MAX;
                advance(&mut after, end_of_time, &settings);
                assert_eq!(after, before, "run {} can advance", run.number);
            }
            if model::run::gate(tx)?.is_none() {
                for run in model::run::startable(tx, 100)? {
                    let run = model::run::find(tx, run)?.unwrap();
                    let held = model::run::group(tx, &run.group)?.held_until;
                    assert!(held.is_some(), "run {} waits in an idle group", run.number);
                }
            }
            Ok(())
        })
        .await;
    }

    /// Closes the resume gate to this rate.
    pub async fn close_gate(&self, per_minute: u32) {
        let close = move |tx: &mut StoreTx<'_>| -> Result<(), BoxError> {
            let gate = ResumeGate::new(id(1), None, tx.now(), per_minute);
            Ok(tx.put(GATES, gate.id, &gate)?)
        };
        self.store.transact(&Context::background(), close).await.unwrap();
    }

    pub async fn open_gate(&self) {
        let open = |tx: &mut StoreTx<'_>| -> Result<(), BoxError> { Ok(tx.delete(GATES, id(1))?) };
        self.store.transact(&Context::background(), open).await.unwrap();
    }

    pub async fn try_create(&self, new: New) -> Result<Run, BoxError> {
        let (settings, encryptor) = (self.settings.clone(), self.encryptor.clone());
        let environment = BTreeMap::from([("TOKEN".to_owned(), "s3cret".to_owned())]);
        self.act(move |tx| {
            run::create::<Create>(tx, &settings, &encryptor, &new, &environment, &BTreeMap::new())
        })
        .await
    }

    pub async fn create(&self, tasks: &Value) -> Run {
        self.try_create(new_run(project(7), tasks)).await.unwrap()
    }

    /// A registered executor that has sent its first heartbeat.
    pub async fn executor(&self, name: &str, limit: u32) -> ExecutorId {
        let name: drydock_api::names::Name = name.parse().unwrap();
        let created = self.act(move |tx| {
            executor::create::<failures::Create>(
                tx,
                &name,
                &BTreeSet::new(),
                &format!("hash of {name}"),
            )
        });
        let executor = created.await.unwrap().id;
        self.beat(&report(executor, 1, limit)).await.unwrap();
        executor
    }

    pub async fn beat(&self, report: &HeartbeatReport) -> Result<HeartbeatOutcome, BoxError> {
        let (report, settings) = (report.clone(), self.settings.engine.clone());
        self.act(move |tx| heartbeat::record(tx, &settings, &report)).await
    }

    pub async fn try_claim(
        &self,
        executor: ExecutorId,
        session: u64,
        claim: u128,
    ) -> Result<Option<Attempt>, BoxError> {
        let settings = self.settings.clone();
        let ask = ClaimRequest { executor, session, claim: ClaimId(id(claim)) };
        self.act(move |tx| claim::claim(tx, &settings, ask)).await
    }

    /// Claims a task for the executor in its first session, under a new claim id.
    pub async fn claim(&self, executor: ExecutorId) -> Option<Attempt> {
        let claim = self.encryptor.env.new_id().as_u128();
        self.try_claim(executor, 1, claim).await.unwrap()
    }

    pub async fn report(
        &self,
        executor: ExecutorId,
        attempt: AttemptId,
        status: &Value,
    ) -> Result<(), BoxError> {
        let status: Status = serde_json::from_value(status.clone()).unwrap();
        let settings = self.settings.engine.clone();
        let report = move |tx: &mut StoreTx<'_>| {
            let stale = status::report::<Report>(tx, &settings, executor, attempt, &status)?;
            stale.map_or(Ok(()), |phase| Err(StaleAttempt(phase).into()))
        };
        self.act(report).await
    }

    pub async fn succeed(&self, attempt: &Attempt) {
        let status = json!({"phase": "success"});
        self.report(attempt.executor, attempt.id, &status).await.unwrap();
    }

    pub async fn fail(&self, attempt: &Attempt) {
        let status = json!({"phase": "failed", "reason": "setup_failed"});
        self.report(attempt.executor, attempt.id, &status).await.unwrap();
    }

    pub async fn state(&self, run: RunId) -> RunState {
        self.read(move |tx| state::load_known(tx, run)).await
    }

    pub async fn outcome(&self, run: RunId) -> (Phase, RunResult) {
        let state = self.state(run).await;
        (state.run.phase, state.run.result)
    }

    pub async fn statuses(&self, run: RunId) -> String {
        self.state(run).await.statuses()
    }

    /// The number of commits so far.
    pub fn commits(&self) -> u64 {
        self.store.applied().borrow().head.map_or(0, |head| head.position)
    }

    pub async fn delete_executor(&self, executor: ExecutorId) {
        let (settings, executor) = (self.settings.clone(), Ref::Id(executor.0));
        self.act(move |tx| {
            self::executor::delete::<failures::Delete>(tx, &settings, &executor, &any())
        })
        .await
        .unwrap();
    }
}

/// No condition.
pub fn any() -> IfMatch {
    IfMatch::default()
}

pub fn report(executor: ExecutorId, session: u64, limit: u32) -> HeartbeatReport {
    HeartbeatReport {
        executor,
        session,
        labels: BTreeSet::new(),
        arch: None,
        limit,
        held: BTreeMap::new(),
        asked: BTreeSet::new(),
        forgotten: BTreeSet::new(),
    }
}

pub fn holding(report: HeartbeatReport, attempt: AttemptId, state: HeldState) -> HeartbeatReport {
    HeartbeatReport { held: BTreeMap::from([(attempt, state)]), ..report }
}
