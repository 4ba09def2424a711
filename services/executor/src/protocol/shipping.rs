//! The shipping of logs: a task for each attempt that may have some, apart from everything else
//! that the executor does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drydock_api::runservice::client::ExecutorClient;
use drydock_api::runservice::types::{AttemptId, HeldState};
use drydock_core::env::Env;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::pause::Pause;
use super::settings::ProtocolSettings;
use super::shipper::Shipper;
use crate::driver::AttemptLogs;
use crate::journal::Held;

/// The pieces that are on their way at once, each in memory.
const MAX_PIECES: usize = 4;

pub struct Shipping {
    env: Env,
    settings: ProtocolSettings,
    client: ExecutorClient,
    logs: Arc<dyn AttemptLogs>,
    permits: Arc<Semaphore>,
    /// The attempts of which an executor before this one may have sent something.
    adopted: BTreeSet<AttemptId>,
    attempts: BTreeMap<AttemptId, Shipped>,
    /// They end with this.
    tasks: JoinSet<()>,
}

/// The task of one attempt, and how it is told that the attempt has ended.
struct Shipped {
    task: AbortHandle,
    has_ended: watch::Sender<bool>,
}

impl Shipping {
    pub fn new(
        env: &Env,
        settings: &ProtocolSettings,
        client: ExecutorClient,
        logs: Arc<dyn AttemptLogs>,
        held: &Held,
    ) -> Shipping {
        Shipping {
            env: env.clone(),
            settings: settings.clone(),
            client,
            logs,
            permits: Arc::new(Semaphore::new(MAX_PIECES)),
            adopted: held.attempts.keys().copied().collect(),
            attempts: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Ships the logs of all attempts that are held now, and of no others.
    pub fn follow(&mut self, held: &Held) {
        self.attempts.retain(|attempt, shipped| {
            let is_held = held.attempts.contains_key(attempt);
            if !is_held {
                shipped.task.abort();
            }
            is_held
        });
        for (attempt, holding) in &held.attempts {
            if holding.state == HeldState::Claimed {
                continue;
            }
            if !self.attempts.contains_key(attempt) {
                let shipped = self.begin(*attempt);
                self.attempts.insert(*attempt, shipped);
            }
            let has_ended = holding.state.has_ended();
            self.attempts[attempt]
                .has_ended
                .send_if_modified(|before| std::mem::replace(before, has_ended) != has_ended);
        }
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "the logs of an attempt are not shipped any more");
            }
        }
    }

    fn begin(&mut self, attempt: AttemptId) -> Shipped {
        let (has_ended, seen) = watch::channel(false);
        let shipper = Shipper {
            attempt,
            client: self.client.clone(),
            logs: Arc::clone(&self.logs),
            settings: self.settings.clone(),
            permits: Arc::clone(&self.permits),
            rng: self.env.rng("executor.logs"),
            has_ended: seen,
            is_adopted: self.adopted.contains(&attempt),
            found: BTreeMap::new(),
            pause: Pause::default(),
            quiet: 0,
        };
        Shipped { task: self.tasks.spawn(shipper.run()), has_ended }
    }
}
