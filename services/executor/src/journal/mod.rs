//! What the executor has promised, on disk before it acts: one durable record for each step of
//! `asked → claimed → spawned → exited → sent → released`.
//!
//! A record is one line: a digest and JSON. The last line may be torn by a crash, and is dropped
//! then; the step that it was for has not been taken. Damage before the last line is an error: what
//! is missing there may be a promise. The file is written anew at each start, without what is over.
//!
//! Beside it stand the results of the latest attempts, whether they are released or not.
//!
//! Two executors must not have one journal: the executor's own lock sees to that.

mod file;
mod held;
mod memory;
mod records;
mod results;
#[cfg(test)]
mod tests;

pub use file::{Journal, JournalError};
pub use held::{Held, Record, UnreleasedAttempt};
pub use memory::MemoryJournal;
pub use records::Records;
