//! TLS over [`Net`](drydock_core::net::Net), for our own clients and servers, and HTTP clients of
//! object storage: hyper with a pool of connections, and TLS where the scheme asks for it.
//!
//! Invariants: every dial, every wait for an answer and every pause within one has a time-out; a
//! request is sent at most once, unless the pool finds that no byte of it left. Names are resolved
//! by the network, never here. Absent on purpose: proxies, redirects, HTTP/2.

mod error;
mod net;
pub(crate) mod refused;
mod server;
mod service;
mod stream;
pub(crate) mod tls;

pub use net::{TlsListener, TlsNet};
pub use server::ServerTls;
pub use service::{ConnectSettings, NetConnector};
pub use tls::{Identity, TlsError, TlsSettings};
