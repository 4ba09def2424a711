//! The plan's faults as etcd's clients meet them.
//!
//! What is refused before a proposal has no effect; what a proposal may still come to can be
//! answered with any error of those who no longer wait for it, or not at all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_core::env::Rng;
use rand::RngExt;

use crate::fault::Faults;
use crate::plan::fault::{Asked, Effect, FaultKind};
use crate::plan::hosts::{host_of, instance_name};
use crate::timeline::RevisionLog;
use drydock_sim_etcd::{self as etcd, Call, Error, Failure, Injection, Method, Watching};

/// Longer than any client waits.
const NEVER: Duration = Duration::from_secs(3600);
/// A postponed transaction takes effect when its client has given up, and up to so much later.
const POSTPONED_MS: [u64; 2] = [1_000, 6_000];

/// Nobody knows what becomes of the request.
const UNSURE: &[Error] = &[
    Error::Timeout,
    Error::TimeoutLeaderFailed,
    Error::TimeoutConnectionLost,
    Error::LeaderChanged,
    Error::Stopped,
];
/// The request was refused before anything was proposed.
const REFUSED: &[Error] = &[Error::NoLeader, Error::TooManyRequests];

#[derive(Clone)]
pub struct EtcdFaults {
    pub faults: Faults,
    pub revisions: RevisionLog,
    pub rng: Arc<Mutex<Rng>>,
}

impl EtcdFaults {
    fn draw<T: Copy>(&self, choices: &[T]) -> T {
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        choices[rng.random_range(0..choices.len())]
    }

    /// An error that fits, or none: no answer at all.
    fn failure(&self, applied: bool) -> Injection {
        let mut errors: Vec<Option<Error>> = UNSURE.iter().copied().map(Some).collect();
        errors.extend([None, None]);
        if !applied {
            errors.extend(REFUSED.iter().copied().map(Some));
        }
        let drawn = self.draw(&errors);
        let error = drawn.unwrap_or(Error::Timeout);
        let after = if drawn.is_none() { NEVER } else { Duration::ZERO };
        Injection { failure: Some(Failure { error, applied }), after, ..Injection::default() }
    }

    /// The first active fault of a host that `pick` wants.
    fn of<T>(&self, peer: &str, pick: impl Fn(&FaultKind) -> Option<T>) -> Option<(usize, T)> {
        let host = host_of(peer);
        self.faults.find(|what| match what.instance() {
            Some(instance) if instance_name(instance) == host => pick(what),
            _ => None,
        })
    }

    fn strike<T>(&self, peer: &str, pick: impl Fn(&FaultKind) -> Option<(u64, T)>) -> Option<T> {
        let host = host_of(peer);
        let struck = self.faults.strike(|what| match what.instance() {
            Some(instance) if instance_name(instance) == host => pick(what),
            _ => None,
        });
        struck.map(|(_, found)| found)
    }

    /// What becomes of a request that is no transaction.
    fn other(&self, call: &Call<'_>) -> Injection {
        let Some(kind) = asked(call.method) else { return Injection::default() };
        let applied = self.strike(call.peer, |what| match what {
            FaultKind::EtcdFail { count, asked, effect, .. } if *asked == kind => {
                // Who has given up on it does not learn of a late effect either.
                Some((*count, *effect != Effect::Dropped))
            }
            _ => None,
        });
        let Some(applied) = applied else { return Injection::default() };
        let verb = if applied { "after" } else { "without" };
        let text = format!("{kind:?} is not answered, {verb} its effect");
        self.revisions.note(host_of(call.peer), &text);
        self.failure(applied)
    }

    /// Faults of a member hit everything that is asked of it.
    fn count(&self, member: usize) {
        let hit = self.faults.find(|what| {
            let hit = match what {
                FaultKind::EtcdElect {} => true,
                FaultKind::EtcdIsolate { member: hit } | FaultKind::EtcdLag { member: hit } => {
                    *hit == member + 1
                }
                _ => false,
            };
            hit.then_some(())
        });
        if let Some((index, ())) = hit {
            self.faults.hit(index, 1);
        }
    }
}

fn asked(method: Method) -> Option<Asked> {
    match method {
        Method::Range => Some(Asked::Range),
        Method::Watch => Some(Asked::Watch),
        Method::LeaseGrant => Some(Asked::LeaseGrant),
        Method::LeaseKeepAlive => Some(Asked::LeaseKeepAlive),
        Method::LeaseRevoke => Some(Asked::LeaseRevoke),
        Method::Compact => Some(Asked::Compact),
        _ => None,
    }
}

impl etcd::Faults for EtcdFaults {
    fn decide(&self, call: &Call<'_>) -> Injection {
        self.count(call.member);
        if call.method != Method::Txn {
            return self.other(call);
        }
        let effect = self.strike(call.peer, |what| match what {
            FaultKind::LostAnswer { count, effect: Effect::Applied, .. } => Some((*count, true)),
            FaultKind::LostAnswer { count, effect: Effect::Dropped, .. } => Some((*count, false)),
            _ => None,
        });
        let Some(applied) = effect else { return Injection::default() };
        let injection = self.failure(applied);
        self.revisions.lost(host_of(call.peer), applied);
        injection
    }

    fn failed(&self, _: &Call<'_>, error: Error) {
        let full = |what: &FaultKind| matches!(what, FaultKind::EtcdNoSpace {}).then_some(());
        if error == Error::NoSpace
            && let Some((index, ())) = self.faults.find(full)
        {
            self.faults.hit(index, 1);
        }
    }

    fn postpone(&self, call: &Call<'_>) -> Option<Duration> {
        self.strike(call.peer, |what| match what {
            FaultKind::LostAnswer { count, effect: Effect::Late, .. } => Some((*count, ())),
            _ => None,
        })?;
        self.revisions.note(host_of(call.peer), "delayed txn");
        let [least, greatest] = POSTPONED_MS;
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        Some(Duration::from_millis(rng.random_range(least..=greatest)))
    }

    fn watching(&self, peer: &str) -> Watching {
        let broken =
            self.of(peer, |what| matches!(what, FaultKind::WatchBreak { .. }).then_some(()));
        let lag = self.of(peer, |what| match what {
            FaultKind::WatchLag { lag_ms, .. } => Some(Duration::from_millis(*lag_ms)),
            _ => None,
        });
        if let Some((index, ())) = broken {
            self.faults.hit(index, 1);
        }
        Watching {
            lag: lag.map_or(Duration::ZERO, |(_, lag)| lag),
            broken: broken.map(|_| Error::NoLeader),
        }
    }

    fn lagged(&self, peer: &str) {
        let lag = self.of(peer, |what| matches!(what, FaultKind::WatchLag { .. }).then_some(()));
        if let Some((index, ())) = lag {
            self.faults.hit(index, 1);
        }
    }

    /// Only commits: a store that also forgot to tell of the mode would break a promise that
    /// nothing can make up for.
    fn forgets(&self, peer: &str, key: &[u8]) -> bool {
        let is_commit = key.windows(5).any(|part| part == b"/log/");
        let loss = |what: &FaultKind| match what {
            FaultKind::WatchLoss { count, .. } => Some((*count, ())),
            _ => None,
        };
        is_commit && self.strike(peer, loss).is_some()
    }
}
