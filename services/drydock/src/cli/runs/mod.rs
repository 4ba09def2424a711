//! `drydock run`: files that define runs, and runs through a gateway.
//!
//! | module | holds |
//! |---|---|
//! | [`check`] | the file, without any service |
//! | [`command`] | starting, listing, showing, changing runs; `drydock cache` |
//! | [`watch`], `tree` | a run until its end |
//! | [`logs`], `merge`, `terminal` | logs of a task's steps |
//! | `retry` | what goes on without an answer |

pub mod check;
pub mod command;
mod logs;
mod merge;
mod retry;
mod terminal;
mod tree;
mod watch;
