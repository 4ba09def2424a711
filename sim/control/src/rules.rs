//! Which requests a fault strikes.
//!
//! Rules are asked in the order of their ids, and the first that strikes decides. Each draws from a
//! stream of its own, made of the seed and its id, once for every request that it could strike: the
//! same seed, rules and requests in the same order give the same strikes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::process::{Error, Result};

/// What may be done to a request of one of the servers.
pub trait Fault: Clone + Serialize + DeserializeOwned + Send + 'static {
    /// Names of what is asked of the server.
    fn methods() -> Vec<String>;

    /// Why a rule makes no sense, if it does not.
    fn check(rule: &Rule<Self>) -> Result<()>;
}

/// One fault, and when it strikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule<F> {
    /// Strikes only requests of these methods; empty: requests of all methods.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Strikes only requests whose first key begins so.
    #[serde(default)]
    pub key_prefix: String,
    /// Strikes only requests to this member of a cluster, counted from 0.
    #[serde(default)]
    pub member: Option<usize>,
    /// So many requests that it could strike pass first.
    #[serde(default)]
    pub skip: u64,
    /// The greatest number of strikes; absent: there is no limit.
    #[serde(default)]
    pub count: Option<u64>,
    /// How often it strikes where it could: 1 is always.
    #[serde(default = "always")]
    pub probability: f64,
    pub fault: F,
}

fn always() -> f64 {
    1.0
}

/// A request, as far as rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub method: &'a str,
    pub key: &'a [u8],
    pub member: usize,
}

/// A rule that strikes.
#[derive(Debug, Clone, PartialEq)]
pub struct Strike<F> {
    pub id: u64,
    pub fault: F,
    /// A random number, for the parts of the fault that are random, such as a jitter.
    pub draw: u64,
}

/// A rule with what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Told<F> {
    id: u64,
    /// Requests that it could have struck.
    matched: u64,
    struck: u64,
    #[serde(flatten)]
    rule: Rule<F>,
    #[serde(skip)]
    rng: ChaCha12Rng,
}

pub struct Rules<F> {
    seed: u64,
    /// Of a cluster; 0: the server is none.
    members: usize,
    state: Mutex<State<F>>,
}

struct State<F> {
    next_id: u64,
    rules: BTreeMap<u64, Told<F>>,
}

impl<F: Fault> Rules<F> {
    pub fn new(seed: u64, members: usize) -> Rules<F> {
        Rules { seed, members, state: Mutex::new(State { next_id: 1, rules: BTreeMap::new() }) }
    }

    pub fn add(&self, rule: Rule<F>) -> Result<Told<F>> {
        let known = F::methods();
        if let Some(other) = rule.methods.iter().find(|method| !known.contains(method)) {
            let known = known.join("`, `");
            return Err(Error(format!("`{other}` is none of the methods `{known}`")));
        }
        if !(0.0..=1.0).contains(&rule.probability) {
            return Err(Error(format!("{} is no probability from 0 to 1", rule.probability)));
        }
        if let Some(member) = rule.member.filter(|member| *member >= self.members) {
            return Err(Error(format!("there is no member {member}")));
        }
        F::check(&rule)?;
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        // No two pairs of seed and id share a stream.
        let mut rng = ChaCha12Rng::seed_from_u64(self.seed);
        rng.set_stream(id);
        let told = Told { id, matched: 0, struck: 0, rule, rng };
        state.rules.insert(id, told.clone());
        Ok(told)
    }

    pub fn list(&self) -> Vec<Told<F>> {
        self.lock().rules.values().cloned().collect()
    }

    /// Answers the rule that is gone, if there was one.
    pub fn remove(&self, id: u64) -> Option<Told<F>> {
        self.lock().rules.remove(&id)
    }

    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// Asks those rules about a request whose faults are of a kind.
    pub fn strike(&self, asked: Asked<'_>, of_kind: impl Fn(&F) -> bool) -> Option<Strike<F>> {
        let mut state = self.lock();
        let mut rules = state.rules.values_mut().filter(|told| of_kind(&told.rule.fault));
        rules.find_map(|told| told.ask(asked))
    }

    /// The fault of the first rule that is of a kind. It counts as a strike only once it is said to
    /// be one.
    pub fn standing<T>(&self, of_kind: impl Fn(&F) -> Option<T>) -> Option<(u64, T)> {
        let state = self.lock();
        state.rules.values().find_map(|told| Some((told.id, of_kind(&told.rule.fault)?)))
    }

    pub fn count_strike(&self, id: u64) {
        if let Some(told) = self.lock().rules.get_mut(&id) {
            told.matched += 1;
            told.struck += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Fault> Told<F> {
    fn ask(&mut self, asked: Asked<'_>) -> Option<Strike<F>> {
        let Rule { methods, key_prefix, member, skip, count, probability, fault } = &self.rule;
        let fits = (methods.is_empty() || methods.iter().any(|method| method == asked.method))
            && asked.key.starts_with(key_prefix.as_bytes())
            && member.is_none_or(|member| member == asked.member);
        if !fits || count.is_some_and(|count| self.struck >= count) {
            return None;
        }
        self.matched += 1;
        if self.matched <= *skip {
            return None;
        }
        let (chance, draw): (f64, u64) = (self.rng.random(), self.rng.random());
        if chance >= *probability {
            return None;
        }
        self.struck += 1;
        Some(Strike { id: self.id, fault: fault.clone(), draw })
    }
}
