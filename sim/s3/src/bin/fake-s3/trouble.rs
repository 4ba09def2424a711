//! Faults of single requests, and the log of what became of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drydock_sim_control::process::{Error, Result};
use drydock_sim_control::{Asked, Fault, RequestLog, Rule, Rules};
use drydock_sim_s3::{self as s3, Answer, Call, Code, Interference, Operation, Outcome, Strike};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

/// Longer than any client waits.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What goes wrong. All times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Trouble {
    /// Waits before the request takes effect, and before it is answered. A draw of up to
    /// `jitter_ms` is added to whatever is waited for.
    Delay {
        #[serde(default)]
        before_ms: u64,
        #[serde(default)]
        after_ms: u64,
        #[serde(default)]
        jitter_ms: u64,
    },
    /// Answers with an error, with or without effect; `late`: after a status of 200, which only
    /// copies and completed uploads can have.
    Fail {
        code: Refusal,
        applied: bool,
        #[serde(default)]
        late: bool,
    },
    /// Never answers, with or without effect.
    Lose { applied: bool },
    /// Answers `SlowDown`, without effect.
    Throttle {},
    /// Ends the connection in place of an answer, with or without effect.
    Reset { applied: bool },
    /// Ends the connection after so many bytes of the answer's body.
    Truncate { bytes: usize },
}

/// By the names that S3 gives them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Refusal {
    AccessDenied,
    ConditionalRequestConflict,
    ExpiredToken,
    InternalError,
    RequestTimeTooSkewed,
    RequestTimeout,
    ServiceUnavailable,
    SlowDown,
}

impl From<Refusal> for Code {
    fn from(refusal: Refusal) -> Code {
        match refusal {
            Refusal::AccessDenied => Code::AccessDenied,
            Refusal::ConditionalRequestConflict => Code::ConditionalRequestConflict,
            Refusal::ExpiredToken => Code::ExpiredToken,
            Refusal::InternalError => Code::InternalError,
            Refusal::RequestTimeTooSkewed => Code::RequestTimeTooSkewed,
            Refusal::RequestTimeout => Code::RequestTimeout,
            Refusal::ServiceUnavailable => Code::ServiceUnavailable,
            Refusal::SlowDown => Code::SlowDown,
        }
    }
}

impl Fault for Trouble {
    fn methods() -> Vec<String> {
        Operation::NAMES.map(str::to_owned).to_vec()
    }

    fn check(rule: &Rule<Trouble>) -> Result<()> {
        let late = ["CopyObject", "UploadPartCopy", "CompleteMultipartUpload"];
        let all_late = rule.methods.iter().all(|method| late.contains(&method.as_str()));
        match &rule.fault {
            Trouble::Fail { late: true, .. } if rule.methods.is_empty() || !all_late => {
                let late = late.join("`, `");
                Err(Error(format!("`late` needs `methods`, which may be `{late}`")))
            }
            _ => Ok(()),
        }
    }
}

fn strike(struck: &drydock_sim_control::Strike<Trouble>) -> Strike {
    let outcome = |outcome| Strike { outcome, ..Strike::default() };
    let strike = match struck.fault {
        Trouble::Delay { before_ms, after_ms, jitter_ms } => {
            let jitter = struck.draw % jitter_ms.saturating_add(1);
            let wait = |ms: u64| match ms {
                0 => Duration::ZERO,
                ms => Duration::from_millis(ms.saturating_add(jitter)),
            };
            Strike { before: wait(before_ms), after: wait(after_ms), ..Strike::default() }
        }
        Trouble::Fail { code, applied: true, late: false } => outcome(Outcome::Fail(code.into())),
        Trouble::Fail { code, applied: false, late: false } => {
            outcome(Outcome::Refuse(code.into()))
        }
        Trouble::Fail { code, applied: true, late: true } => {
            outcome(Outcome::LateFail(code.into()))
        }
        Trouble::Fail { code, applied: false, late: true } => {
            outcome(Outcome::LateRefuse(code.into()))
        }
        Trouble::Lose { applied: true } => Strike { after: FOREVER, ..Strike::default() },
        Trouble::Lose { applied: false } => Strike { before: FOREVER, ..Strike::default() },
        Trouble::Throttle {} => outcome(Outcome::Refuse(Code::SlowDown)),
        Trouble::Reset { applied: true } => outcome(Outcome::ResetAfter),
        Trouble::Reset { applied: false } => outcome(Outcome::ResetBefore),
        Trouble::Truncate { bytes } => outcome(Outcome::Truncate(bytes)),
    };
    Strike { mark: Some(struck.id), ..strike }
}

pub struct Troubles {
    pub rules: Rules<Trouble>,
    log: RequestLog,
    started: Instant,
    lines: AtomicU64,
}

impl Troubles {
    pub fn new(rules: Rules<Trouble>, log: RequestLog) -> Troubles {
        Troubles { rules, log, started: Instant::now(), lines: AtomicU64::new(1) }
    }
}

impl Interference for Troubles {
    fn strike(&self, call: &Call<'_>) -> Strike {
        let method = call.operation.name();
        let asked = Asked { method: &method, key: call.key.as_bytes(), member: 0 };
        self.rules.strike(asked, |_| true).as_ref().map(strike).unwrap_or_default()
    }

    fn answered(&self, asked: &s3::Asked<'_>, mark: Option<u64>, answer: Option<Answer>) {
        let outcome = match answer {
            None => "never answered".to_owned(),
            Some(Answer { code: None, .. }) => "ok".to_owned(),
            Some(Answer { code: Some(code), .. }) => code.name(),
        };
        self.log.line(&json!({
            "n": self.lines.fetch_add(1, Ordering::Relaxed),
            "ms": self.started.elapsed().as_millis() as u64,
            "peer": asked.peer,
            "method": asked.operation.map(Operation::name),
            "bucket": asked.bucket,
            "key": asked.key,
            "status": answer.map(|answer| answer.status),
            "outcome": outcome,
            "fault": mark,
        }));
    }
}
