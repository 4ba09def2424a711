//! How many calls behind it a request at the gateway costs: each is a round of the network, and a
//! look of configstore at etcd.

use drydock_gateway::Requirement;
use drydock_http::api::endpoint::{BodyRule, Spec};
use drydock_tests::client::Request;
use drydock_tests::gateway::{Who, is_of_runs, small_world, with_gateway, world_of};
use drydock_tests::run::run;
use http::Method;
use serde_json::json;

use crate::gateway_permissions::{SUCCEEDS_ELSEWHERE, request};

/// A user who may, so that it is to be found out.
fn user(requirement: Requirement) -> Who {
    match requirement {
        Requirement::AdminToken => Who::AdminToken,
        Requirement::Admin => Who::AdminUser,
        _ => Who::Owner,
    }
}

#[test]
fn a_question_costs_one_call_and_a_change_two_and_runs_as_many_again() {
    let mut asked = 0;
    for (spec, requirement) in drydock_gateway::requirements() {
        if SUCCEEDS_ELSEWHERE.contains(&(spec.method.as_str(), spec.path)) {
            continue;
        }
        run(async {
            let (_app, face) = world_of(spec.path).await;
            let before = face.calls();
            let answer = face.send(user(requirement), request(&spec, "new")).await;
            assert!(answer.status.is_success(), "{answer}");
            let operators = requirement == Requirement::AdminToken;
            let most = match (&spec.method, is_of_runs(spec.path)) {
                _ if operators => 1,
                // The project, the run by its number, the log or the archive.
                (&Method::GET, true) if spec.path.contains("/{step}") => 3,
                (&Method::GET, true) => 2,
                // The caller, the project, the run: its file names no variable.
                (&Method::POST, true) if spec.path.ends_with("/runs") => 3,
                // The caller, the project, the run by its number, the change.
                (_, true) => 4,
                (&Method::GET, false) => 1,
                (_, false) => 2,
            };
            assert_eq!(face.calls() - before, most, "{} {}", spec.method, spec.path);
        });
        asked += 1;
    }
    assert!(asked > 50, "only {asked} were asked");
}

#[test]
fn a_change_with_the_admin_token_costs_one_call_and_one_that_moves_no_more() {
    with_gateway(async |_app, face| {
        let path = "/api/v1/projects/user%2Falice%2Fopen%2Fopen-app";
        let to = |parent: &str| Request::put(path).json(&json!({ "parent": parent }));
        for (who, parent, calls) in
            [(Who::Owner, "user/alice/open", 2), (Who::AdminToken, "user/alice", 1)]
        {
            let before = face.calls();
            face.send(who, to(parent)).await.expect(200);
            assert_eq!(face.calls() - before, calls, "{who:?}");
        }
    });
}

#[test]
fn a_question_that_is_wrong_costs_one_call_too() {
    let wrong = |spec: &Spec| {
        let mut request = request(spec, "new");
        request.path += "?unheard=of";
        request
    };
    run(async {
        let (_app, face) = small_world().await;
        for (spec, requirement) in drydock_gateway::requirements() {
            let question = spec.method == Method::GET && spec.body == BodyRule::None;
            if !question || requirement == Requirement::AdminToken {
                continue;
            }
            let before = face.calls();
            let answer = face.send(user(requirement), wrong(&spec)).await;
            assert_eq!(answer.outcome(), "400 invalid_query", "{answer}");
            let forged = face.send(Who::Forger, wrong(&spec)).await;
            assert_eq!(forged.outcome(), "401 unauthorized", "{forged}");
            assert_eq!(face.calls() - before, 2, "{} {}", spec.method, spec.path);
        }
    });
}
