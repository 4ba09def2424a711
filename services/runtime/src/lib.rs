//! The runtime of a service: its start, its work in normal mode and in maintenance, and its stop.
//! The binary, the tests and the simulator start a service in the same way, each with its own
//! seams.
//!
//! | module | holds |
//! |---|---|
//! | [`settings`] | the settings of one instance |
//! | [`start`], [`start_stateless`] | the entry points: one call starts an instance |
//! | [`Service`], [`Stateless`] | the traits that a service implements |
//! | `stored` | an instance with a store: its parts, put together |
//! | `stateless` | an instance without a store |
//! | `maintenance` | the driver of the core's state machine |
//! | `mode_watch` | the mode, as it is read from the coordination store |
//! | `instance` | this instance's leased key |
//! | [`routes`] | maintenance, export, import and lineages over HTTP |
//! | `operator` | the operations behind these routes |
//! | [`encryption`], [`encryptor`] | encryption at rest, and how actions use it |
//! | [`once`] | creations that may be repeated, and their stored answers |
//! | `tasks` | the store's background tasks |
//! | `health` | readiness and metrics |
//!
//! Architecture invariant: nothing here knows whether it is simulated.

pub mod encryption;
pub mod encryptor;
mod health;
mod instance;
mod leader;
mod maintenance;
mod mode_watch;
pub mod once;
mod operator;
pub mod routes;
mod service;
pub mod settings;
mod stateless;
mod stored;
mod tasks;

pub use health::Concern;
pub use service::{Service, ServiceParts, Stateless, stateless_table, table};
pub use settings::{Settings, StatelessSettings};
pub use stateless::start_stateless;
pub use stored::{Deps, PeerNet, StartError, start};
