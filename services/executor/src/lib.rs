//! The executor: runs the steps of attempts on this machine.
//!
//! The supervisor runs one attempt (`supervisor`), in a folder in which it and the executor meet
//! (`attempt`), and masks its logs (`mask`). A driver starts supervisors and finds them again
//! (`driver`, `process_driver`), and
//! reads their logs (`log_files`). The executor's promises are on disk (`journal`), and what it and
//! runservice say to each other is the `protocol`.
//!
//! What steps save and restore is packed and unpacked in processes of its own (`archive`).
//!
//! Absent so far: caches; other drivers than that of processes.

pub mod archive;
pub mod archive_files;
pub mod attempt;
pub mod driver;
pub mod journal;
pub mod log_files;
pub mod machine;
pub mod mask;
pub mod process_driver;
pub mod protocol;
pub mod supervisor;
