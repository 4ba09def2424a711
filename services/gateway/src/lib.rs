//! The gateway: it authenticates users, checks their permissions, and calls the services behind it.
//!
//! A request's path reads downwards with the same noun on each floor: [`routes`] (which also says
//! what a route requires), `auth` (the caller, and the caller's rights), `handlers` (HTTP to types
//! and back), `action` (the calls of services, and the errors that are passed on).
//!
//! Invariants: the gateway has no state. A handler reaches a service only through its
//! `auth::Permit` or `auth::Inquiry`, which send along what the route requires; the service alone
//! knows who owns what. What a caller may not see is answered as if it were not there. Errors of
//! services are never shown as they are (`errors`).
//!
//! Absent on purpose: a cache of tokens or permissions: a change
//! of rights holds at once.

mod action;
mod auth;
mod errors;
mod handlers;
mod requirement;
mod routes;
mod state;

pub use requirement::{Object, Requirement};
pub use routes::{requirements, routes};
pub use state::{Gateway, Settings};
