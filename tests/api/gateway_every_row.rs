//! The same states and mistakes for every row of the gateway's table: what a new row answers to
//! them is in the snapshot, or the test fails.

use std::cell::RefCell;

use drydock_gateway::Requirement;
use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::endpoint::{BodyRule, Spec};
use drydock_tests::app::TestApp;
use drydock_tests::client::Request;
use drydock_tests::endpoints;
use drydock_tests::endpoints::document;
use drydock_tests::faulty::Trouble;
use drydock_tests::gateway::{Face, Who, runs_world, world_of};
use drydock_tests::run::{run, until};
use insta::assert_snapshot;
use serde_json::json;

use crate::every_mistake::{WRONG_QUERIES, taking};
use crate::every_route::{NOWHERE, Table, astray, creation_beside, expect_taken, taking_again};
use crate::gateway_permissions::{PARAMETERS, body, path, request};

pub fn specs() -> Vec<Spec> {
    drydock_gateway::requirements().into_iter().map(|(spec, _)| spec).collect()
}

/// Who may: the admin token, but where a user must ask.
fn admin(spec: &Spec) -> Who {
    if spec.path == "/api/v1/user" { Who::AdminUser } else { Who::AdminToken }
}

/// The request that succeeds.
fn ask(spec: &Spec) -> (Who, Request) {
    (admin(spec), request(spec, "new"))
}

/// Asks each row that is `meant` in a world of its own, which `prepare` brings into a state.
fn ask_each(
    meant: impl Fn(&Spec) -> bool,
    prepare: impl AsyncFn(&TestApp, &Face),
    ask: impl Fn(&Spec) -> (Who, Request),
) -> String {
    let table = RefCell::new(Table::default());
    for spec in specs().iter().filter(|spec| meant(spec)) {
        run(async {
            let (app, face) = world_of(spec.path).await;
            prepare(&app, &face).await;
            let (who, request) = ask(spec);
            let answer = face.send(who, request).await;
            table.borrow_mut().add(spec, &answer);
        });
    }
    table.into_inner().text()
}

/// As [`ask_each`] in one world, where no answer is a success.
fn ask_all(
    meant: impl Fn(&Spec) -> bool,
    prepare: impl AsyncFn(&TestApp, &Face),
    ask: impl Fn(&Spec) -> (Who, Request),
) -> String {
    let mut table = Table::default();
    run(async {
        let (app, face) = runs_world().await;
        prepare(&app, &face).await;
        for spec in specs().iter().filter(|spec| meant(spec)) {
            let (who, request) = ask(spec);
            let answer = face.send(who, request).await;
            assert!(answer.status.as_u16() >= 400, "{answer}");
            table.add(spec, &answer);
        }
    });
    table.text()
}

fn every(_: &Spec) -> bool {
    true
}

async fn nothing(_: &TestApp, _: &Face) {}

fn by(who: Who) -> impl Fn(&Spec) -> (Who, Request) {
    move |spec| (who, request(spec, "new"))
}

#[test]
fn every_row_by_those_who_may() {
    assert_snapshot!("allowed", ask_each(every, nothing, ask));
}

#[test]
fn every_row_by_those_whom_nobody_knows() {
    let table = ask_all(every, nothing, by(Who::Nobody));
    assert_eq!(ask_all(every, nothing, by(Who::Forger)), table, "a wrong token is as none");
    assert!(table.lines().all(|line| line.ends_with("401 unauthorized")), "{table}");
    assert_snapshot!("nobody", table);
}

#[test]
fn every_row_by_an_outsider_and_by_a_member() {
    assert_snapshot!("outsider", ask_each(every, nothing, by(Who::Outsider)));
    assert_snapshot!("member", ask_each(every, nothing, by(Who::Member)));
}

#[test]
fn every_row_by_somebody_from_whom_it_is_hidden() {
    let close = async |app: &TestApp, _: &Face| {
        let private = Request::put("/api/v1/orgs/acme").json(&json!({ "visibility": "private" }));
        app.send(private).await.expect(200);
    };
    let below = |spec: &Spec| {
        ["/orgs/{", "/project_groups", "/projects"].iter().any(|part| spec.path.contains(part))
    };
    let table = ask_all(below, close, by(Who::Outsider));
    for line in table.lines() {
        assert!(line.contains(" 404 "), "{line}");
    }
    assert_snapshot!("hidden", table);
}

