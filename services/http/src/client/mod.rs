//! A small HTTP/1 client over the Net seam.
//!
//! Connections are kept for later requests; two requests never share one at the same time. Every
//! request has a connect timeout and a deadline; a streamed answer has an idle timeout instead.
//!
//! A client of several servers sends a request to the next one if that cannot do harm: the request
//! was not sent, or was refused before anything was done, or may be repeated.
//!
//! Invariant: an error says whether the request may have been applied. Absent on purpose:
//! redirects, and retries at the same server (except if a kept connection took not a byte of the
//! request); only the caller knows which requests may be repeated.

mod call;
mod connections;
mod error;
mod http_client;
mod peer;
mod servers;

pub use call::Call;
pub use error::{ClientError, remote_error};
pub use http_client::{Answer, AnswerStream, Client, ClientSettings};
pub(crate) use peer::Peer;
