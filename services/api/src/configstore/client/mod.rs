//! A typed client of configstore.
//!
//! Every method takes the caller's context. Its error says whether the call may have been applied.
//! A creation with an idempotency key can be repeated.

mod call;
mod orgs;
mod projects;
mod scoped;
mod sources;
mod users;

use drydock_http::client::{Client, ClientError};

use crate::admin::AdminClient;
use crate::configstore::types::Behalf;

type Result<T> = std::result::Result<T, ClientError>;

/// Calls one instance. Cheap to clone.
#[derive(Clone)]
pub struct ConfigstoreClient {
    http: Client,
    /// On whose behalf things are asked, as it is sent.
    behalf: Option<String>,
}

impl ConfigstoreClient {
    pub fn new(http: Client) -> ConfigstoreClient {
        ConfigstoreClient { http, behalf: None }
    }

    /// Changes and shows only that to which those have the rights on whose behalf it is asked.
    pub fn on_behalf_of(mut self, behalf: &Behalf) -> ConfigstoreClient {
        self.behalf = Some(serde_json::to_string(behalf).expect("ids and names are JSON"));
        self
    }

    /// A client of maintenance, export and import.
    pub fn admin(&self) -> AdminClient {
        AdminClient::new(self.http.clone())
    }
}
