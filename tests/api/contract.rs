//! Contracts and services agree: no endpoint is without a handler, and no handler without an
//! endpoint.

use std::collections::BTreeSet;

use drydock_api::{admin, configstore, gateway, runservice};
use drydock_http::api::endpoint::{Access, Endpoint};
use drydock_tests::endpoints;

/// What configstore answers its other callers only.
const BEHIND_THE_GATEWAY: [&str; 2] =
    ["GET /api/v1/projects/{project}/run_environment", "POST /api/v1/tokens/resolve"];

fn names<'a>(endpoints: impl IntoIterator<Item = &'a Endpoint>) -> BTreeSet<String> {
    let name = |it: &Endpoint| format!("{} {}", it.spec.method, it.spec.path);
    endpoints.into_iter().map(name).collect()
}

/// Without health, which is the same for all programs.
fn served(mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    endpoints.retain(|it| it.spec.access != Access::Open);
    endpoints
}

#[test]
fn configstore_serves_its_contract_and_nothing_else() {
    let contract = [configstore::endpoints::all(), admin::endpoints::all()].concat();
    let served = served(endpoints::configstore());
    assert_eq!(served.len(), contract.len());
    assert_eq!(names(&served), names(&contract));
}

#[test]
fn runservice_serves_its_contract_and_nothing_else() {
    let contract = [runservice::endpoints::all(), admin::endpoints::all()].concat();
    let served = served(endpoints::runservice());
    assert_eq!(served.len(), contract.len());
    assert_eq!(names(&served), names(&contract));
}

#[test]
fn the_gateway_serves_its_contract_and_nothing_else() {
    let contract = [configstore::endpoints::all(), gateway::endpoints::all()].concat();
    let mut expected = names(&contract);
    for behind in BEHIND_THE_GATEWAY {
        assert!(expected.remove(behind), "{behind}");
    }
    assert_eq!(names(&served(endpoints::gateway())), expected);
}
