//! The executor: runs the steps of attempts on this machine.
//!
//! So far there is what needs no service: the supervisor of one attempt (`supervisor`), the folder
//! in which it and the executor meet (`attempt`), and the masker of its logs (`mask`).
//!
//! Absent so far: the protocol to runservice, claims, heartbeats and the shipping of logs; the
//! packing and unpacking of workspaces, archives and caches; other drivers than that of processes.

pub mod attempt;
pub mod mask;
pub mod supervisor;
