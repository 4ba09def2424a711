//! A typed client of configstore.
//!
//! Every method takes the caller's context, and answers an error that says whether the call may
//! have been applied. Creations take an idempotency key: with one they can be repeated.

mod call;
mod orgs;
mod projects;
pub mod secrets;
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
    /// On whose behalf changes are made, as it is sent.
    behalf: Option<String>,
}

impl ConfigstoreClient {
    pub fn new(http: Client) -> ConfigstoreClient {
        ConfigstoreClient { http, behalf: None }
    }

    /// Makes changes only where those have the right to them for whom they are made.
    pub fn on_behalf_of(mut self, behalf: &Behalf) -> ConfigstoreClient {
        self.behalf = Some(serde_json::to_string(behalf).expect("ids and names are JSON"));
        self
    }

    /// Maintenance, export and import.
    pub fn admin(&self) -> AdminClient {
        AdminClient::new(self.http.clone())
    }
}
