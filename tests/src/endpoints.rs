//! What the services answer, read from their own tables.

use std::collections::{BTreeMap, BTreeSet};

use drydock_configstore::Configstore;
use drydock_gateway::Gateway;
use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::openapi;
use drydock_http::server::route::endpoints;
use drydock_runservice::Runservice;
use drydock_runtime::{stateless_table, table};
use http::Method;
use serde_json::Value;

use crate::client::{Client, Request};

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

/// Asks each path with every method that it does not have: the answer is 405, and names those that
/// it has. Returns a line for each path, with its methods.
pub async fn refuse_wrong_methods(client: &Client, endpoints: Vec<Endpoint>) -> Vec<String> {
    let mut allowed: BTreeMap<&str, BTreeSet<Method>> = BTreeMap::new();
    for Endpoint { spec, operation, .. } in endpoints {
        let methods = allowed.entry(spec.path).or_default();
        if spec.method == Method::GET {
            methods.insert(Method::HEAD);
        }
        if operation.merges {
            methods.insert(Method::PATCH);
        }
        methods.insert(spec.method);
    }
    let all = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];
    let mut lines = Vec::new();
    for (path, methods) in allowed {
        let names: Vec<_> = methods.iter().map(Method::as_str).collect();
        for method in all.iter().filter(|method| !methods.contains(method)) {
            let answer = client.send(Request::new(method.clone(), path)).await;
            assert_eq!(answer.outcome(), "405 method_not_allowed", "{answer}");
            let named = answer.header("allow").map(|allow| allow.split(", ").collect());
            assert_eq!(named.as_ref(), Some(&names), "{answer}");
        }
        lines.push(format!("{path:59} {}", names.join(", ")));
    }
    lines
}
