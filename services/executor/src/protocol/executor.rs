//! The loop of an executor. One task decides everything, so nothing is decided twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drydock_api::runservice::client::ExecutorClient;
use drydock_api::runservice::types::{AttemptId, ClaimId, HeartbeatAnswer};
use drydock_core::env::{Env, Rng};
use drydock_core::fault::Injected;
use futures_util::StreamExt;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::claims::PendingClaim;
use super::heartbeats::{HeartbeatContent, HeartbeatResults, Heartbeats};
use super::known::Known;
use super::pause::Pause;
use super::reports::Reports;
use super::settings::ProtocolSettings;
use super::shipping::Shipping;
use super::transfers::Transfers;
use crate::attempt::{Reason, Stop};
use crate::driver::Driver;
use crate::journal::{Held, JournalError, Record, Records};

/// What an executor is made of.
pub struct Parts<D, R> {
    pub env: Env,
    pub settings: ProtocolSettings,
    /// The client of claims and reports.
    pub client: ExecutorClient,
    /// The client of heartbeats, which has connections of its own.
    pub heartbeat_client: ExecutorClient,
    /// The client of logs, which has connections of its own: they carry much.
    pub log_client: ExecutorClient,
    /// The client of archives, which has connections of its own: they carry more.
    pub archive_client: ExecutorClient,
    pub driver: D,
    pub journal: R,
}

/// How an executor is told to end.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take no more tasks, and end when the last attempt is released.
    pub drain: CancellationToken,
    /// End at once. The attempts go on, and the next start finds them.
    pub leave: CancellationToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every attempt has ended, and the service has all of it that it wants.
    Drained,
    /// Attempts may still run.
    Left,
}

