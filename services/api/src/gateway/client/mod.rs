//! A typed client of the gateway.
//!
//! Objects have the same paths and types as at configstore, and so the same methods. The gateway
//! differs in the callers that it admits, and has a few operations of its own.

mod runs;

use drydock_core::context::Context;
use drydock_http::client::{Answer, Client, ClientError};
use http::Method;

pub use runs::RunsClient;

use crate::admin::AdminClient;
use crate::calls::Calls;
use crate::configstore::client::ConfigstoreClient;
use crate::configstore::types::User;
use crate::runservice::client::RunserviceClient;

/// Calls one instance with one token. Cheap to clone.
#[derive(Clone)]
pub struct GatewayClient {
    http: Client,
}

impl GatewayClient {
    pub fn new(http: Client) -> GatewayClient {
        GatewayClient { http }
    }

    /// Shows the user to whom the token belongs.
    pub async fn me(&self, ctx: &Context) -> Result<Answer<User>, ClientError> {
        self.http.request(Method::GET, "/api/v1/user").send(ctx).await
    }

    /// A client of users, organizations, projects and the objects that belong to them.
    pub fn objects(&self) -> ConfigstoreClient {
        ConfigstoreClient::new(self.http.clone())
    }

    /// A client of the runs of projects.
    pub fn runs(&self) -> RunsClient {
        RunsClient { calls: Calls::new(self.http.clone()) }
    }

    /// A client of executors and the resume gate; it needs the admin token.
    pub fn executors(&self) -> RunserviceClient {
        RunserviceClient::new(self.http.clone())
    }

    /// A client of maintenance, export and import of configstore; it needs the admin token.
    pub fn configstore(&self) -> AdminClient {
        AdminClient::of_service(self.http.clone(), "configstore")
    }

    /// The same of runservice.
    pub fn runservice(&self) -> AdminClient {
        AdminClient::of_service(self.http.clone(), "runservice")
    }
}
