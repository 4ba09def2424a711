//! The protocol between an executor and runservice: sessions, heartbeats, claims, reports, logs,
//! release.
//!
//! Everything outside comes in by a seam: time and ids by `Env` and tokio, the service by a client
//! over `Net`, the disk by [`Records`](crate::journal::Records), attempts by
//! [`Driver`](crate::driver::Driver). So a simulation runs this very code with a driver of its own.
//!
//! | file | holds |
//! |---|---|
//! | `executor` | the loop: everything that the executor decides, in one task |
//! | `attempt` | one attempt: from its claim to its release |
//! | `claims` | which claim is asked for next, and what its answer means |
//! | `reports` | sending the end of an attempt until the service has it |
//! | `heartbeats` | a task of its own, so that nothing else delays a heartbeat |
//! | `shipping`, `shipper` | a task for each attempt, which sends its logs until it is released |
//! | `archives`, `transfers` | a task for each attempt whose archives are on their way |
//! | `caches` | what steps wait for that restore caches, and what they save for them |
//! | `position` | how far the sending of one log is |
//! | `task`, `status` | a claimed task for the driver; an outcome for the service |
//!
//! Invariants: a claim is in the journal before it is sent, and an attempt before it is started. An
//! attempt that may have begun is never begun again. Nothing of an attempt is removed before the
//! service has released it: no error of a call, whatever its status, means that it may be. The end
//! of an attempt does not wait for its logs, nor do heartbeats and claims. It is no success before
//! all that the attempt has saved is stored. What it has saved for a cache is stored before its end
//! is reported, if that can be: no attempt fails for a cache.

mod archives;
mod attempt;
mod caches;
mod claims;
mod executor;
mod heartbeats;
mod known;
mod pause;
mod position;
mod reports;
mod settings;
mod shipper;
mod shipping;
mod status;
mod task;
mod transfers;

pub use executor::{Ended, Executor, ExecutorError, Parts, Shutdown};
pub use settings::ProtocolSettings;
