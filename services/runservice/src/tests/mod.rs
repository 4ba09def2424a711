//! Tests of the actions on a store.

mod archives;
mod blobs;
mod denied_logs;
mod events;
mod executors;
pub mod harness;
mod http;
mod log_expiry;
mod log_pieces;
pub mod logs;
mod restarts;
mod runs;
mod schema;
mod time;
mod uploads;
