//! Faults of single requests and of watches, and the log of what became of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drydock_sim_control::process::{Error, Result};
use drydock_sim_control::{Asked, Fault, RequestLog, Rule, Rules, Strike};
use drydock_sim_etcd::{self as etcd, Call, Failure, Faults, Injection, Method, Watching};
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
    /// Answers with an error, with or without effect.
    Fail { error: Refusal, applied: bool },
    /// Never answers, with or without effect.
    Lose { applied: bool },
    /// Answers that there are too many requests, without effect.
    Throttle {},
    /// Never answers a transaction, which takes effect later.
    Postpone { after_ms: u64 },
    /// Tells watchers everything this much later.
    WatchLag { ms: u64 },
    /// Ends streams of watchers.
    WatchBreak { error: Refusal },
    /// Does not tell watchers of changes of these keys: what no etcd should do.
    WatchForget {},
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    NoLeader,
    LeaderChanged,
    TimedOut,
    TimedOutLeaderFailed,
    TimedOutConnectionLost,
    Stopped,
    TooManyRequests,
    NoSpace,
    Corrupt,
}

impl From<Refusal> for etcd::Error {
    fn from(refusal: Refusal) -> etcd::Error {
        match refusal {
            Refusal::NoLeader => etcd::Error::NoLeader,
            Refusal::LeaderChanged => etcd::Error::LeaderChanged,
            Refusal::TimedOut => etcd::Error::Timeout,
            Refusal::TimedOutLeaderFailed => etcd::Error::TimeoutLeaderFailed,
            Refusal::TimedOutConnectionLost => etcd::Error::TimeoutConnectionLost,
            Refusal::Stopped => etcd::Error::Stopped,
            Refusal::TooManyRequests => etcd::Error::TooManyRequests,
            Refusal::NoSpace => etcd::Error::NoSpace,
            Refusal::Corrupt => etcd::Error::Corrupt,
        }
    }
}

impl Trouble {
    fn is_of_requests(&self) -> bool {
        match self {
            Trouble::Delay { .. }
            | Trouble::Fail { .. }
            | Trouble::Lose { .. }
            | Trouble::Throttle {} => true,
            Trouble::Postpone { .. }
            | Trouble::WatchLag { .. }
            | Trouble::WatchBreak { .. }
            | Trouble::WatchForget {} => false,
        }
    }
}

impl Fault for Trouble {
    fn methods() -> Vec<String> {
        Method::ALL.map(|method| method.name().to_owned()).to_vec()
    }

    fn check(rule: &Rule<Trouble>) -> Result<()> {
        let only = |method: Method| rule.methods.iter().all(|named| named == method.name());
        let refused = |text: &str| Err(Error(text.to_owned()));
        match &rule.fault {
            Trouble::Postpone { .. } if !only(Method::Txn) => {
                refused("`postpone` is of the method `txn` alone")
            }
            Trouble::WatchLag { .. } | Trouble::WatchBreak { .. } | Trouble::WatchForget {}
                if !only(Method::Watch) || rule.member.is_some() =>
            {
                refused("faults of watches are of the method `watch` alone, and of all members")
            }
            Trouble::WatchLag { .. } | Trouble::WatchBreak { .. }
                if !rule.key_prefix.is_empty() || rule.skip > 0 || rule.probability < 1.0 =>
            {
                refused(
                    "`watch_lag` and `watch_break` are of whole streams: they take no \
                     `key_prefix`, no `skip` and no `probability`",
                )
            }
            Trouble::WatchLag { .. } if rule.count.is_some() => {
                refused("`watch_lag` lasts until it is removed: it takes no `count`")
            }
            _ => Ok(()),
        }
    }
}

