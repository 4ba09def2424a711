//! HTTP clients over [`Net`](drydock_core::net::Net): hyper with a pool of connections, and TLS
//! where the scheme asks for it.
//!
//! Invariants: every dial, every wait for an answer and every pause within one has a time-out; a
//! request is sent at most once, unless the pool finds that no byte of it left. Names are resolved
//! by the network, never here. Absent on purpose: proxies, redirects, HTTP/2.

mod error;
mod service;
mod stream;
pub(crate) mod tls;

pub use service::{ConnectSettings, NetConnector};
pub use tls::{Identity, TlsError, TlsSettings};
