//! A harness for deterministic simulations of distributed systems that run on tokio.
//!
//! | module | holds |
//! |---|---|
//! | [`world`] | hosts, network, disks and time, on turmoil |
//! | [`world::shim`] | time and randomness of libraries that ask the operating system |
//! | [`fault`] | faults as acts on hosts, which of them are active, and what they hit |
//! | [`record`] | all events in order, their fingerprint, and the trace: the same with causes |
//! | [`history`] | what clients asked and were told, and whether one order explains it |
//! | [`page`] | a page that shows the trace of a run |
//! | [`fleet`] | plans as files, each run in a process of its own; exit codes |
//! | [`report`] | what came of one run and of many |
//!
//! The system under test is what is handed to [`world::Cluster::host`]: a name, a
//! [`Stop`](world::Stop) and a closure that makes the process's future, again after every death.
//!
//! Invariants: a run depends on its plan and on the binary, on nothing else; a fault that hit
//! nothing is reported as inert; oracles compare the numbers of events, never times.
//!
//! Deliberately absent: storage services (`drydock-sim-etcd` and `drydock-sim-s3` are two), what
//! plans say beyond scenario and seed, workloads, oracles, and threads: everything runs on one.

pub mod fault;
pub mod fleet;
pub mod history;
pub mod page;
pub mod record;
pub mod report;
pub mod world;

#[cfg(not(tokio_unstable))]
compile_error!("simulations need `--cfg tokio_unstable`: see README.md");
