//! HTTP, the same for all services.
//!
//! | module | holds |
//! |---|---|
//! | [`route`] | routes as data, and the router made of them |
//! | [`shell`] | what the routes of one instance share |
//! | [`serve`](mod@serve) | the accept loop |
//! | [`frame`] | around everything: request ids, panics, the log line, metrics |
//! | [`guard`] | in front of each handler: token, gate, deadline, body |
//! | [`gate`] | who may come in, and waiting until all have left |
//! | [`extract`], [`idempotency`], [`page`], [`reply`] | requests to types, types to answers |
//! | [`error`] | errors to answers |
//! | [`health`], [`admin`] | routes that every service has |
//! | [`describe`], [`openapi`] | the API document, made of the routes |
//! | [`client`] | the other side |

pub mod admin;
pub mod client;
mod connections;
pub mod describe;
#[cfg(any(test, feature = "testing"))]
pub mod duplex;
mod endpoints;
pub mod error;
pub mod extract;
pub mod frame;
pub mod gate;
pub mod guard;
pub mod health;
pub mod idempotency;
mod linger;
pub mod metrics;
pub(crate) mod object;
pub mod openapi;
pub mod page;
mod places;
mod refusal;
pub mod reply;
pub mod route;
pub mod serve;
pub mod settings;
pub mod shell;
mod slots;
#[cfg(any(test, feature = "testing"))]
pub mod wire;
mod write_timeout;

#[cfg(test)]
pub(crate) mod tests;

pub use serve::serve;
pub use settings::HttpSettings;