/// What a request is to meet.
fn injection(strike: &Strike<Trouble>) -> Injection {
    let failure = |error, applied| Some(Failure { error, applied });
    let mark = Some(strike.id);
    match strike.fault {
        Trouble::Delay { before_ms, after_ms, jitter_ms } => {
            let jitter = strike.draw % jitter_ms.saturating_add(1);
            let wait = |ms: u64| match ms {
                0 => Duration::ZERO,
                ms => Duration::from_millis(ms.saturating_add(jitter)),
            };
            Injection { before: wait(before_ms), after: wait(after_ms), mark, failure: None }
        }
        Trouble::Fail { error, applied } => {
            Injection { failure: failure(error.into(), applied), mark, ..Injection::default() }
        }
        Trouble::Lose { applied: true } => {
            Injection { after: FOREVER, mark, ..Injection::default() }
        }
        Trouble::Lose { applied: false } => Injection {
            failure: failure(etcd::Error::Timeout, false),
            after: FOREVER,
            mark,
            ..Injection::default()
        },
        Trouble::Throttle {} => Injection {
            failure: failure(etcd::Error::TooManyRequests, false),
            mark,
            ..Injection::default()
        },
        _ => Injection::default(),
    }
}

pub struct Troubles {
    pub rules: Rules<Trouble>,
    log: RequestLog,
    started: Instant,
    lines: AtomicU64,
}

impl Troubles {
    pub fn new(rules: Rules<Trouble>, log: RequestLog, started: Instant) -> Troubles {
        Troubles { rules, log, started, lines: AtomicU64::new(1) }
    }

    fn tell(&self, call: &Call<'_>, outcome: &str, fault: Option<u64>) {
        self.log.line(&json!({
            "n": self.lines.fetch_add(1, Ordering::Relaxed),
            "ms": self.started.elapsed().as_millis() as u64,
            "member": call.member,
            "peer": call.peer,
            "method": call.method.name(),
            "key": String::from_utf8_lossy(call.key),
            "outcome": outcome,
            "fault": fault,
        }));
    }
}

fn asked<'a>(call: &Call<'a>) -> Asked<'a> {
    Asked { method: call.method.name(), key: call.key, member: call.member }
}

fn of_watch(key: &[u8]) -> Asked<'_> {
    Asked { method: Method::Watch.name(), key, member: 0 }
}

impl Faults for Troubles {
    fn decide(&self, call: &Call<'_>) -> Injection {
        let strike = self.rules.strike(asked(call), Trouble::is_of_requests);
        strike.as_ref().map(injection).unwrap_or_default()
    }

    fn postpone(&self, call: &Call<'_>) -> Option<Duration> {
        let is_postpone = |fault: &Trouble| matches!(fault, Trouble::Postpone { .. });
        let strike = self.rules.strike(asked(call), is_postpone)?;
        self.tell(call, "postponed", Some(strike.id));
        match strike.fault {
            Trouble::Postpone { after_ms } => Some(Duration::from_millis(after_ms)),
            _ => None,
        }
    }

    fn answered(
        &self,
        call: &Call<'_>,
        injected: &Injection,
        answer: Option<Result<(), etcd::Error>>,
    ) {
        let outcome = match answer {
            Some(Ok(())) => "ok".to_owned(),
            Some(Err(error)) => error.to_string(),
            None => "never answered".to_owned(),
        };
        self.tell(call, &outcome, injected.mark);
    }

    fn watching(&self, _: &str) -> Watching {
        let is_break = |fault: &Trouble| matches!(fault, Trouble::WatchBreak { .. });
        let broken =
            self.rules.strike(of_watch(b""), is_break).and_then(|strike| match strike.fault {
                Trouble::WatchBreak { error } => Some(error.into()),
                _ => None,
            });
        let lag = self.lag().map_or(Duration::ZERO, |(_, ms)| Duration::from_millis(ms));
        Watching { lag, broken }
    }

    fn lagged(&self, _: &str) {
        if let Some((id, _)) = self.lag() {
            self.rules.count_strike(id);
        }
    }

    fn forgets(&self, _: &str, key: &[u8]) -> bool {
        let is_forget = |fault: &Trouble| matches!(fault, Trouble::WatchForget {});
        self.rules.strike(of_watch(key), is_forget).is_some()
    }
}

impl Troubles {
    /// The rule by which watchers lag, and by how much.
    fn lag(&self) -> Option<(u64, u64)> {
        self.rules.standing(|fault| match fault {
            Trouble::WatchLag { ms } => Some(*ms),
            _ => None,
        })
    }
}
