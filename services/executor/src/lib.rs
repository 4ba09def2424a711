//! The executor: runs the steps of attempts on this machine.
//!
//! So far there is what needs no service: the supervisor of one attempt (`supervisor`), the
//! folder in which it and the executor meet (`attempt`), the masker of its logs (`mask`), the
//! driver that starts supervisors and finds them again (`driver`, `process_driver`), and the
//! executor's promises on disk (`journal`).
//!
//! Absent so far: the protocol to runservice, claims, heartbeats and the shipping of logs; the
//! packing and unpacking of workspaces, archives and caches; other drivers than that of processes.

pub mod attempt;
pub mod driver;
pub mod journal;
pub mod mask;
pub mod process_driver;
pub mod supervisor;
