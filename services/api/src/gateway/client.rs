//! A typed client of the gateway.
//!
//! Objects have the same paths and types as at configstore, and so the same methods; what differs
//! is who may call them, and what only the gateway has.

use drydock_core::context::Context;
use drydock_http::client::{Answer, Client, ClientError};
use http::Method;

use crate::admin::AdminClient;
use crate::configstore::client::ConfigstoreClient;
use crate::configstore::types::User;

/// Calls one instance with one token. Cheap to clone.
#[derive(Clone)]
pub struct GatewayClient {
    http: Client,
}

impl GatewayClient {
    pub fn new(http: Client) -> GatewayClient {
        GatewayClient { http }
    }

    /// Whose token it is.
    pub async fn me(&self, ctx: &Context) -> Result<Answer<User>, ClientError> {
        self.http.request(Method::GET, "/api/v1/user").send(ctx).await
    }

    /// Users, organizations, projects and what belongs to them.
    pub fn objects(&self) -> ConfigstoreClient {
        ConfigstoreClient::new(self.http.clone())
    }

    /// Maintenance, export and import of configstore; with the admin token.
    pub fn configstore(&self) -> AdminClient {
        AdminClient::of_service(self.http.clone(), "configstore")
    }
}
