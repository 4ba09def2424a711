//! One user of the cluster, whose calls are all noted.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::env::Rng;
use rand::RngExt;

use crate::history::{Answer, Call, History};
use crate::recorder::Recorder;

/// How a call reaches an instance.
#[async_trait]
pub trait Api: Send + Sync + 'static {
    async fn call(&self, instance: usize, call: &Call) -> Answer;
}

pub struct Session {
    pub host: String,
    pub api: Arc<dyn Api>,
    pub history: History,
    pub recorder: Recorder,
    pub rng: Mutex<Rng>,
}

impl Session {
    /// Makes a call and notes what came of it.
    pub async fn ask(&self, instance: usize, call: Call) -> Answer {
        let number = self.history.called(&self.host, instance, call.clone());
        let answer = self.api.call(instance, &call).await;
        self.history.ended(number, answer.clone());
        answer
    }

    /// A number from `least` to `greatest`.
    pub fn draw(&self, least: u64, greatest: u64) -> u64 {
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        rng.random_range(least..=greatest)
    }

    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.recorder.now().as_millis()).expect("a simulation is shorter")
    }

    pub async fn sleep_ms(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    pub async fn sleep_until(&self, at_ms: u64) {
        self.sleep_ms(at_ms.saturating_sub(self.now_ms())).await;
    }
}
