//! Runservice: runs, their tasks and attempts, and the executors that run them.
//!
//! A request's path reads downwards with the same noun on each floor: [`routes`], `handlers` (HTTP
//! to types and back), `action` (decides, inside a transaction), [`engine`] (what follows from a
//! state, as pure functions) and `model` (SQL). `logs`, `archives` and `caches` hold what is no
//! commit, and `blobs` what they have in common. `background` is the background work.

mod action;
mod archives;
mod background;
mod blobs;
mod caches;
pub mod engine;
mod fitness;
mod following;
mod handlers;
mod liveness;
mod logs;
mod model;
mod periodic;
pub mod record;
mod routes;
pub mod schema;
mod service;
mod settings;
mod state;
mod uploads;
mod waiters;

pub use schema::SCHEMA;
pub use service::Runservice;
pub use settings::Settings;
pub use state::RunserviceState;

#[cfg(test)]
mod tests;
