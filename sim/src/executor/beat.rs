//! Heartbeats: what the executor holds, and what it is told to do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drydock_api::runservice::types::{AttemptId, Heartbeat, HeartbeatAnswer, HeldState};

use super::agent::{Agent, Ended};
use crate::history::{Answer, Reply, RunsCall, RunsReply, Token};

impl Agent {
    pub async fn beats(&self, token: &Token, session: u64) -> Ended {
        let mut forgotten = BTreeSet::new();
        loop {
            let beat = Heartbeat {
                session,
                labels: self.plan.labels.iter().filter_map(|it| it.parse().ok()).collect(),
                arch: None,
                limit: self.plan.limit,
                held: self.journal.held(),
                asked: self.journal.asked(),
                forgotten: forgotten.clone(),
            };
            let told = beat.held.iter().map(|held| (held.attempt, held.state)).collect();
            let call = RunsCall::Beat { by: token.clone(), beat: Box::new(beat) };
            match self.ask(call).await {
                Answer::Ok(Reply::Runs(RunsReply::Orders(orders))) => {
                    self.follow(&told, &orders).await;
                    forgotten = self.recall(token, &orders).await;
                }
                Answer::Refused { code, .. } if code == "session_replaced" => return Ended,
                // Whoever ended the registration makes a new one once everything has come to rest.
                Answer::Refused { code, .. }
                    if code == "unauthorized" && self.journal.active() == 0 =>
                {
                    self.machine.list().into_iter().for_each(|it| self.machine.remove(it));
                    self.journal.wipe();
                    return Ended;
                }
                _ => {}
            }
            self.session.sleep_ms(self.plan.beat_ms).await;
        }
    }

    /// Does as it is told in answer to a heartbeat that named attempts in these states.
    async fn follow(&self, told: &BTreeMap<AttemptId, HeldState>, orders: &HeartbeatAnswer) {
        for stop in &orders.stop {
            self.machine.stop(stop.attempt, Duration::from_millis(stop.grace_ms));
        }
        for unknown in &orders.unknown {
            self.machine.disown(*unknown);
            // One that has ended since then may only have been given up: then its log is wanted.
            if told.get(unknown) >= Some(&HeldState::Exited) {
                self.release(*unknown).await;
            }
        }
        for released in &orders.release {
            self.release(*released).await;
        }
    }

    /// Sends results again that are wanted after their release; answers those that are not kept.
    async fn recall(&self, token: &Token, orders: &HeartbeatAnswer) -> BTreeSet<AttemptId> {
        let held = self.journal.attempts();
        let mut forgotten = BTreeSet::new();
        for attempt in orders.recall.iter().filter(|attempt| !held.contains_key(attempt)) {
            match self.journal.kept(*attempt) {
                Some(status) => {
                    let status = Box::new(status);
                    let report = RunsCall::Report { by: token.clone(), attempt: *attempt, status };
                    // Without an answer it is wanted again.
                    self.ask(report).await;
                }
                None => {
                    forgotten.insert(*attempt);
                }
            }
        }
        forgotten
    }

    async fn release(&self, attempt: AttemptId) {
        self.journal.release(attempt);
        self.point("exec.after_release").await;
        self.machine.remove(attempt);
    }
}
