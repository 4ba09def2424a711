//! One user of the cluster, whose calls are all noted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::env::Rng;
use drydock_harness::record::Recorder;
use rand::RngExt;
use tokio_util::sync::CancellationToken;

use super::Believed;
use crate::history::{Answer, Call, History, Server};
use crate::plan::InstanceId;

/// For how long an instance is not asked after it failed.
const AVOIDED_MS: u64 = 10_000;

/// How a call reaches a server.
#[async_trait]
pub trait Api: Send + Sync + 'static {
    async fn call(&self, server: Server, call: &Call) -> Answer;
}

pub struct Session {
    pub host: String,
    pub api: Arc<dyn Api>,
    pub history: History,
    pub believed: Believed,
    pub recorder: Recorder,
    pub rng: Mutex<Rng>,
    /// Where users ask elsewhere when an instance fails, as those of deployments do.
    pub elsewhere: Option<Elsewhere>,
    /// Ends the load before its time. A simulation has no use for it.
    pub stop: CancellationToken,
}

/// Which instances are not asked for a while.
pub struct Elsewhere {
    instances: usize,
    /// Until when.
    avoided: Mutex<BTreeMap<usize, u64>>,
}

impl Elsewhere {
    pub fn of(instances: usize) -> Elsewhere {
        Elsewhere { instances, avoided: Mutex::default() }
    }

    /// The first one from `instance` on that is not avoided; itself, if all are.
    fn than(&self, instance: usize, now_ms: u64) -> usize {
        let avoided = self.avoided.lock().expect("no holder of this lock panics");
        let nth = |next| (instance - 1 + next) % self.instances + 1;
        let mut all = (0..self.instances).map(nth);
        all.find(|it| avoided.get(it).is_none_or(|until| *until <= now_ms)).unwrap_or(instance)
    }
}

impl Session {
    /// Makes a call and notes what came of it.
    pub async fn ask(&self, server: Server, call: Call) -> Answer {
        let number = self.history.called(&self.host, server, call.clone());
        let answer = self.api.call(server, &call).await;
        self.history.ended(number, answer.clone());
        self.believed.note(&call, &answer);
        if let (Some(elsewhere), Server::Instance(instance)) = (&self.elsewhere, server)
            && let Answer::NotSent(_) | Answer::Unknown(_) = answer
        {
            let mut avoided = elsewhere.avoided.lock().expect("no holder of this lock panics");
            avoided.insert(instance.number, self.now_ms() + AVOIDED_MS);
        }
        answer
    }

    /// The instance itself, or another one if it is avoided.
    pub fn instance(&self, meant: InstanceId) -> InstanceId {
        let than = |elsewhere: &Elsewhere| elsewhere.than(meant.number, self.now_ms());
        let number = self.elsewhere.as_ref().map_or(meant.number, than);
        InstanceId { number, ..meant }
    }

    /// A number from `least` to `greatest`.
    pub fn draw(&self, least: u64, greatest: u64) -> u64 {
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        rng.random_range(least..=greatest)
    }

    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.recorder.now().as_millis()).expect("a run is shorter")
    }

    pub async fn sleep_ms(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Sleeps until then, or until the load is ended before its time.
    pub async fn sleep_until(&self, at_ms: u64) {
        let left = self.sleep_ms(at_ms.saturating_sub(self.now_ms()));
        self.stop.run_until_cancelled(left).await;
    }

    /// Whether the load is over that should last until then.
    pub fn is_over(&self, load_ms: u64) -> bool {
        self.stop.is_cancelled() || self.now_ms() >= load_ms
    }
}
