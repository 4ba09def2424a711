//! Claims: the executor asks for a task under an id that is in its journal first.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{ClaimId, HeldState, NewClaim};

use super::agent::{Agent, Ended};
use super::archives::{Moved, without_archives};
use crate::history::{Answer, Reply, RunsCall, RunsReply, Token};

impl Agent {
    pub async fn claims(&self, token: &Token, session: u64) -> Ended {
        loop {
            self.session.sleep_ms(self.session.draw(1, self.plan.ask_ms.max(1))).await;
            if self.journal.active() >= self.plan.limit as usize {
                continue;
            }
            let claim = self.journal.ask(|| self.new_claim());
            self.point("exec.after_ask").await;
            let asked = NewClaim { claim, session };
            match self.ask(RunsCall::Claim { by: token.clone(), claim: asked }).await {
                Answer::Ok(Reply::Runs(RunsReply::Claimed(Some(claimed)))) => {
                    self.point("exec.before_journal").await;
                    self.journal.claimed(claim, *claimed);
                    self.point("exec.after_journal").await;
                    if self.plan.lies {
                        self.lie(token, session).await;
                    }
                }
                Answer::Refused { code, .. } => match &*code {
                    "session_replaced" => return Ended,
                    // Whatever it yielded is over, and nothing of it was begun.
                    "stale_attempt" => self.give_up(claim),
                    _ => {}
                },
                _ => {}
            }
        }
    }

    fn give_up(&self, claim: ClaimId) {
        self.journal.give_up(claim);
    }

    /// Starts what was claimed and is not running yet.
    pub async fn start_claimed(&self, token: &Token) {
        for (attempt, held) in self.journal.attempts() {
            if held.state == HeldState::Claimed {
                match self.restore(token, &held.claimed).await {
                    Moved::Done(()) => {}
                    Moved::Later => continue,
                    Moved::Never => {
                        let status = self.status(attempt, &without_archives(), BTreeMap::new());
                        self.journal.exited(attempt, status);
                        continue;
                    }
                }
                self.journal.advance(attempt, HeldState::Spawned);
                self.point("exec.before_spawn").await;
                self.machine.start(&held.claimed);
                self.point("exec.after_spawn").await;
            }
        }
    }
}
