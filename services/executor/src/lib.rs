//! The executor: runs the steps of attempts on this machine.
//!
//! The supervisor runs one attempt (`supervisor`), in a folder in which it and the executor meet
//! (`attempt`), and masks its logs (`mask`). A driver starts supervisors and finds them again
//! (`driver`, `process_driver`), and
//! reads their logs (`log_files`). The executor's promises are on disk (`journal`), and what it and
//! runservice say to each other is the `protocol`.
//!
//! Absent so far: the packing and unpacking of archives and caches; other drivers than that of
//! processes.

pub mod attempt;
pub mod driver;
pub mod journal;
pub mod log_files;
pub mod machine;
pub mod mask;
pub mod process_driver;
pub mod protocol;
pub mod supervisor;
