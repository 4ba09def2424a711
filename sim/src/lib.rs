//! The simulator of Drydock.
//!
//! | module | holds |
//! |---|---|
//! | [`plan`] | everything that a run depends on, as data |
//! | [`scenario`] | makes plans from seeds |
//! | [`world`] | hosts, network and time |
//! | [`fault`] | which faults are active, and what they hit |
//! | [`recorder`] | all events in order, and their fingerprint |
//! | [`history`] | what clients asked and were told |
//! | [`timeline`] | what really happened |
//! | [`storage`] | coordination and objects of a run |
//! | [`workload`] | clients and the operator |
//! | [`product`] | the product on simulated hosts, and what it logs |
//! | [`check`] | the oracles |
//! | [`shim`] | time and randomness of libraries that ask the operating system |
//! | [`against`] | the same workload and oracles on a deployment |
//! | [`run`] | one plan, run in this process, and the states that it reached |
//! | [`fleet`] | many plans, each in a process of its own |
//! | [`command`] | the commands of `drydock-sim` |

pub mod against;
pub mod check;
pub mod command;
pub mod exit;
pub mod fault;
pub mod fleet;
pub mod history;
pub mod outcome;
pub mod plan;
pub mod product;
pub mod recorder;
pub mod report;
pub mod run;
pub mod scenario;
pub mod shim;
pub mod storage;
pub mod timeline;
pub mod workload;
pub mod world;

#[cfg(not(tokio_unstable))]
compile_error!("the simulator needs `--cfg tokio_unstable`: see .cargo/config.toml");
