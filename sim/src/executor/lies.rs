//! What an executor that lies sends besides the truth. All of it must be refused.

use drydock_api::runservice::types::{AttemptId, HeldState};
use serde_json::{Value, json};

use super::agent::Agent;
use crate::history::{BadCall, RunsCall, Token};

const OWN: &str = "/api/v1/executors/self";

impl Agent {
    pub async fn lie(&self, token: &Token, session: u64) {
        let attempts = self.journal.attempts();
        let pick = |sent: bool| {
            let fits = |state: HeldState| (state == HeldState::Sent) == sent;
            let mut fitting = attempts.iter().filter(|(_, held)| fits(held.state));
            fitting.next_back().map(|(attempt, _)| *attempt)
        };
        let bad = match (self.session.draw(0, 3), pick(false), pick(true)) {
            (0, ..) => self.of_executor(session),
            (1, _, Some(sent)) => late(sent),
            (_, Some(live), _) => self.of_attempt(live),
            _ => return,
        };
        self.ask(RunsCall::Bad { by: Some(token.clone()), bad }).await;
    }

    fn of_executor(&self, session: u64) -> BadCall {
        let claims = || format!("{OWN}/claims");
        let beat = |session: Value, limit: Value| json!({ "session": session, "limit": limit });
        let new = || json!(self.env.new_id());
        match self.session.draw(0, 6) {
            0 => bad("session 0", "PUT", OWN.to_owned(), beat(json!(0), json!(1))),
            1 => bad("limit 0", "PUT", OWN.to_owned(), beat(json!(session), json!(0))),
            2 => bad("session -1", "PUT", OWN.to_owned(), beat(json!(-1), json!(1))),
            3 => bad("a word as a limit", "PUT", OWN.to_owned(), beat(json!(session), json!("x"))),
            4 => bad("no claim", "POST", claims(), json!({ "session": session })),
            5 => {
                let body = json!({ "session": session, "claim": "mine" });
                bad("a claim that is no id", "POST", claims(), body)
            }
            _ => {
                let body = json!({ "session": session + 1_000, "claim": new() });
                bad("a session that never was", "POST", claims(), body)
            }
        }
    }

    fn of_attempt(&self, attempt: AttemptId) -> BadCall {
        let path = format!("{OWN}/attempts/{attempt}");
        let (what, body) = match self.session.draw(0, 10) {
            0 => ("step -1", steps(json!([{ "exit": { "code": -1 } }]))),
            1 => ("99 steps", steps(json!(vec![json!({ "exit": { "code": 0 } }); 99]))),
            2 => ("no end", json!({ "phase": "running" })),
            3 => ("no reason", json!({ "phase": "failed" })),
            4 => ("a reason of a success", json!({ "phase": "success", "reason": "timeout" })),
            5 => ("success of nothing", json!({ "phase": "success", "steps": [] })),
            6 => ("an unknown field", json!({ "phase": "failed", "reasons": ["timeout"] })),
            7 => ("a loss", json!({ "phase": "failed", "reason": "lost_in_restore" })),
            8 => {
                let log = json!({ "size": 1, "blake3": "0".repeat(64) });
                (
                    "the log of step 99",
                    json!({ "phase": "failed", "reason": "timeout", "logs": { "99": log } }),
                )
            }
            9 => ("not a status", json!([1, 2, 3])),
            _ => {
                let path = format!("{OWN}/attempts/{}", self.env.new_id());
                let body = json!({ "phase": "failed", "reason": "timeout" });
                return bad("an attempt of nobody", "PUT", path, body);
            }
        };
        bad(what, "PUT", path, body)
    }
}

fn steps(steps: Value) -> Value {
    json!({ "phase": "failed", "reason": "exit_code", "steps": steps })
}

/// Another end of an attempt that has ended.
fn late(attempt: AttemptId) -> BadCall {
    let body = json!({ "phase": "failed", "reason": "disk_full" });
    bad("another end", "PUT", format!("{OWN}/attempts/{attempt}"), body)
}

fn bad(what: &'static str, method: &'static str, path: String, body: Value) -> BadCall {
    BadCall { what, method, path, body }
}
