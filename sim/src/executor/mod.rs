//! Executors on simulated hosts: the protocol to runservice over HTTP, a journal that outlives the
//! process, and a machine whose steps are scripts.
//!
//! A machine is a host of its own: its steps go on when the executor's process dies, and die when
//! its power does. It tells the ledger of every start and end of a step.

mod agent;
mod archives;
mod beat;
mod claims;
mod disks;
mod ends;
mod journal;
mod lies;
mod machine;
mod ship;

pub use agent::Executor;
pub use archives::saved_bytes;
pub use disks::Disks;
pub use machine::Machine;
