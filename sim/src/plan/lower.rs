//! A plan as the harness needs it.

use drydock_harness::fault::Scheduled;
use drydock_harness::world;

use super::hosts::etcd_name;
use super::{Fidelity, Plan};

impl Plan {
    /// The plan's faults, in its order: they go by their indexes.
    pub fn scheduled(&self) -> Vec<Scheduled> {
        let members: Vec<_> = match self.fidelity {
            Fidelity::Wire => (1..=self.topology.etcd_members).map(etcd_name).collect(),
            Fidelity::Direct | Fidelity::Embedded => Vec::new(),
        };
        self.faults.iter().map(|fault| fault.lower(&members)).collect()
    }

    /// What its world is made with.
    pub fn world(&self) -> world::Settings {
        world::Settings {
            seed: self.seed,
            epoch: self.epoch,
            tick_ms: self.tick_ms,
            load_ms: self.load_ms,
            end_ms: self.end_ms(),
            latency_ms: self.topology.latency_ms,
        }
    }
}