#[test]
fn every_row_in_maintenance_and_away_and_late() {
    let maintenance = async |app: &TestApp, _: &Face| {
        for service in app.clients() {
            service.send(Request::put("/api/v1/maintenance?wait=30s")).await.expect(200);
        }
    };
    assert_snapshot!("in_maintenance", ask_each(every, maintenance, ask));
    let away = async |app: &TestApp, _: &Face| {
        for (nth, service) in app.clients().enumerate() {
            app.stop(nth + 1);
            until(async || service.try_send(Request::get("/livez")).await.is_err()).await;
        }
    };
    assert_snapshot!("away", ask_all(every, away, ask));
    let silent = async |app: &TestApp, _: &Face| app.coordination.trouble.set(Trouble::Silent);
    let hurried = |spec: &Spec| {
        let (who, request) = ask(spec);
        (who, request.header("drydock-timeout-ms", "50"))
    };
    assert_snapshot!("late", ask_all(every, silent, hurried));
    let lost = async |app: &TestApp, _: &Face| app.coordination.trouble.set(Trouble::Refused);
    assert_snapshot!("without_coordination", ask_each(every, lost, ask));
}

#[test]
fn every_row_that_takes_json_with_a_bad_body() {
    let takes_json = |spec: &Spec| spec.body == BodyRule::Small;
    let cut = |spec: &Spec| {
        let request = Request::new(spec.method.clone(), &path(spec));
        (admin(spec), request.header("content-type", "application/json").body("{"))
    };
    let table = ask_all(takes_json, nothing, cut);
    assert!(table.lines().all(|line| line.ends_with("400 invalid_body")), "{table}");
    assert_snapshot!("bad_body", table);
}

/// The rows whose operation has this header or parameter.
fn with(parameter: &str) -> Vec<Spec> {
    let document = document("gateway", &endpoints::gateway());
    specs().into_iter().filter(|spec| taking(&document, spec, parameter)).collect()
}

#[test]
fn every_query_that_is_wrong() {
    let mut lines = Vec::new();
    let own = [
        ("from", "form=x", "400 invalid_query"),
        ("attempt", "attempt=x", "400 invalid_query"),
        ("branch", "branches=x", "400 invalid_query"),
    ];
    for (parameter, query, outcome) in WRONG_QUERIES.into_iter().chain(own) {
        let meant = with(parameter);
        if meant.is_empty() {
            continue;
        }
        let wrong = |spec: &Spec| {
            let (who, mut request) = ask(spec);
            request.path += &format!("?{query}");
            (who, request)
        };
        let table = ask_all(|spec| meant.contains(spec), nothing, wrong);
        for line in table.lines() {
            assert!(line.ends_with(outcome), "{line} for {query}");
        }
        lines.push(table);
    }
    assert_snapshot!("wrong_query", lines.join("\n"));
}

#[test]
fn every_change_of_another_revision_and_every_creation_with_a_used_key() {
    let conditional = with("if-match");
    let linked = "/api/v1/users/{user}/linked_accounts/{id}";
    let meant = |spec: &Spec| conditional.contains(spec) && spec.path != linked;
    let stale = |spec: &Spec| {
        let (who, request) = ask(spec);
        (who, request.header("if-match", "\"stale\""))
    };
    let table = ask_all(meant, nothing, stale);
    assert!(table.lines().all(|line| line.ends_with("412 revision_mismatch")), "{table}");
    assert_snapshot!("other_revision", table);

    let creations = with("idempotency-key");
    let key = |request: Request| request.header("idempotency-key", "key-1");
    let used = async |_: &TestApp, face: &Face| {
        let user = Request::post("/api/v1/users").json(&json!({ "name": "somebody" }));
        face.send(Who::AdminToken, key(user)).await.expect(201);
        let executor = Request::post("/api/v1/executors").json(&json!({ "name": "somebody" }));
        face.send(Who::AdminToken, key(executor)).await.expect(201);
    };
    let again = |spec: &Spec| {
        let (who, request) = ask(spec);
        (who, key(request))
    };
    let table = ask_all(|spec| creations.contains(spec), used, again);
    assert!(table.lines().all(|line| line.ends_with("422 idempotency_key_reused")), "{table}");
    assert_snapshot!("key_reused", table);
}

/// The rows that can answer with a code of which this is true.
fn refusing(holds: impl Fn(&str) -> bool) -> Vec<Spec> {
    let refuses = |route: &Endpoint| route.codes().iter().any(|code| holds(code.as_str()));
    endpoints::gateway().into_iter().filter(refuses).map(|route| route.spec).collect()
}

