//! HTTP, the same for all programs: what both sides agree on, the client and the server.
//!
//! | module | holds |
//! |---|---|
//! | [`api`] | what both sides know: operations, the API document, pages, conditions |
//! | [`client`] | requests, over connections that are kept |
//! | [`server`] | routes, what stands around them, and the accept loop |
//! | `testing` | an in-memory network, and any service served over it |

pub mod api;
pub mod client;
pub mod server;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(test)]
mod tests;