/// Why an executor cannot go on. Its attempts do, and the next start finds them.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    #[error("the journal has failed")]
    Journal(#[from] JournalError),
    #[error("another executor uses this token: {0}")]
    Replaced(String),
    #[error(transparent)]
    Injected(#[from] Injected),
}

pub struct Executor<D, R> {
    pub(super) env: Env,
    pub(super) settings: ProtocolSettings,
    pub(super) client: ExecutorClient,
    pub(super) driver: D,
    pub(super) journal: R,
    pub(super) session: u64,
    pub(super) rng: Rng,
    pub(super) known: BTreeMap<AttemptId, Known>,
    /// The answer to the last heartbeat.
    pub(super) orders: HeartbeatAnswer,
    pub(super) results: HeartbeatResults,
    /// When the service was heard last, or else when this process began.
    pub(super) heard_at: Instant,
    /// The claim that is on its way.
    pub(super) pending_claim: Option<PendingClaim>,
    /// Claims follow after this many heartbeats.
    pub(super) ask_after: u64,
    pub(super) ask_pause: Pause,
    /// The claims that this process has asked for, and got nothing.
    pub(super) settled: BTreeSet<ClaimId>,
    pub(super) reports: Reports,
    /// The attempts whose kept results are on their way, after their release.
    pub(super) recalled: BTreeSet<AttemptId>,
    /// The attempts whose results the service has recalled and this executor does not have: the
    /// next heartbeat names them.
    pub(super) forgotten: BTreeSet<AttemptId>,
    pub(super) transfers: Transfers,
    pub(super) is_draining: bool,
    pub(super) hurry: Arc<Notify>,
    heartbeat_client: ExecutorClient,
    shipping: Shipping,
}

impl<D: Driver, R: Records> Executor<D, R> {
    /// Begins a session, and finds what the sessions before it have left.
    pub fn new(parts: Parts<D, R>) -> Result<Executor<D, R>, ExecutorError> {
        let Parts { env, settings, client, driver, mut journal, .. } = parts;
        let held = journal.held();
        let shipping = Shipping::new(&env, &settings, parts.log_client, driver.logs(), &held);
        let transfers = Transfers::new(&env, parts.archive_client, driver.archives());
        let session = held.session + 1;
        journal.append(Record::Session { number: session })?;
        let mut executor = Executor {
            rng: env.rng("executor.pauses"),
            env,
            settings,
            client,
            driver,
            journal,
            session,
            known: BTreeMap::new(),
            orders: HeartbeatAnswer {
                stop: Vec::new(),
                release: Vec::new(),
                unknown: Vec::new(),
                recall: Vec::new(),
                drain: false,
                lost_after_ms: 0,
            },
            results: HeartbeatResults::default(),
            heard_at: Instant::now(),
            pending_claim: None,
            ask_after: 0,
            ask_pause: Pause::default(),
            settled: BTreeSet::new(),
            reports: Reports::default(),
            recalled: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            transfers,
            is_draining: false,
            hurry: Arc::default(),
            heartbeat_client: parts.heartbeat_client,
            shipping,
        };
        executor.stop_strangers();
        Ok(executor)
    }

    /// Stops attempts of which there is something, and of which the journal says nothing: somebody
    /// has removed it. What they have left stays.
    fn stop_strangers(&mut self) {
        let held = self.journal.held();
        let found = self.driver.list().unwrap_or_else(|error| {
            tracing::error!(error = %drydock_core::error::Chain(&error), "not all is known");
            Vec::new()
        });
        for name in found {
            if name.parse().is_ok_and(|id: AttemptId| held.attempts.contains_key(&id)) {
                continue;
            }
            tracing::warn!(attempt = name, "the journal does not know this attempt: it is stopped");
            let stop = Stop { reason: Reason::ExecutorLost, grace_ms: 0, order: u32::MAX };
            if let Err(error) = self.driver.order(&name, &stop) {
                tracing::error!(attempt = name, %error, "it cannot be stopped");
            }
        }
    }

    /// Runs until it is told to end.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<Ended, ExecutorError> {
        let (results, mut heard) = watch::channel(HeartbeatResults::default());
        let (said, seen) = watch::channel(self.content(self.journal.held()));
        let heartbeats = Heartbeats::new(
            &self.env,
            self.heartbeat_client.clone(),
            self.settings.clone(),
            seen,
            (results, Arc::clone(&self.hurry)),
        );
        // It ends with this function, however that ends.
        let mut beside = JoinSet::new();
        beside.spawn(heartbeats.run());
        loop {
            let now = self.advance_all().await?;
            if self.is_draining && self.is_done(&now) {
                return Ok(Ended::Drained);
            }
            self.ask(&now)?;
            let now = self.journal.held();
            self.shipping.follow(&now);
            let content = self.content(now.clone());
            said.send_if_modified(|before| std::mem::replace(before, content.clone()) != content);
            let look = self.next_look(&now);
            tokio::select! {
                biased;
                () = shutdown.leave.cancelled() => return Ok(Ended::Left),
                () = shutdown.drain.cancelled(), if !self.is_draining => self.drain(),
                Ok(()) = heard.changed() => {
                    let results = heard.borrow_and_update().clone();
                    self.take_heartbeats(results)?;
                }
                answer = answered(&mut self.pending_claim) => self.take_answer(answer)?,
                Some((attempt, answer)) = self.reports.next(), if !self.reports.is_empty() => {
                    self.reported(attempt, answer)?;
                }
                Some((attempt, transferred)) = self.transfers.next(),
                    if !self.transfers.is_empty() =>
                {
                    self.transferred(attempt, transferred).await?;
                }
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }

    /// What heartbeats say.
    fn content(&self, held: Held) -> HeartbeatContent {
        HeartbeatContent { held, forgotten: self.forgotten.clone() }
    }

    /// Takes each attempt as far as it goes.
    async fn advance_all(&mut self) -> Result<Held, ExecutorError> {
        let held = self.journal.held();
        for (attempt, holding) in held.attempts {
            self.advance(attempt, holding).await?;
        }
        Ok(self.journal.held())
    }

    fn take_heartbeats(&mut self, results: HeartbeatResults) -> Result<(), ExecutorError> {
        if let Some(text) = results.replaced {
            return Err(ExecutorError::Replaced(text));
        }
        self.heard_at = results.heard_at.unwrap_or(self.heard_at);
        if let Some(answer) = &results.answer {
            if answer.drain != self.orders.drain {
                tracing::info!(drain = answer.drain, "the service has changed what it wants");
            }
            self.orders = answer.clone();
            self.recall();
        }
        self.results = results;
        Ok(())
    }

    fn drain(&mut self) {
        tracing::info!("no more tasks are taken");
        self.is_draining = true;
        // A claim that waits for a task is asked for once more, without waiting.
        if let Some(pending_claim) = self.pending_claim.take() {
            self.settled.remove(&pending_claim.claim);
            self.ask_pause.end();
        }
    }

    /// Whether nothing is left to do that another start could not do as well.
    fn is_done(&self, held: &Held) -> bool {
        use drydock_api::runservice::types::HeldState::Exited;
        let is_settled = held.asked.iter().all(|claim| self.settled.contains(claim));
        let is_over = |(attempt, held): (&AttemptId, &crate::journal::UnreleasedAttempt)| {
            held.state == Exited && self.is_unknown(*attempt)
        };
        self.pending_claim.is_none() && is_settled && held.attempts.iter().all(is_over)
    }

    pub(super) fn is_unknown(&self, attempt: AttemptId) -> bool {
        self.orders.unknown.contains(&attempt)
    }

    /// When something has to be looked at, if nothing comes before.
    fn next_look(&self, held: &Held) -> Instant {
        let now = Instant::now();
        let pauses = self.known.values().filter_map(|known| known.report_pause.until());
        let pauses = pauses.chain(self.ask_pause.until()).chain(self.next_upload());
        let is_live = held.attempts.values().any(|held| !held.state.has_ended());
        let look = if is_live { self.settings.look_every } else { self.settings.heartbeat_every };
        pauses.fold(now + look, Instant::min)
    }
}

/// The answer to the claim that is on its way.
async fn answered(pending_claim: &mut Option<PendingClaim>) -> super::claims::Answer {
    match pending_claim {
        Some(pending_claim) => pending_claim.call.as_mut().await,
        None => std::future::pending().await,
    }
}
