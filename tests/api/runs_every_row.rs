//! The same states, callers and mistakes for every row of runservice's table: what a new row
//! answers to them is in the snapshot, or the test fails.

use drydock_http::api::endpoint::{Access, Availability, BodyRule, Spec};
use drydock_runservice::Runservice;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::{Exchange, Request};
use drydock_tests::endpoints::{self, document};
use drydock_tests::faulty::Trouble;
use drydock_tests::run::run;
use drydock_tests::runs::{RunsApp, body, with_work};
use insta::assert_snapshot;
use serde_json::json;

use crate::every_mistake::{BAD_BODIES, WRONG_QUERIES, taking};
use crate::every_route::{Table, creation_beside, expect_taken, taking_again};

pub fn specs() -> Vec<Spec> {
    endpoints::runservice().into_iter().map(|route| route.spec).collect()
}

/// The parameters of paths.
const PARAMETERS: [&str; 8] =
    ["{run}", "{executor}", "{attempt}", "{task}", "{step}", "{lineage}", "{project}", "{cache}"];

/// Asks each row that is `meant` in a deployment of its own, which `prepare` brings into a state.
fn ask_each(
    meant: impl Fn(&Spec) -> bool,
    prepare: impl AsyncFn(&RunsApp),
    ask: impl AsyncFn(&RunsApp, &Spec) -> Exchange,
) -> String {
    let mut table = Table::default();
    for spec in specs().iter().filter(|spec| meant(spec)) {
        with_work(async |runs| {
            prepare(&runs).await;
            table.add(spec, &ask(&runs, spec).await);
        });
    }
    table.text()
}

/// As [`ask_each`] in one deployment, where no answer is a success.
fn ask_all(
    meant: impl Fn(&Spec) -> bool,
    ask: impl AsyncFn(&RunsApp, &Spec) -> Exchange,
) -> String {
    let mut table = Table::default();
    with_work(async |runs| {
        for spec in specs().iter().filter(|spec| meant(spec)) {
            let answer = ask(&runs, spec).await;
            assert!(answer.status.as_u16() >= 400, "{answer}");
            table.add(spec, &answer);
        }
    });
    table.text()
}

fn every(_: &Spec) -> bool {
    true
}

fn closed(spec: &Spec) -> bool {
    spec.access != Access::Open
}

async fn nothing(_: &RunsApp) {}

async fn allowed(runs: &RunsApp, spec: &Spec) -> Exchange {
    runs.send(spec, runs.request(spec)).await
}

#[test]
fn every_row_by_those_who_may() {
    assert_snapshot!("allowed", ask_each(every, nothing, allowed));
}

#[test]
fn every_row_by_those_whom_nobody_knows() {
    let table =
        ask_all(closed, async |runs, spec| runs.app.send(runs.request(spec).anonymous()).await);
    let forged = ask_all(closed, async |runs, spec| {
        runs.app.send(runs.request(spec).header("authorization", "Bearer wrong")).await
    });
    assert_eq!(forged, table, "a wrong token is as good as none");
    assert!(table.lines().all(|line| line.ends_with("401 unauthorized")), "{table}");
    assert_snapshot!("nobody", table);
}

#[test]
fn the_rows_of_executors_are_theirs_alone_and_no_others_are() {
    let own = |spec: &Spec| spec.access == Access::Registered;
    let others = |spec: &Spec| closed(spec) && !own(spec);
    let internal = ask_all(own, async |runs, spec| runs.app.send(runs.request(spec)).await);
    let executor =
        ask_all(others, async |runs, spec| runs.executor("linux").send(runs.request(spec)).await);
    let mut gone = Table::default();
    with_work(async |runs| {
        runs.app.send(Request::delete("/api/v1/executors/linux")).await.expect(204);
        for spec in specs().iter().filter(|spec| own(spec)) {
            gone.add(spec, &allowed(&runs, spec).await);
        }
    });
    for line in [internal, executor, gone.text()].iter().flat_map(|table| table.lines()) {
        assert!(line.ends_with("401 unauthorized"), "{line}");
    }
}

