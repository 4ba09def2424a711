//! Configstore's routes over a real store, in process.

mod harness;
mod idempotency;
mod lists;
mod members;
mod orgs;
mod schema;
mod users;
mod visibility;
