//! The contracts between Drydock's programs: types of bodies, references in paths, codes of errors,
//! and typed clients. Another program knows nothing of a service but its contract.

pub mod admin;
mod calls;
pub mod configstore;
mod distinct;
mod endpoints;
pub mod gateway;
pub mod names;
pub mod refusals;
pub mod runservice;
pub mod when;

pub use distinct::distinct;