#[test]
fn the_attempts_of_an_executor_are_hidden_from_the_others() {
    let attempts = |spec: &Spec| spec.path.contains("{attempt}");
    let table =
        ask_all(attempts, async |runs, spec| runs.executor("idle").send(runs.request(spec)).await);
    assert!(table.lines().all(|line| line.ends_with("404 attempt_not_exist")), "{table}");
    assert_snapshot!("other_executor", table);
}

#[test]
fn every_row_in_maintenance() {
    let on = async |runs: &RunsApp| drop(runs.app.maintenance_on().await);
    let table = ask_each(every, on, allowed);
    assert_snapshot!("in_maintenance", table);
    for (spec, line) in specs().iter().zip(table.lines()) {
        let refused = line.ends_with("503 maintenance, retry after 1 s");
        assert_eq!(refused, spec.availability == Availability::Serving, "{line}");
    }
    // Maintenance hides no mistake of a caller, and tells nobody more than before.
    for (access, line) in [
        (Access::Internal, "401 unauthorized"),
        (Access::Registered, "503 maintenance, retry after 1 s"),
    ] {
        let meant = |spec: &Spec| spec.access == access;
        let table = ask_each(meant, on, async |runs, spec| {
            runs.app.send(runs.request(spec).header("authorization", "Bearer wrong")).await
        });
        assert!(table.lines().all(|it| it.ends_with(line)), "{table}");
    }
}

#[test]
fn every_row_while_loading() {
    let mut table = Table::default();
    for spec in specs() {
        run(async {
            let mut app = TestApp::new();
            app.coordination.trouble.set(Trouble::Refused);
            app.add_service(Runservice::default(), settings()).await;
            let nowhere = "00000000-0000-7000-8000-000000000000";
            let path = PARAMETERS
                .iter()
                .fold(spec.path.to_owned(), |path, name| path.replace(name, nowhere));
            let request = Request::new(spec.method.clone(), &path);
            let request = match spec.body {
                BodyRule::None => request,
                BodyRule::Small => request.json(&body(&spec)),
                BodyRule::Octets => {
                    request.header("content-type", "application/octet-stream").body("x")
                }
                BodyRule::Stream => request.body("rubbish\n"),
            };
            table.add(&spec, &app.send(request).await);
        });
    }
    assert_snapshot!("while_loading", table.text());
}

#[test]
fn every_row_without_coordination_and_late() {
    // A claim asks coordination only if there may be a task for it.
    let approve = async |runs: &RunsApp| {
        let approve = format!("/api/v1/runs/{}/tasks/deploy/approve", runs.name("{run}"));
        let approve = Request::post(&approve).json(&json!({ "approver": "alice" }));
        runs.app.send(approve).await.expect(204);
    };
    let refused = async |runs: &RunsApp| {
        approve(runs).await;
        runs.app.coordination.trouble.set(Trouble::Refused);
    };
    assert_snapshot!("without_coordination", ask_each(every, refused, allowed));
    let silent = async |runs: &RunsApp| {
        approve(runs).await;
        runs.app.coordination.trouble.set(Trouble::Silent);
    };
    let hurried = async |runs: &RunsApp, spec: &Spec| {
        runs.send(spec, runs.request(spec).header("drydock-timeout-ms", "10")).await
    };
    assert_snapshot!("late", ask_each(every, silent, hurried));
}

#[test]
fn every_path_with_a_wrong_method() {
    with_work(async |runs| {
        endpoints::refuse_wrong_methods(runs.app.client(), endpoints::runservice()).await;
    });
}

/// The rows whose operation has this header or parameter, if it is none of the path.
fn with(parameter: &str) -> Vec<Spec> {
    let document = document("runservice", &endpoints::runservice());
    let is_free = |spec: &Spec| !spec.path.contains(&format!("{{{parameter}}}"));
    let specs = specs().into_iter().filter(is_free);
    specs.filter(|spec| taking(&document, spec, parameter)).collect()
}

