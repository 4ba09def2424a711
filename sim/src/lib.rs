//! The simulator of Drydock: its topology, workloads, oracles and scenarios, on `drydock-harness`,
//! `drydock-sim-etcd` and `drydock-sim-s3`.
//!
//! | module | holds |
//! |---|---|
//! | [`plan`] | everything that a run depends on, as data |
//! | [`scenario`] | makes plans from seeds |
//! | [`history`] | what clients asked and were told |
//! | [`timeline`] | what really happened |
//! | [`storage`] | coordination and objects of a run |
//! | [`workload`] | clients and the operator |
//! | [`executor`] | executors with machines of their own, on simulated hosts |
//! | [`product`] | the product on simulated hosts, and what it logs |
//! | [`check`] | the oracles |
//! | [`against`] | the same workload and oracles on a deployment |
//! | [`run`] | one plan, run in this process, and the states that it reached |
//! | [`command`] | the commands of `drydock-sim` |

pub mod against;
pub mod check;
pub mod command;
pub mod executor;
pub mod history;
pub mod plan;
pub mod product;
pub mod run;
pub mod scenario;
pub mod storage;
pub mod timeline;
pub mod workload;

#[cfg(not(tokio_unstable))]
compile_error!("the simulator needs `--cfg tokio_unstable`: see .cargo/config.toml");
