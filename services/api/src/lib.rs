//! The contracts between Drydock's programs: types of bodies, references in paths, codes of errors,
//! and typed clients. A service's contract is all that another program knows of it.

pub mod admin;
pub mod configstore;
mod endpoints;
pub mod gateway;
pub mod names;
