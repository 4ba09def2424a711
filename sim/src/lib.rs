//! The simulator of Drydock.
//!
//! | module | holds |
//! |---|---|
//! | [`plan`] | everything that a run depends on, as data |
//! | [`scenario`] | makes plans from seeds |
//! | [`world`] | hosts, network and time |
//! | [`fault`] | what may go wrong, and what it hit |
//! | [`recorder`] | all events in order, and their fingerprint |
//! | [`history`] | what clients asked and were told |
//! | [`truth`] | what really happened |
//! | [`export`] | exports, read independently |
//! | [`storage`] | coordination and objects of a run |
//! | [`workload`] | clients and the operator |
//! | [`service`] | the product on a simulated host |
//! | [`gateway`] | a gateway on a simulated host |
//! | [`log`] | what the product logs, searched for secrets |
//! | [`check`] | the oracles |
//! | [`probes`] | states worth reaching |
//! | [`shim`] | time and randomness of libraries that ask the operating system |
//! | [`against`] | the same workload and oracles on a deployment |
//! | [`runner`] | one plan, run in this process |
//! | [`fleet`] | many plans, each in a process of its own |
//! | [`command`] | the commands of `drydock-sim` |

pub mod against;
pub mod check;
pub mod command;
pub mod exit;
pub mod export;
pub mod fault;
pub mod fleet;
pub mod gateway;
pub mod history;
pub mod log;
pub mod outcome;
pub mod plan;
pub mod probes;
pub mod recorder;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod service;
pub mod shim;
pub mod storage;
pub mod stored;
pub mod truth;
pub mod witness;
pub mod workload;
pub mod world;

#[cfg(not(tokio_unstable))]
compile_error!("the simulator needs `--cfg tokio_unstable`: see .cargo/config.toml");
