//! The supervisor of one attempt: the command `drydock supervise`, a process of its own that the
//! executor starts and may leave.
//!
//! It runs the steps one after the other, writes their masked output and their result to the
//! attempt's folder, and lets no process of them live on. It has a single thread and no runtime: it
//! waits with `poll` for output, ends of processes and deadlines, and looks for orders to stop.
//!
//! Invariants: of two supervisors of a folder one gives up (`lock`), and none begins what another
//! has begun (`started`). A result is whole or not there. Its own death is no success.
//!
//! Absent: anything about the service; terminals.

mod archives;
mod attempt;
mod caches;
mod cgroup;
mod clock;
mod environment;
mod log;
mod orders;
mod process;
mod secrets;
mod setup;
mod step;
mod supervise;
mod tree;

pub use archives::{PACK, UNPACK};
pub use caches::{RESTORE_CACHE, SAVE_CACHE};
pub use cgroup::clear as clear_cgroup;
pub use clock::monotonic_ms;
pub use environment::STEP_VARIABLES;
pub use supervise::{SuperviseError, supervise};
pub use tree::kill_attempt;
