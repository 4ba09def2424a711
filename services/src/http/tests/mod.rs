//! The whole layer over an in-memory network: server, routes and client as in production.

mod admin;
mod client;
pub(crate) mod harness;
mod requests;
mod service;
mod serving;
