//! Bounded waiting between attempts, with jitter from [`Env`].

use std::time::Duration;

use rand::RngExt;

use crate::env::{Env, Rng};

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

/// Pauses that double from 20 ms to 2 s, each shortened at random by up to a half.
pub struct Backoff {
    next: Duration,
    env: Env,
    name: &'static str,
    /// Made at the first pause: most backoffs never pause.
    rng: Option<Rng>,
}

impl Backoff {
    /// `name` is the random stream that the jitter is drawn from.
    pub fn new(env: &Env, name: &'static str) -> Backoff {
        Backoff { next: FIRST, env: env.clone(), name, rng: None }
    }

    pub async fn pause(&mut self) {
        let rng = self.rng.get_or_insert_with(|| self.env.rng(self.name));
        let pause = self.next.mul_f64(rng.random_range(0.5..=1.0));
        self.next = (self.next * 2).min(LONGEST);
        tokio::time::sleep(pause).await;
    }

    /// Starts over, after a success.
    pub fn reset(&mut self) {
        self.next = FIRST;
    }
}
