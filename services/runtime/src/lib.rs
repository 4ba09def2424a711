//! How a service starts, lives and stops. The binary, the tests and the simulator start one in the
//! same way, each with its own seams.
//!
//! | module | holds |
//! |---|---|
//! | [`settings`] | everything that can be set for one instance |
//! | [`start`], [`start_stateless`] | the ways in: one call for every service |
//! | [`Service`] | what a service is to the runtime |
//! | `stored` | the parts of an instance with a store, put together |
//! | `stateless` | an instance without one |
//! | `maintenance` | the driver of the core's state machine |
//! | `modes` | what the coordination store says of the mode |
//! | `instance` | this instance's leased key |
//! | [`routes`] | maintenance, export, import and lineages over HTTP |
//! | `operator` | what an operator may do |
//! | [`encryption`] | what is encrypted at rest |
//! | `tasks` | the store's background tasks |
//! | `health` | readiness and metrics |
//!
//! Architecture invariant: nothing here knows whether it is simulated.

pub mod encryption;
mod health;
mod instance;
mod maintenance;
mod modes;
mod operator;
pub mod routes;
mod service;
pub mod settings;
mod start;
mod stateless;
mod stored;
mod tasks;

pub use service::{Service, ServiceParts, Stateless, stateless_table, table};
pub use settings::{Settings, StatelessSettings};
pub use start::{start, start_stateless};
pub use stored::{Deps, StartError};
