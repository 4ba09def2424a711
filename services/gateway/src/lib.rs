//! The public face: who asks, whether they may, and the services behind that know the answer.
//!
//! A request's path reads downwards with the same noun on each floor: [`routes`] (which also says
//! what a route requires), `auth` (who calls, and whether that is enough), `handlers` (HTTP to
//! types and back), `action` (what is asked of a service, and which refusals are passed on).
//!
//! Invariants: the gateway has no state. A handler reaches a service only through its
//! `auth::Permit`, which nobody gets without what the route requires. What a caller may not see is
//! answered as if it were not there. What a service answers is never shown by itself (`errors`).
//!
//! Absent on purpose: runs, which runservice will bring; a cache of tokens or permissions: whoever
//! is locked out is so at once.

mod action;
mod auth;
mod errors;
mod handlers;
mod requirement;
mod routes;
mod service;
mod state;

pub use requirement::{Object, Requirement};
pub use routes::{requirements, routes};
pub use state::{Gateway, Settings};
