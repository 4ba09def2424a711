//! A right that is withdrawn between the gateway's permit and the change: the change is not
//! made, and answered as if the right had never been there.

use drydock_gateway::Requirement;
use drydock_http::api::endpoint::Spec;
use drydock_tests::app::TestApp;
use drydock_tests::archive::Export;
use drydock_tests::client::Request;
use drydock_tests::gateway::{Who, is_of_runs, with_gateway, world_of};
use drydock_tests::run::run;
use http::Method;
use serde_json::json;

use crate::gateway_permissions::{SUCCEEDS_ELSEWHERE, request};

/// What happens to a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Withdrawal {
    TokenDeleted,
    /// From owner to member.
    RoleLowered,
    MemberRemoved,
    AdminNoMore,
}

/// Every row that changes something, with who may do it as what is withdrawn.
fn cases() -> Vec<(Spec, Who, Withdrawal, &'static str)> {
    let mut cases = Vec::new();
    for (spec, requirement) in drydock_gateway::requirements() {
        let elsewhere = SUCCEEDS_ELSEWHERE.contains(&(spec.method.as_str(), spec.path));
        if spec.method == Method::GET || requirement == Requirement::AdminToken || elsewhere {
            continue;
        }
        let who = if requirement == Requirement::Admin { Who::AdminUser } else { Who::Owner };
        cases.push((spec.clone(), who, Withdrawal::TokenDeleted, "401 unauthorized"));
        let forbidden = "403 forbidden";
        match requirement {
            Requirement::Admin => cases.push((spec, who, Withdrawal::AdminNoMore, forbidden)),
            Requirement::Owns(_)
            | Requirement::OwnsParent
            | Requirement::OwnsWithTarget(_)
            | Requirement::Runs => {
                cases.push((spec.clone(), who, Withdrawal::RoleLowered, forbidden));
                cases.push((spec, who, Withdrawal::MemberRemoved, forbidden));
            }
            _ => {}
        }
    }
    cases
}

/// As configstore's own callers do it, past the gateway.
async fn withdraw(app: &TestApp, who: Who, withdrawal: Withdrawal) {
    let name = who.user().expect("it has rights of its own");
    let member = format!("/api/v1/orgs/acme/members/{name}");
    let (request, status) = match withdrawal {
        Withdrawal::TokenDeleted => {
            (Request::delete(&format!("/api/v1/users/{name}/tokens/of-the-test")), 204)
        }
        Withdrawal::RoleLowered => (Request::put(&member).json(&json!({ "role": "member" })), 200),
        Withdrawal::MemberRemoved => (Request::delete(&member), 204),
        Withdrawal::AdminNoMore => {
            let user = Request::put(&format!("/api/v1/users/{name}"));
            (user.json(&json!({ "admin": false })), 200)
        }
    };
    app.send(request).await.expect(status);
}

/// So that alice is not the last one.
async fn another_owner(app: &TestApp) {
    let owner = Request::put("/api/v1/orgs/acme/members/root-user");
    app.send(owner.json(&json!({ "role": "owner" }))).await.expect(201);
}

async fn objects(app: &TestApp) -> Vec<String> {
    let mut objects = Export::parse(&app.export().await).objects;
    if let Some(runs) = app.clients().nth(1) {
        let runs = runs.send(Request::get("/api/v1/runs")).await.expect(200);
        objects.push(runs.text().to_owned());
    }
    objects
}

/// How many calls the gateway makes for a request that succeeds, up to the last one that requires
/// the right: runservice knows no users, so configstore is asked for the project before.
fn calls(spec: &Spec, who: Who) -> usize {
    if is_of_runs(spec.path) {
        return 2;
    }
    run(async {
        let (app, face) = world_of(spec.path).await;
        another_owner(&app).await;
        let before = face.calls();
        let answer = face.send(who, request(spec, "new")).await;
        assert!(answer.status.is_success(), "{answer}");
        face.calls() - before
    })
}

#[test]
fn every_change_whose_right_is_withdrawn_before_it_is_made_is_not_made() {
    let cases = cases();
    assert!(cases.len() > 70, "only {}", cases.len());
    for (spec, who, withdrawal, outcome) in cases {
        let last = calls(&spec, who);
        run(async {
            let (app, face) = world_of(spec.path).await;
            another_owner(&app).await;
            let meanwhile = async {
                withdraw(&app, who, withdrawal).await;
                objects(&app).await
            };
            let asked = (who, request(&spec, "new"));
            let (answer, before) = face.send_and_before(last, meanwhile, asked).await;
            let (method, path) = (&spec.method, spec.path);
            assert_eq!(answer.outcome(), outcome, "{method} {path}, {withdrawal:?}");
            assert_eq!(objects(&app).await, before, "{method} {path}, {withdrawal:?}");
        });
    }
}

