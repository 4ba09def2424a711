//! How a service starts, lives and stops. [`start`] is the only way: the binary, the tests and the
//! simulator call it, each with its own seams.
//!
//! | module | holds |
//! |---|---|
//! | [`settings`] | everything that can be set for one instance |
//! | [`start`](mod@start) | the way in: one call for every service |
//! | `stored` | the parts of an instance with a store, put together |
//! | `stateless` | an instance without one |
//! | `maintenance` | the driver of the core's state machine |
//! | `modes` | what the coordination store says of the mode |
//! | `instance` | this instance's leased key |
//! | `operator` | what an operator may do |
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
pub mod settings;
pub mod start;
mod stateless;
mod stored;
mod tasks;

pub use settings::Settings;
pub use start::{Role, start};
pub use stored::Deps;
