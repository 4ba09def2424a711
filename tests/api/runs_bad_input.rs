//! Whatever is sent to whatever row of runservice: an answer that the document lists, never a 500,
//! never a panic, always our JSON. The service is whole afterwards.

use std::collections::BTreeMap;

use drydock_http::api::endpoint::Access;
use drydock_tests::endpoints;
use drydock_tests::runs::{RunsApp, body, with_work};
use http::Method;
use proptest::strategy::{Strategy, ValueTree};

use crate::bad_input::{PER_ROUTE, attempt, check, request, runner, statuses};

#[test]
fn whatever_is_sent_gets_an_answer_that_the_document_lists() {
    let mut runner = runner();
    let mut seen = BTreeMap::new();
    for route in endpoints::runservice() {
        let spec = &route.spec;
        // They would take the service out of its normal mode.
        if spec.path.ends_with("/maintenance") && spec.method != Method::GET {
            continue;
        }
        let listed = statuses(&route);
        with_work(async |runs: RunsApp| {
            let client = match spec.access {
                Access::Registered => runs.executor("linux"),
                _ => runs.app.client().clone(),
            };
            for _ in 0..PER_ROUTE {
                let tree = attempt().new_tree(&mut runner).expect("nothing is filtered out");
                let path = runs.path(spec.path);
                let sent = request(spec, &tree.current(), path, &body(spec));
                let status = check(&client, sent, &listed).await;
                *seen.entry(status.unwrap_or(0)).or_insert(0) += 1;
            }
            runs.app.get("/api/v1/maintenance").await.expect(200);
            runs.app.export().await;
        });
    }
    for status in [200, 201, 204, 400, 401, 404, 409, 415] {
        assert!(seen.contains_key(&status), "nothing was answered {status}: {seen:?}");
    }
}
