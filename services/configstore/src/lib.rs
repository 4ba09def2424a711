//! Who there is: users, organizations and their members.
//!
//! A request's path reads downwards with the same noun on each floor: [`routes`], `handlers`
//! (HTTP to types and back), `action` (decides, inside a transaction), `model` (SQL).

mod action;
mod handlers;
mod model;
pub mod record;
mod rotation;
mod routes;
pub mod schema;
mod service;
mod state;

pub use rotation::SealAnew;
pub use schema::SCHEMA;
pub use service::Configstore;
pub use state::ConfigstoreState;

#[cfg(test)]
mod tests;