#[test]
fn what_a_former_member_may_not_see_is_answered_as_if_it_were_not_there() {
    with_gateway(async |app, face| {
        let owner = Request::put("/api/v1/orgs/vault/members/root-user");
        app.send(owner.json(&json!({ "role": "owner" }))).await.expect(201);
        let hidden = Request::delete("/api/v1/projects/org%2Fvault%2Fopen%2Fopen-app");
        let removed = Request::delete("/api/v1/orgs/vault/members/alice");
        // The permit, then the change.
        let happens = async { app.send(removed).await.expect(204) };
        let asked = (Who::Owner, hidden.clone());
        let (answer, _) = face.send_and_before(2, happens, asked).await;
        let later = face.send(Who::Owner, hidden).await;
        assert_eq!(answer.to_string(), later.to_string());
        assert_eq!(answer.outcome(), "404 project_not_exist");
    });
}

#[test]
fn what_was_moved_to_somebody_else_meanwhile_is_theirs() {
    with_gateway(async |app, face| {
        let project = app.get("/api/v1/projects/user%2Falice%2Fopen%2Fopen-app").await;
        let rename = Request::put(&format!("/api/v1/projects/{}", project.field("id")));
        let moved = rename.clone().json(&json!({ "parent": "user/mike" }));
        // The row looks at the project, and at no target.
        let rename = rename.json(&json!({ "name": "mine" }));
        let happens = async { app.send(moved).await.expect(200) };
        let asked = (Who::Owner, rename);
        let (answer, _) = face.send_and_before(2, happens, asked).await;
        assert_eq!(answer.outcome(), "403 forbidden", "{answer}");
        app.get("/api/v1/projects/user%2Fmike%2Fopen-app").await.expect(200);
    });
}

#[test]
fn a_path_that_leads_nowhere_meanwhile_is_told_apart_from_the_target() {
    with_gateway(async |app, face| {
        let sub = "/api/v1/project_groups/user%2Falice%2Fopen%2Fopen-sub";
        let moved = Request::put(sub).json(&json!({ "parent": "user/alice/closed" }));
        let happens = async { app.send(Request::delete(sub)).await.expect(204) };
        let (answer, _) = face.send_and_before(2, happens, (Who::Owner, moved)).await;
        assert_eq!(answer.outcome(), "404 project_group_not_exist", "{answer}");
        assert!(answer.field("message").contains("`user/alice/open/open-sub`"), "{answer}");

        let closed = "/api/v1/project_groups/user%2Falice%2Fclosed";
        let moved = Request::put("/api/v1/project_groups/user%2Falice%2Fopen");
        let moved = moved.json(&json!({ "parent": "user/alice/closed" }));
        let happens = async { app.send(Request::delete(closed)).await.expect(204) };
        let (answer, _) = face.send_and_before(2, happens, (Who::Owner, moved)).await;
        assert_eq!(answer.outcome(), "404 project_group_not_exist", "{answer}");
        assert!(answer.field("message").contains("`user/alice/closed`"), "{answer}");
    });
}

#[test]
fn the_target_of_a_move_must_still_be_the_callers() {
    with_gateway(async |app, face| {
        let sub = "/api/v1/project_groups/user%2Falice%2Fopen%2Fopen-sub";
        let moved = Request::put(sub).json(&json!({ "parent": "org/acme" }));
        another_owner(&app).await;
        let lowered = Request::put("/api/v1/orgs/acme/members/alice");
        let lowered = lowered.json(&json!({ "role": "member" }));
        // The permit, then the change.
        let happens = async { app.send(lowered).await.expect(200) };
        let (answer, _) = face.send_and_before(2, happens, (Who::Owner, moved)).await;
        assert_eq!(answer.outcome(), "403 forbidden", "{answer}");
        app.get(sub).await.expect(200);
    });
}

#[test]
fn whoever_is_deleted_meanwhile_changes_nothing() {
    with_gateway(async |app, face| {
        let org = json!({ "name": "new-org", "visibility": "public" });
        let created = Request::post("/api/v1/orgs").json(&org);
        let happens = async { app.send(Request::delete("/api/v1/users/olga")).await.expect(204) };
        let (answer, _) = face.send_and_before(2, happens, (Who::Outsider, created)).await;
        assert_eq!(answer.outcome(), "401 unauthorized", "{answer}");
        app.get("/api/v1/orgs/new-org").await.expect(404);
    });
}

#[test]
fn a_kept_answer_is_for_those_who_still_may() {
    with_gateway(async |app, face| {
        another_owner(&app).await;
        let group = json!({ "name": "again", "parent": "org/acme" });
        let create = || {
            Request::post("/api/v1/project_groups").json(&group).header("idempotency-key", "one")
        };
        face.send(Who::Owner, create()).await.expect(201);
        let lowered = Request::put("/api/v1/orgs/acme/members/alice");
        let lowered = lowered.json(&json!({ "role": "member" }));
        let happens = async { app.send(lowered).await.expect(200) };
        let (answer, _) = face.send_and_before(2, happens, (Who::Owner, create())).await;
        assert_eq!(answer.outcome(), "403 forbidden", "{answer}");
    });
}
