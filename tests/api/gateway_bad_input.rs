//! Whatever is sent to whatever row of the gateway, by whomever: an answer that the document lists,
//! never from 500 up, never a panic, always our JSON. Gateway and service are whole afterwards.

use std::collections::BTreeMap;

use drydock_tests::client::Request;
use drydock_tests::gateway::{Face, Who, world_of};
use drydock_tests::run::run;
use http::Method;
use proptest::strategy::{Strategy, ValueTree};

use crate::bad_input::{PER_ROUTE, attempt, request, runner};
use crate::gateway_permissions::{body, path};

/// Those who get past the look at who they are take turns.
const CALLERS: [Who; 4] = [Who::AdminToken, Who::Owner, Who::AdminUser, Who::Outsider];

/// Answers the status, if there was an answer.
async fn check(face: &Face, who: Who, request: Request) -> Option<u16> {
    let answer = face.try_send(who, request).await;
    let Ok(answer) = answer else {
        // The client's own library refuses what is no URI or header.
        face.get(Who::Nobody, "/livez").await.expect(200);
        return None;
    };
    let status = answer.status.as_u16();
    assert!(status < 500, "{answer}");
    if status >= 400 {
        // Checks that it is our JSON.
        let _checked = answer.outcome();
    }
    Some(status)
}

#[test]
fn whatever_is_sent_gets_an_answer_that_the_document_lists() {
    let mut runner = runner();
    let mut seen = BTreeMap::new();
    for (spec, _) in drydock_gateway::requirements() {
        // They would take the service out of its normal mode.
        if spec.path.starts_with("/api/v1/maintenance") && spec.method != Method::GET {
            continue;
        }
        run(async {
            let (app, face) = world_of(spec.path).await;
            for nth in 0..PER_ROUTE {
                let who = CALLERS[nth as usize % CALLERS.len()];
                let tree = attempt().new_tree(&mut runner).expect("nothing is filtered out");
                let sent = request(&spec, &tree.current(), path(&spec), &body(&spec, "new"));
                let status = check(&face, who, sent).await;
                *seen.entry(status.unwrap_or(0)).or_insert(0) += 1;
            }
            face.get(Who::AdminToken, "/api/v1/maintenance/configstore").await.expect(200);
            app.export().await;
        });
    }
    for status in [200, 201, 204, 400, 401, 403, 404, 409, 412, 415] {
        assert!(seen.contains_key(&status), "nothing was answered {status}: {seen:?}");
    }
}
