//! Scenarios: each makes a plan from a seed.

mod bugs;
mod chaos;
mod draw;
mod embedded;
mod gateway;
mod imports;
mod losses;
mod maintenance;
mod partitions;
mod runs;
mod space;
mod steps;
mod swarm;
mod upgrades;
mod wire;

pub use draw::Draw;
pub use imports::IMPORT_POINTS;
pub use swarm::STEPS;

use crate::plan::{Fidelity, Plan};

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
        name: "maintenance-when-empty",
        about: "maintenance goes on and off before anything was written, while instances start",
        make: maintenance::when_empty,
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
    Scenario {
        name: "tasks-under-load",
        about: "archive, checkpoint, trim and collect run all the time while their holders fail",
        make: losses::tasks_under_load,
    },
    Scenario {
        name: "every-step",
        about: "the code points of the product, struck in every way, one after the other",
        make: steps::every_step,
    },
    Scenario {
        name: "coordination-lost",
        about: "the coordination store is replaced by an empty one, also while all are down",
        make: losses::coordination_lost,
    },
    Scenario {
        name: "partition",
        about: "two hosts lose sight of each other for a second, half a minute or ten minutes",
        make: partitions::partition,
    },
    Scenario {
        name: "old-etcd",
        about: "etcd has one of the bugs that it once had, and what brings it out happens",
        make: bugs::old_etcd,
    },
    Scenario {
        name: "embedded-crashes",
        about: "one process on the embedded store is killed, or loses its power at a write",
        make: embedded::crashes,
    },
    Scenario {
        name: "gateway",
        about: "people use rights that come and go, and operators work, at gateways that fail",
        make: gateway::people,
    },
    Scenario {
        name: "coordination-set-back",
        about: "the coordination store is restored from a backup that is some seconds old",
        make: losses::coordination_set_back,
    },
    Scenario {
        name: "coordination-torn",
        about: "set-backs, losses, recoveries cut short, imports, outages of objects, all at once",
        make: losses::coordination_torn,
    },
    Scenario {
        name: "objects-out",
        about: "object storage refuses everything until writes are refused, and comes back",
        make: losses::objects_out,
    },
    Scenario {
        name: "small-quota",
        about: "etcd has little space, which only compaction keeps from being used up",
        make: space::small_quota,
    },
    Scenario {
        name: "rolling-upgrade",
        about: "instances are replaced one by one by a version that writes more, while things fail",
        make: upgrades::rolling,
    },
    Scenario {
        name: "runs-under-load",
        about: "runs of every kind on executors, while everything fails in every way",
        make: runs::under_load,
    },
    Scenario {
        name: "executor-lost",
        about: "executors are cut off or gone for longer than their attempts may take",
        make: runs::executor_lost,
    },
    Scenario {
        name: "executor-restarts",
        about: "executors die at every step of theirs, alone or with their machines",
        make: runs::executor_restarts,
    },
    Scenario {
        name: "maintenance-with-running-tasks",
        about: "runservice is in maintenance while steps run and end",
        make: runs::maintenance,
    },
    Scenario {
        name: "import-with-running-tasks",
        about: "exports of running work are imported while executors hold attempts",
        make: runs::import,
    },
    Scenario {
        name: "log-tail-lost",
        about: "instances die that have the newest bytes of logs, which others read and follow",
        make: runs::log_tail_lost,
    },
    Scenario {
        name: "fair-share",
        about: "projects that always have ready tasks share few executors",
        make: runs::fair_share,
    },
];

impl Scenario {
    pub fn find(name: &str) -> Option<&'static Scenario> {
        ALL.iter().find(|scenario| scenario.name == name)
    }

    pub fn plan(&self, seed: u64, fidelity: Fidelity) -> Plan {
        let mut draw = Draw::new(self.name, seed, fidelity);
        let mut plan = (self.make)(&mut draw);
        if !plan.workload.weights.is_empty() {
            plan.workload.feasible_percent = swarm::feasible_percent(seed, fidelity);
        }
        // One that is about something else says so itself.
        if fidelity == Fidelity::Wire && plan.fidelity == Fidelity::Direct {
            wire::widen(&mut draw, &mut plan);
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use drydock_harness::fleet::Plan as _;

    use super::*;

    #[test]
    fn the_steps_are_the_code_points_of_the_product() {
        assert_eq!(points(&["../core/src", "../services/http/src"]), STEPS);
    }

    /// The names of all code points below some folders.
    fn points(below: &[&str]) -> Vec<String> {
        let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders: Vec<_> = below.iter().map(|folder| package.join(folder)).collect();
        let mut found = std::collections::BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = std::fs::read_to_string(path).unwrap();
                    let names = text.split("env.point(\"").skip(1);
                    let names = names.filter_map(|rest| rest.split_once('"'));
                    found.extend(names.map(|(name, _)| name.to_owned()));
                }
            }
        }
        found.into_iter().collect()
    }

    #[test]
    fn the_steps_of_runservice_are_its_code_points() {
        let mut found = points(&["../services/runservice/src"]);
        // Simulated executors have no caches.
        found.retain(|point| point != "cache.stored");
        assert_eq!(found, runs::SERVICE_STEPS);
    }

    #[test]
    fn every_scenario_makes_valid_plans_and_the_same_ones_for_the_same_seed() {
        for scenario in ALL {
            for (seed, fidelity) in (0..50).zip([Fidelity::Direct, Fidelity::Wire].repeat(25)) {
                let plan = scenario.plan(seed, fidelity);
                assert_eq!(plan.name(), format!("{}-{seed}", scenario.name));
                assert_eq!(Plan::parse("made", &plan.to_toml()).unwrap(), plan);
                assert_eq!(scenario.plan(seed, fidelity), plan);
                assert!(!plan.faults.is_empty(), "{}", plan.name());
            }
        }
    }
}
