//! The plan's faults as etcd's clients meet them.
//!
//! What is refused before a proposal has no effect; what a proposal may still come to can be
//! answered with any error of those who no longer wait for it, or not at all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_core::env::Rng;
use rand::RngExt;

use crate::plan::fault::{Asked, Effect, EtcdFault, FaultKind};
use crate::plan::hosts::host_of;
use crate::storage::StorageFaults;
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
    pub faults: StorageFaults,
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
            Some(instance) if instance.host() == host => pick(what),
            _ => None,
        })
    }

    fn strike<T>(&self, peer: &str, pick: impl Fn(&FaultKind) -> Option<(u64, T)>) -> Option<T> {
        let host = host_of(peer);
        let struck = self.faults.strike(|what| match what.instance() {
            Some(instance) if instance.host() == host => pick(what),
            _ => None,
        });
        struck.map(|(_, found)| found)
    }

    /// What becomes of a request that is no transaction.
    fn other(&self, call: &Call<'_>) -> Injection {
        let Some(kind) = Asked::of(call.method) else { return Injection::default() };
        let applied = self.strike(call.peer, |what| what.etcd()?.fails(kind));
        let Some(applied) = applied else { return Injection::default() };
        let verb = if applied { "after" } else { "without" };
        let text = format_args!("{kind:?} is not answered, {verb} its effect");
        self.revisions.note(host_of(call.peer), text);
        self.failure(applied)
    }

    /// Faults of a member hit everything that is asked of it.
    fn count(&self, member: usize) {
        let hits = |what: &FaultKind| what.etcd()?.hits_requests_to(member).then_some(());
        let hit = self.faults.find(hits);
        if let Some((index, ())) = hit {
            self.faults.hit(index, 1);
        }
    }
}

impl etcd::Faults for EtcdFaults {
    fn decide(&self, call: &Call<'_>) -> Injection {
        self.count(call.member);
        if call.method != Method::Txn {
            return self.other(call);
        }
        let effect = self.strike(call.peer, |what| match what.coordination()?.loses_answers()? {
            (count, Effect::Applied) => Some((count, true)),
            (count, Effect::Dropped) => Some((count, false)),
            (_, Effect::Late) => None,
        });
        let Some(applied) = effect else { return Injection::default() };
        let injection = self.failure(applied);
        self.revisions.lost(host_of(call.peer), applied);
        injection
    }

    fn failed(&self, _: &Call<'_>, error: Error) {
        let full = |what: &FaultKind| matches!(what.etcd()?, EtcdFault::NoSpace {}).then_some(());
        if error == Error::NoSpace
            && let Some((index, ())) = self.faults.find(full)
        {
            self.faults.hit(index, 1);
        }
    }

    fn postpone(&self, call: &Call<'_>) -> Option<Duration> {
        self.strike(call.peer, |what| match what.coordination()?.loses_answers()? {
            (count, Effect::Late) => Some((count, ())),
            _ => None,
        })?;
        self.revisions.note(host_of(call.peer), format_args!("delayed txn"));
        let [least, greatest] = POSTPONED_MS;
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        Some(Duration::from_millis(rng.random_range(least..=greatest)))
    }

    fn watching(&self, peer: &str) -> Watching {
        let broken = self.of(peer, |what| what.watch()?.breaks().then_some(()));
        let lag = self.of(peer, |what| what.watch()?.lag_ms().map(Duration::from_millis));
        if let Some((index, ())) = broken {
            self.faults.hit(index, 1);
        }
        Watching {
            lag: lag.map_or(Duration::ZERO, |(_, lag)| lag),
            broken: broken.map(|_| Error::NoLeader),
        }
    }

    fn lagged(&self, peer: &str) {
        let lag = self.of(peer, |what| what.watch()?.lag_ms());
        if let Some((index, _)) = lag {
            self.faults.hit(index, 1);
        }
    }

    fn forgets(&self, peer: &str, key: &[u8]) -> bool {
        self.strike(peer, |what| Some((what.watch()?.forgets(key)?, ()))).is_some()
    }
}
