//! A typed client of configstore.
//!
//! Every method takes the caller's context. Its error says whether the call may have been applied.
//! A creation with an idempotency key can be repeated.

mod orgs;
mod projects;
mod scoped;
mod sources;
mod users;

use drydock_http::client::Client;

use crate::admin::AdminClient;
use crate::calls::{Calls, Result};
use crate::configstore::types::{Delegation, ON_BEHALF_OF};

/// Calls one instance. Cheap to clone.
#[derive(Clone)]
pub struct ConfigstoreClient {
    calls: Calls,
}

impl ConfigstoreClient {
    pub fn new(http: Client) -> ConfigstoreClient {
        ConfigstoreClient { calls: Calls::new(http) }
    }

    /// Changes and shows only that to which those have the rights on whose behalf it is asked.
    pub fn on_behalf_of(mut self, behalf: &Delegation) -> ConfigstoreClient {
        let behalf = serde_json::to_string(behalf).expect("ids and names are JSON");
        self.calls.header = Some((ON_BEHALF_OF, behalf));
        self
    }

    /// A client of maintenance, export and import.
    pub fn admin(&self) -> AdminClient {
        AdminClient::new(self.calls.http.clone())
    }
}
