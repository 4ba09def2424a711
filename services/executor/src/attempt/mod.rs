//! The folder of one attempt: what the executor and the supervisor say to each other, as files.
//!
//! | file | written by | holds |
//! |---|---|---|
//! | `task.json` | executor | what to run, secrets too; the supervisor removes it at the end |
//! | `lock` | both | `flock`, held for the supervisor's life |
//! | `started` | supervisor | made once, before the first step: it is never begun again |
//! | `stop.json` | executor | the order to stop |
//! | `log.000`, `log.001`, … | supervisor | masked output: of the setup, of the first step, … |
//! | `archive.000`, … | supervisor | what the first step saves, … |
//! | `cache.keys` | supervisor | the keys that a step wants to restore |
//! | `cache.000`, … | executor | what the cache has for the first step, … |
//! | `restore` | executor | what the attempt restores, whole or not there |
//! | `conflicts` | supervisor | files of that which tasks have made differently |
//! | `result.json` | supervisor | how the attempt ended, whole or not there |
//! | `task/` | steps | home, working folder, temporary files, scripts, `mask` |

mod archives;
mod caches;
mod files;
mod folder;
mod outcome;
mod task;

pub use archives::Frame;
pub use caches::{FOUND, FoundCache, NOTHING, PENDING, WantedCache, is_key, read_line};
pub use drydock_api::runservice::types::{AttemptPhase, LogReport, Reason, StepExit, StepWhen};
pub use files::{
    append_new, create, create_new, open_to_write, overwrite, read_json, sync_folder, write_json,
};
pub use folder::{AttemptFolder, Lock};
pub use outcome::{Outcome, SavedCache, StepOutcome};
pub use task::{
    CacheContext, Limits, LogLimit, StepAction, Stop, StopSignal, Task, TaskStep, User,
};
