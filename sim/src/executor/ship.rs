//! Logs: what steps print is sent while they run, and again from what is stored when another
//! instance answers. The bytes stay on the machine's disk until the attempt is released. An
//! executor that lies sends other bytes than were printed, now and then.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{Appended, AttemptId};

use super::agent::{Agent, Ended};
use crate::history::{Answer, Reply, RunsCall, RunsReply, Token};

/// How often logs are looked at.
const LOOK_MS: u64 = 100;
/// The time between two questions whether all of a log is still stored.
const QUESTION_MS: u64 = 3_000;
/// The size of a piece is a small multiple of this.
const PIECE: u64 = 16 * 1024;

/// How far one log is sent, as this process knows.
#[derive(Clone, Copy, Default)]
struct Progress {
    /// Where the next piece begins.
    offset: usize,
    /// What outlives every instance.
    stored: usize,
    /// The instance that said so.
    instance: usize,
    due_ms: u64,
}

type Shipping = BTreeMap<(AttemptId, usize), Progress>;

impl Agent {
    pub async fn ships(&self, token: &Token) -> Ended {
        let mut shipping = Shipping::new();
        loop {
            let held = self.journal.attempts();
            shipping.retain(|(attempt, _), _| held.contains_key(attempt));
            for attempt in held.keys() {
                for (step, size) in self.machine.logs(*attempt) {
                    let log = (*attempt, step);
                    let known = shipping.get(&log).copied().unwrap_or_default();
                    if let Some(progress) = self.ship(token, log, size, known).await {
                        shipping.insert(log, progress);
                    }
                }
            }
            self.session.sleep_ms(LOOK_MS).await;
        }
    }

    /// Sends one piece, or asks what is stored of those that were sent.
    async fn ship(
        &self,
        token: &Token,
        (attempt, step): (AttemptId, usize),
        size: usize,
        mut known: Progress,
    ) -> Option<Progress> {
        if known.due_ms > self.session.now_ms() {
            return None;
        }
        let is_question = known.stored >= size;
        if is_question {
            // An import may have brought back a state that has less of it.
            known.offset = size;
        }
        let instance = self.preferred();
        // Another instance may have less: it says so, or it is not asked to begin with.
        if !is_question && known.instance != instance && self.session.draw(0, 1) == 0 {
            known.offset = known.stored;
        }
        let longest = usize::try_from(self.session.draw(1, 8) * PIECE).unwrap_or(usize::MAX);
        let mut piece = self.machine.piece(attempt, step, known.offset, longest);
        if self.plan.lies && !is_question && self.session.draw(0, 9) == 0 {
            piece = piece.iter().map(|byte| byte ^ 1).collect();
        }
        let offset = known.offset as u64;
        let call = RunsCall::Append { by: token.clone(), attempt, step, offset, piece };
        let mut pause_ms = self.plan.ship_ms;
        match self.ask(call).await {
            Answer::Ok(Reply::Runs(RunsReply::Appended(appended))) => {
                let Appended { received, stored, next_after_ms } = appended;
                let place = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX).min(size);
                known = Progress { offset: place(received), stored: place(stored), ..known };
                known.instance = instance;
                pause_ms = pause_ms.min(next_after_ms);
                self.point("exec.after_shipped").await;
            }
            // The log is complete.
            Answer::Refused { code, .. } if code == "stale_attempt" => known.stored = usize::MAX,
            _ => known.offset = known.stored,
        }
        if known.stored >= size {
            pause_ms = pause_ms.max(QUESTION_MS);
        }
        Some(Progress { due_ms: self.session.now_ms() + pause_ms, ..known })
    }
}
