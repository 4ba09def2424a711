//! The whole layer over an in-memory network: server, routes and client as in production.

mod client;
mod requests;
mod service;
mod serving;
