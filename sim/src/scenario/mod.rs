//! Scenarios: each makes a plan from a seed.

mod chaos;
mod draw;
mod imports;
mod maintenance;
mod swarm;

pub use draw::Draw;
pub use imports::IMPORT_POINTS;

use crate::plan::Plan;

pub struct Scenario {
    pub name: &'static str,
    /// One sentence for `list`.
    pub about: &'static str,
    make: fn(&mut Draw) -> Plan,
}

pub const ALL: &[Scenario] = &[
    Scenario {
        name: "maintenance-under-load",
        about: "maintenance goes on and off under load on three instances, one of them cut off",
        make: maintenance::under_load,
    },
    Scenario {
        name: "export-under-load",
        about: "exports from every instance at any time, while clients write and things fail",
        make: chaos::export_under_load,
    },
    Scenario {
        name: "import-round-trip",
        about: "an export is imported into the system it came from; damaged ones are refused",
        make: imports::round_trip,
    },
    Scenario {
        name: "restore-over-changed-data",
        about: "an old export is restored over data that changed since, under faults",
        make: imports::restore,
    },
    Scenario {
        name: "import-killed",
        about: "the importing instance dies at one step of the import after the other",
        make: imports::killed,
    },
    Scenario {
        name: "load-with-faults",
        about: "clients work while processes, links, storage and clocks fail in every way there is",
        make: chaos::load_with_faults,
    },
    Scenario {
        name: "feed-gap",
        about: "watches lag, break and forget commits while clients write",
        make: chaos::feed_gap,
    },
];

impl Scenario {
    pub fn find(name: &str) -> Option<&'static Scenario> {
        ALL.iter().find(|scenario| scenario.name == name)
    }

    pub fn plan(&self, seed: u64) -> Plan {
        let mut draw = Draw::new(self.name, seed);
        (self.make)(&mut draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_makes_valid_plans_and_the_same_ones_for_the_same_seed() {
        for scenario in ALL {
            for seed in 0..50 {
                let plan = scenario.plan(seed);
                assert_eq!(plan.name(), format!("{}-{seed}", scenario.name));
                assert_eq!(Plan::parse("made", &plan.to_toml()).unwrap(), plan);
                assert_eq!(scenario.plan(seed), plan);
                assert!(!plan.faults.is_empty(), "{}", plan.name());
            }
        }
    }
}
