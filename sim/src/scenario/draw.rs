//! The choices that make a plan out of a seed.

use drydock_core::env::{Rng, RngTree};
use rand::RngExt;

use crate::plan::{Fidelity, InstanceId, Topology};

pub struct Draw {
    pub scenario: &'static str,
    pub seed: u64,
    pub fidelity: Fidelity,
    rng: Rng,
}

impl Draw {
    pub fn new(scenario: &'static str, seed: u64, fidelity: Fidelity) -> Draw {
        let tree = RngTree::from_seed(seed).child("plan");
        Draw { scenario, seed, fidelity, rng: tree.stream(scenario) }
    }

    /// A number from `least` to `greatest`.
    pub fn number(&mut self, least: u64, greatest: u64) -> u64 {
        self.rng.random_range(least..=greatest)
    }

    pub fn count(&mut self, least: usize, greatest: usize) -> usize {
        self.rng.random_range(least..=greatest)
    }

    /// One of so many instances of configstore.
    pub fn configstore(&mut self, instances: usize) -> InstanceId {
        InstanceId::configstore(self.count(1, instances))
    }

    /// One of the instances of all services.
    pub fn instance(&mut self, topology: &Topology) -> InstanceId {
        let all: Vec<_> = topology.all_ids().collect();
        self.pick(&all)
    }

    /// True in `percent` of a hundred.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    /// # Panics
    /// If there is nothing to choose from.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.rng.random_range(0..choices.len())].clone()
    }
}
