//! The executor's journal. Every change is on disk when the method returns, and outlives the
//! process and the machine's power.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use drydock_api::runservice::types::{AttemptId, ClaimId, Claimed, HeldAttempt, HeldState, Status};

use crate::history::Token;

/// Clones are of one journal.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    /// How often the executor was registered.
    registrations: u64,
    token: Option<Token>,
    session: u64,
    asked: BTreeSet<ClaimId>,
    attempts: BTreeMap<AttemptId, Held>,
    /// The results of attempts that are released.
    results: BTreeMap<AttemptId, Status>,
}

/// An attempt in the journal.
#[derive(Debug, Clone)]
pub struct Held {
    pub state: HeldState,
    pub claimed: Claimed,
    /// How it ended, once it has.
    pub result: Option<Status>,
}

impl Journal {
    /// A process begins: the number of its session.
    pub fn begin(&self) -> u64 {
        let mut pages = self.lock();
        pages.session += 1;
        pages.session
    }

    pub fn token(&self) -> Option<Token> {
        self.lock().token.clone()
    }

    /// The number of the next registration.
    pub fn registration(&self) -> u64 {
        self.lock().registrations + 1
    }

    /// Somebody registered the executor, and put its token here.
    pub fn install(&self, token: Token) {
        let mut pages = self.lock();
        pages.registrations += 1;
        pages.token = Some(token);
    }

    /// The registration was ended: everything of it is forgotten.
    pub fn wipe(&self) {
        let mut pages = self.lock();
        let registrations = pages.registrations;
        *pages = Pages { registrations, session: pages.session, ..Pages::default() };
    }

    /// A claim that yielded nothing yet, or a new one.
    pub fn ask(&self, new: impl FnOnce() -> ClaimId) -> ClaimId {
        let mut pages = self.lock();
        match pages.asked.first() {
            Some(claim) => *claim,
            None => {
                let claim = new();
                pages.asked.insert(claim);
                claim
            }
        }
    }

    /// Nothing will come of a claim any more.
    pub fn give_up(&self, claim: ClaimId) {
        self.lock().asked.remove(&claim);
    }

    pub fn claimed(&self, claim: ClaimId, claimed: Claimed) {
        let mut pages = self.lock();
        pages.asked.remove(&claim);
        let held = Held { state: HeldState::Claimed, claimed, result: None };
        pages.attempts.entry(held.claimed.attempt.id).or_insert(held);
    }

    pub fn advance(&self, attempt: AttemptId, state: HeldState) {
        if let Some(held) = self.lock().attempts.get_mut(&attempt) {
            held.state = held.state.max(state);
        }
    }

    pub fn exited(&self, attempt: AttemptId, result: Status) {
        if let Some(held) = self.lock().attempts.get_mut(&attempt) {
            held.state = HeldState::Exited;
            held.result = Some(result);
        }
    }

    pub fn release(&self, attempt: AttemptId) {
        let mut pages = self.lock();
        let released = pages.attempts.remove(&attempt);
        if let Some(result) = released.and_then(|held| held.result) {
            pages.results.insert(attempt, result);
        }
    }

    /// The result of an attempt that is released.
    pub fn kept(&self, attempt: AttemptId) -> Option<Status> {
        self.lock().results.get(&attempt).cloned()
    }

    pub fn asked(&self) -> BTreeSet<ClaimId> {
        self.lock().asked.clone()
    }

    pub fn attempts(&self) -> BTreeMap<AttemptId, Held> {
        self.lock().attempts.clone()
    }

    /// What a heartbeat says.
    pub fn held(&self) -> Vec<HeldAttempt> {
        let pages = self.lock();
        let held = pages.attempts.iter();
        held.map(|(attempt, held)| HeldAttempt { attempt: *attempt, state: held.state }).collect()
    }

    /// The attempts that have not ended.
    pub fn active(&self) -> usize {
        self.lock().attempts.values().filter(|held| held.state < HeldState::Exited).count()
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().expect("no holder of this lock panics")
    }
}
