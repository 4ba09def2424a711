//! The simulated S3, as the product's client meets it.

mod faults;
pub mod server;
mod suite;
