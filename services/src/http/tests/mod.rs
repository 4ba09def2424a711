//! The whole layer over an in-memory network: server, routes and client as in production.

mod admin;
mod client;
mod harness;
mod requests;
mod serving;
