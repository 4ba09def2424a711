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

use crate::http::admin::AdminClient;
use crate::http::client::{Client, ClientError};

type Result<T> = std::result::Result<T, ClientError>;

/// Calls one instance. Cheap to clone.
#[derive(Clone)]
pub struct ConfigstoreClient {
    http: Client,
}

impl ConfigstoreClient {
    pub fn new(http: Client) -> ConfigstoreClient {
        ConfigstoreClient { http }
    }

    /// Maintenance, export and import.
    pub fn admin(&self) -> AdminClient {
        AdminClient::new(self.http.clone())
    }
}
