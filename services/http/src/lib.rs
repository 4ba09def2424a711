//! HTTP, the same for all programs: the conventions of both sides, the client and the server.
//!
//! | module | holds |
//! |---|---|
//! | [`api`] | the conventions of both sides: operations, the API document, pages, preconditions |
//! | [`client`] | the client, which keeps connections for later requests |
//! | [`server`] | routes, the layers around them, and the accept loop |
//! | `testing` | an in-memory network, and a server for any routes over it |

pub mod api;
pub mod client;
pub mod server;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(test)]
mod tests;
