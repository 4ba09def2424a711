//! Typed clients of runservice: one for operators and other services, which bear the internal
//! token, and one for executors, each of which bears its own.
//!
//! Every method takes the caller's context. Its error says whether the call may have been applied.
//! The calls of executors have the same effect twice as once, so all of them may be repeated.

mod archives;
mod caches;
mod executors;
mod logs;
mod own;
mod runs;

use drydock_http::client::Client;

pub use caches::CacheDownload;
pub use logs::FOLLOWED_SILENCE;
pub use own::ExecutorClient;

use crate::admin::AdminClient;
use crate::calls::Calls;

/// Calls one instance with the internal token. Cheap to clone.
#[derive(Clone)]
pub struct RunserviceClient {
    calls: Calls,
}

impl RunserviceClient {
    pub fn new(http: Client) -> RunserviceClient {
        RunserviceClient { calls: Calls::new(http) }
    }

    /// A client of maintenance, export and import.
    pub fn admin(&self) -> AdminClient {
        AdminClient::new(self.calls.http.clone())
    }
}
