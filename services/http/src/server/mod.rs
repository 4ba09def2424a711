//! The server's side: the layers that a request passes on its way to a handler and back.
//!
//! | module | holds |
//! |---|---|
//! | [`route`] | routes as data, and the router made of them |
//! | [`context`] | the context that the routes of one instance share |
//! | `listener` | the accept loop, and the bounds of each connection |
//! | [`frame`] | the outermost layer: request ids, panics, the log line, metrics |
//! | [`guard`] | the checks in front of each handler: token, gate, deadline, body |
//! | [`forward`] | changes that are forwarded to the instance that commits |
//! | [`gate`] | admission of requests, and waiting until all have ended |
//! | [`extract`], [`reply`] | requests turned into types, types into answers |
//! | [`error`] | errors turned into answers |
//! | [`idle`] | requests that wait for something to happen |
//! | [`health`] | health routes, which every service has |

pub mod audit;
pub mod context;
pub mod creation;
pub mod error;
pub mod extract;
pub mod forward;
pub mod frame;
pub mod gate;
pub mod guard;
pub mod health;
pub mod idle;
mod known;
mod listener;
pub mod metrics;
mod permits;
pub mod reply;
pub mod route;
pub mod settings;

pub use listener::serve;
pub use settings::HttpSettings;