#[test]
fn every_change_of_another_revision_and_every_creation_with_a_used_key() {
    let conditional = with("if-match");
    let stale = ask_all(
        |spec| conditional.contains(spec),
        async |runs, spec| {
            runs.send(spec, runs.request(spec).header("if-match", "\"stale\"")).await
        },
    );
    assert!(stale.lines().all(|line| line.ends_with("412 revision_mismatch")), "{stale}");
    assert_snapshot!("other_revision", stale);
    let creations = with("idempotency-key");
    let key = |request: Request| request.header("idempotency-key", "key-1");
    let used = ask_all(
        |spec| creations.contains(spec),
        async |runs, spec| {
            let other = json!({ "name": "somebody" });
            runs.app.send(key(Request::post("/api/v1/executors").json(&other))).await.expect(201);
            runs.send(spec, key(runs.request(spec))).await
        },
    );
    assert!(used.lines().all(|line| line.ends_with("422 idempotency_key_reused")), "{used}");
    assert_snapshot!("key_reused", used);
}

#[test]
fn every_query_that_is_wrong() {
    let mut tables = Vec::new();
    let own = [
        ("wait", "wait=0s", "400 invalid_query"),
        ("from", "from=x", "400 invalid_cursor"),
        ("from", "form=x", "400 invalid_query"),
        ("phase", "phase=later", "400 invalid_query"),
        ("project", "project=x", "400 invalid_query"),
        ("number", "number=-1", "400 invalid_query"),
        ("offset", "offset=x", "400 invalid_query"),
        ("size", "size=x", "400 invalid_query"),
        ("keys", "kees=x", "400 invalid_query"),
    ];
    for (parameter, query, outcome) in WRONG_QUERIES.into_iter().chain(own) {
        let meant = with(parameter);
        if meant.is_empty() {
            continue;
        }
        // Switches wait for no time at all, if that is asked for.
        let is_meant = |spec: &Spec| {
            meant.contains(spec) && (query != "wait=0s" || spec.access == Access::Registered)
        };
        let table = ask_all(is_meant, async |runs, spec| {
            let mut request = runs.request(spec);
            let path = request.path.split('?').next().unwrap_or_default().to_owned();
            request.path = format!("{path}?{query}");
            runs.send(spec, request).await
        });
        for line in table.lines() {
            assert!(line.ends_with(outcome), "{line} for {query}");
        }
        tables.push(table);
    }
    assert_snapshot!("wrong_query", tables.join("\n"));
}

/// The rows that can answer with this code.
fn refusing(code: &str) -> Vec<Spec> {
    let mut routes = endpoints::runservice();
    routes.retain(|route| route.codes().iter().any(|it| it.as_str() == code));
    routes.into_iter().map(|route| route.spec).collect()
}

#[test]
fn every_name_that_is_none_or_taken() {
    let meant = refusing("invalid_name");
    let table = ask_all(
        |spec| meant.contains(spec),
        async |runs, spec| {
            let mut body = body(spec);
            body["name"] = json!("no name");
            runs.send(spec, Request::new(spec.method.clone(), &runs.path(spec.path)).json(&body))
                .await
        },
    );
    assert!(table.lines().all(|line| line.ends_with("400 invalid_name")), "{table}");
    assert_snapshot!("no_name", table);
    let mut taken = Table::default();
    for spec in refusing("executor_already_exists") {
        with_work(async |runs| {
            let first = creation_beside(&spec, &specs());
            let create = runs.request(&first);
            runs.send(&first, create.clone()).await.expect(201);
            let again = taking_again(&spec, &runs.path(spec.path), &create, &body(&first)["name"]);
            taken.add(&spec, &runs.send(&spec, again).await);
        });
    }
    assert_snapshot!("taken", expect_taken(taken));
}

