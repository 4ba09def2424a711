//! Tests of the whole package over an in-memory network: server, routes and client as in
//! production.

mod client;
mod forwarding;
mod requests;
mod service;
mod serving;