#[test]
fn every_name_that_is_none_or_taken() {
    let meant = refusing(|code| code == "invalid_name");
    let named = |spec: &Spec, name: &str| {
        let mut body = body(spec, name);
        body["name"] = json!(name);
        (admin(spec), Request::new(spec.method.clone(), &path(spec)).json(&body))
    };
    let table = ask_all(|spec| meant.contains(spec), nothing, |spec| named(spec, "no name"));
    assert!(table.lines().all(|line| line.ends_with("400 invalid_name")), "{table}");
    assert_snapshot!("no_name", table);

    let meant = refusing(|code| code.ends_with("_already_exists"));
    let mut table = Table::default();
    for spec in meant {
        run(async {
            let (_app, face) = world_of(spec.path).await;
            let first = creation_beside(&spec, &specs());
            // Next to what the path leads to, so that the change meets it.
            let mut made = body(&first, "taken");
            if made.get("parent").is_some() {
                made["parent"] = json!("org/acme/open");
            }
            let create = Request::post(&path(&first)).json(&made);
            face.send(Who::AdminToken, create.clone()).await.expect(201);
            let again = taking_again(&spec, &path(&spec), &create, &made["name"]);
            table.add(&spec, &face.send(Who::AdminToken, again).await);
        });
    }
    assert_snapshot!("taken", expect_taken(table));
}

#[test]
fn every_path_that_leads_nowhere() {
    let mut tables = Vec::new();
    let no_lineage = ("{lineage}", "00000000-0000-7000-8000-000000000000");
    let no_cache = ("{cache}", "00000000-0000-7000-8000-000000000001");
    let of_runs = [("{number}", "99"), ("{task}", "nothing"), ("{executor}", "nobody"), no_cache];
    for (parameter, value) in NOWHERE.into_iter().chain([no_lineage]).chain(of_runs) {
        let lost = |spec: &Spec| {
            let (who, mut asked) = ask(spec);
            let replaced = spec.path.replace(parameter, value);
            asked.path = astray(replaced.replace("{user}", "mike"), &PARAMETERS);
            (who, asked)
        };
        // Lineages are gone back to in maintenance only.
        let prepare = async |app: &TestApp, face: &Face| {
            if parameter == "{lineage}" {
                drop(app.maintenance_on().await);
                let on = Request::put("/api/v1/maintenance/runservice?wait=30s");
                face.send(Who::AdminToken, on).await.expect(200);
            }
        };
        let table = ask_all(|spec| spec.path.contains(parameter), prepare, lost);
        for line in table.lines() {
            assert!(line.contains(" 404 "), "{line} for {value}");
        }
        tables.push(table);
    }
    assert_snapshot!("leads_nowhere", tables.join("\n"));
}

/// What a body may name that is not there, by the field that names it.
const NAMED: [(&str, &str); 3] =
    [("owner", "nobody"), ("parent", "org/nowhere"), ("remote_source", "nowhere")];

#[test]
fn every_body_that_leads_nowhere_or_is_no_reference() {
    let mut tables = Vec::new();
    for (field, nowhere) in NAMED {
        let takes = |spec: &Spec| {
            let (post, put) = (spec.method == "POST", spec.method == "PUT");
            match field {
                "owner" => post && spec.path == "/api/v1/orgs",
                "parent" => {
                    let groups = spec.path.starts_with("/api/v1/project_groups");
                    let depth = spec.path.matches('/').count();
                    (post && depth == 3 || put && depth == 4)
                        && (groups || spec.path.starts_with("/api/v1/projects"))
                }
                _ => {
                    spec.path.ends_with("/linked_accounts")
                        || post && spec.path == "/api/v1/projects"
                        || put && spec.path == "/api/v1/projects/{project}"
                }
            }
        };
        let takes = |spec: &Spec| takes(spec) && spec.body == BodyRule::Small;
        for (value, status) in [(nowhere, " 404 "), ("@x", "400 invalid_ref")] {
            let naming = |spec: &Spec| {
                let mut body = body(spec, "new");
                body[field] = json!(value);
                (admin(spec), Request::new(spec.method.clone(), &path(spec)).json(&body))
            };
            let table = ask_all(takes, nothing, naming);
            for line in table.lines() {
                assert!(line.contains(status), "{line} for {field}");
            }
            tables.push(table);
        }
    }
    assert_snapshot!("names_nothing", tables.join("\n"));
}

#[test]
fn no_row_is_for_the_admin_token_and_for_users_alike() {
    // Operators' rows must work when no user can be known: those who may are one and the same.
    for (spec, requirement) in drydock_gateway::requirements() {
        let names = ["configstore", "executors", "gates", "runservice"];
        let operators = names.iter().any(|part| spec.path.split('/').any(|it| it == *part));
        assert_eq!(operators, requirement == Requirement::AdminToken, "{}", spec.path);
    }
}