#[test]
fn every_path_that_leads_nowhere() {
    let nowhere = "00000000-0000-7000-8000-000000000000";
    let mut tables = Vec::new();
    for (parameter, value) in [
        ("{run}", nowhere),
        ("{task}", "nothing"),
        ("runs/{run}/tasks/{task}/logs/{step}", "runs/{run}/tasks/{task}/logs/7"),
        ("runs/{run}/tasks/{task}/archives/{step}", "runs/{run}/tasks/{task}/archives/7"),
        ("{executor}", "nobody"),
        ("{attempt}", nowhere),
        ("{cache}", nowhere),
        ("number=1", "number=99"),
    ] {
        let leads = |runs: &RunsApp, spec: &Spec| match runs.request(spec).path {
            path if path.contains(parameter) => path.replace(parameter, value),
            asked => {
                let path = runs.path(&spec.path.replace(parameter, value));
                match asked.split_once('?').filter(|_| !path.contains('?')) {
                    Some((_, query)) => format!("{path}?{query}"),
                    None => path,
                }
            }
        };
        let has = |spec: &Spec| {
            spec.path.contains(parameter)
                || parameter.starts_with("number") && spec.path.ends_with("/by_number")
        };
        let table = ask_all(has, async |runs, spec| {
            let mut request = runs.request(spec);
            request.path = leads(runs, spec);
            runs.send(spec, request).await
        });
        for line in table.lines() {
            assert!(line.contains(" 404 "), "{line} for {value}");
        }
        tables.push(table);
    }
    assert_snapshot!("leads_nowhere", tables.join("\n"));
}

fn takes_json(spec: &Spec) -> bool {
    spec.body == BodyRule::Small
}

#[test]
fn every_row_that_takes_json_with_a_bad_body() {
    let with_body = |body: &str| {
        let body = body.to_owned();
        ask_all(takes_json, async |runs, spec| {
            let bare = Request::new(spec.method.clone(), &runs.path(spec.path));
            let request = bare.header("content-type", "application/json").body(body.clone());
            runs.send(spec, request).await
        })
    };
    assert_snapshot!("bad_body", with_body("{"));
    for (body, outcome) in BAD_BODIES {
        for line in with_body(body).lines() {
            assert!(line.ends_with(outcome), "{line} for {body}");
        }
    }
    for line in with_body(&"x".repeat((1 << 20) + 1)).lines() {
        assert!(line.ends_with("413 body_too_large"), "{line}");
    }
    let typed = ask_all(takes_json, async |runs, spec| {
        let bare = Request::new(spec.method.clone(), &runs.path(spec.path));
        runs.send(spec, bare.header("content-type", "text/plain").body("{}")).await
    });
    for line in typed.lines() {
        assert!(line.ends_with("415 unsupported_media_type"), "{line}");
    }
}

#[test]
fn every_row_with_an_unknown_field_names_it() {
    with_work(async |runs| {
        for spec in specs().iter().filter(|spec| takes_json(spec)) {
            let mut body = body(spec);
            body["surely_unknown"] = json!(1);
            let request = Request::new(spec.method.clone(), &runs.path(spec.path)).json(&body);
            let answer = runs.send(spec, request).await;
            assert_eq!(answer.outcome(), "400 invalid_body", "{answer}");
            assert!(answer.field("message").contains("`surely_unknown`"), "{answer}");
        }
    });
}

#[test]
fn every_row_with_a_bad_reference_answers_400() {
    let referring = |spec: &Spec| spec.path.contains('{');
    let table = ask_all(referring, async |runs, spec| {
        let parts = spec.path.split('/').map(|part| match part.starts_with('{') {
            true => "@x",
            false => part,
        });
        let mut request = runs.request(spec);
        request.path = parts.collect::<Vec<_>>().join("/");
        runs.send(spec, request).await
    });
    assert!(table.lines().all(|line| line.ends_with("400 invalid_ref")), "{table}");
}
