//! The other side: a small HTTP/1 client over the network seam.
//!
//! Connections are kept for the next request and never shared by two. Every request has a connect
//! timeout and a deadline; a streamed one may not stand still instead.
//!
//! A client of several servers goes on to the next one where that cannot do harm: the request never
//! left, or was refused before anything was done with it, or may be made twice.
//!
//! Invariant: an error says whether the request may have been applied. Absent on purpose: redirects
//! and retries at the same server, but for a request of which not a byte has left on a kept
//! connection; only the caller knows what may be repeated.

mod call;
mod connections;
mod error;
mod http_client;
mod servers;

pub use call::Call;
pub use error::{ClientError, remote_error};
pub use http_client::{Answer, AnswerStream, Client, ClientSettings};
