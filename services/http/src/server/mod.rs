//! The server's side: what a request passes on its way to a handler and back.
//!
//! | module | holds |
//! |---|---|
//! | [`route`] | routes as data, and the router made of them |
//! | [`context`] | what the routes of one instance share |
//! | `listener` | the accept loop, and what it does to connections |
//! | [`frame`] | around everything: request ids, panics, the log line, metrics |
//! | [`guard`] | in front of each handler: token, gate, deadline, body |
//! | [`gate`] | who may come in, and waiting until all have left |
//! | [`extract`], [`reply`] | requests to types, types to answers |
//! | [`error`] | errors to answers |
//! | [`health`] | routes that every service has |

pub mod context;
pub mod creation;
mod document;
pub mod error;
pub mod extract;
pub mod frame;
pub mod gate;
pub mod guard;
pub mod health;
mod listener;
pub mod metrics;
mod permits;
pub mod reply;
pub mod route;
pub mod settings;

pub use listener::serve;
pub use settings::HttpSettings;
