//! What the services answer, read from their own tables.

use drydock_configstore::Configstore;
use drydock_gateway::Gateway;
use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::openapi;
use drydock_http::server::route::endpoints;
use drydock_runservice::Runservice;
use drydock_runtime::{stateless_table, table};
use serde_json::Value;

/// All endpoints of configstore, in the order of its table.
pub fn configstore() -> Vec<Endpoint> {
    endpoints(&table::<Configstore>())
}

/// All endpoints of runservice, in the order of its table.
pub fn runservice() -> Vec<Endpoint> {
    endpoints(&table::<Runservice>())
}

/// All endpoints of the gateway, in the order of its table.
pub fn gateway() -> Vec<Endpoint> {
    endpoints(&stateless_table::<Gateway>())
}

/// The API document of a service with these endpoints.
pub fn document(service: &str, endpoints: &[Endpoint]) -> Value {
    openapi::document(service, endpoints, drydock_api::names::path_schema)
}
