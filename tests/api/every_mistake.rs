//! The same mistakes for every row of the route table.

use drydock_api::configstore::types::TokenDigest;
use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::endpoint::{BodyRule, Spec};
use drydock_tests::app::{TestApp, with_app};
use drydock_tests::client::Request;
use drydock_tests::endpoints;
use drydock_tests::endpoints::document;
use drydock_tests::run::run;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::every_route::{
    NOWHERE, PARAMETERS, Table, ask_each, astray, body, creation_beside, expect_taken, nothing,
    path, ready, request, specs, taking_again,
};

/// Parameters, a query with a bad value of each, and what is answered to it.
pub const WRONG_QUERIES: [(&str, &str, &str); 7] = [
    ("limit", "limit=0", "400 invalid_limit"),
    ("cursor", "cursor=x", "400 invalid_cursor"),
    ("order", "order=up", "400 invalid_query"),
    ("consistency", "consistency=mostly", "400 invalid_query"),
    ("wait", "wait=x&wait=y", "400 invalid_query"),
    ("dry_run", "dry_run=perhaps", "400 invalid_query"),
    ("verbose", "verbos=1", "400 invalid_query"),
];

/// Bodies that no route takes, and what is answered to them.
pub const BAD_BODIES: [(&str, &str); 5] = [
    ("{", "400 invalid_body"),
    ("", "400 invalid_body"),
    ("[]", "400 invalid_body"),
    ("null", "400 invalid_body"),
    (r#"{"surely_unknown": 1}"#, "400 invalid_body"),
];

/// Whether the operation of a route has this header or parameter in the document.
pub fn taking(document: &Value, spec: &Spec, parameter: &str) -> bool {
    let method = spec.method.as_str().to_lowercase();
    let parameters = &document["paths"][spec.path][method]["parameters"];
    parameters.as_array().into_iter().flatten().any(|it| it["name"] == parameter)
}

/// The routes whose operation has this header or parameter.
fn with(parameter: &str) -> Vec<Spec> {
    let document = document("configstore", &endpoints::configstore());
    specs().into_iter().filter(|spec| taking(&document, spec, parameter)).collect()
}

#[test]
fn every_change_of_another_revision() {
    let conditional = with("if-match");
    let meant = |spec: &Spec| conditional.contains(spec);
    let linked = "/api/v1/users/{user}/linked_accounts/{id}";
    let stale = |spec: &Spec| request(spec).header("if-match", "\"stale\"");
    let table = ask_each(|spec| meant(spec) && spec.path != linked, nothing, stale);
    for line in table.lines() {
        assert!(line.ends_with("412 revision_mismatch"), "{line}");
    }
    assert_snapshot!("other_revision", table);
}

#[test]
fn every_creation_with_a_key_of_another_request() {
    let creations = with("idempotency-key");
    let key = |request: Request| request.header("idempotency-key", "key-1");
    let used = async |app: &TestApp| {
        let user = json!({ "name": "somebody" });
        app.send(key(Request::post("/api/v1/users").json(&user))).await.expect(201);
    };
    let table = ask_each(|spec| creations.contains(spec), used, |spec| key(request(spec)));
    for line in table.lines() {
        assert!(line.ends_with("422 idempotency_key_reused"), "{line}");
    }
    assert_snapshot!("key_reused", table);
}

#[test]
fn every_query_that_is_wrong() {
    let mut lines = Vec::new();
    for (parameter, query, outcome) in WRONG_QUERIES {
        let meant = with(parameter);
        let ask = |spec: &Spec| {
            let mut request = request(spec);
            request.path += &format!("?{query}");
            request
        };
        let table = ask_each(|spec| meant.contains(spec), nothing, ask);
        for line in table.lines() {
            assert!(line.ends_with(outcome), "{line} for {query}");
        }
        lines.push(table);
    }
    assert_snapshot!("wrong_query", lines.join("\n"));
}

/// The routes that can answer with a code of which this is true.
fn refusing(holds: impl Fn(&str) -> bool) -> Vec<Spec> {
    let refuses = |route: &Endpoint| route.codes().iter().any(|code| holds(code.as_str()));
    endpoints::configstore().into_iter().filter(refuses).map(|route| route.spec).collect()
}

#[test]
fn every_name_that_is_none() {
    let meant = refusing(|code| code == "invalid_name");
    let ask = |spec: &Spec| {
        let mut body = body(spec);
        body["name"] = json!("no name");
        Request::new(spec.method.clone(), &path(spec)).json(&body)
    };
    let table = ask_each(|spec| meant.contains(spec), nothing, ask);
    for line in table.lines() {
        assert!(line.ends_with("400 invalid_name"), "{line}");
    }
    assert_snapshot!("no_name", table);
}

#[test]
fn every_name_that_is_taken() {
    let meant = refusing(|code| code.ends_with("_already_exists"));
    let mut table = Table::default();
    for spec in meant {
        run(async {
            let app = ready().await;
            let first = creation_beside(&spec, &specs());
            let create = request(&first);
            app.send(create.clone()).await.expect(201);
            let again = taking_again(&spec, &path(&spec), &create, &body(&first)["name"]);
            table.add(&spec, &app.send(again).await);
        });
    }
    assert_snapshot!("taken", expect_taken(table));
}

#[test]
fn every_path_that_leads_nowhere() {
    let mut tables = Vec::new();
    for (parameter, value) in NOWHERE {
        let ask = |spec: &Spec| {
            let mut asked = request(spec);
            asked.path = astray(spec.path.replace(parameter, value), &PARAMETERS);
            asked
        };
        let table = ask_each(|spec| spec.path.contains(parameter), nothing, ask);
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
fn every_route_that_takes_json_with_a_bad_body() {
    let bare = |spec: &Spec| Request::new(spec.method.clone(), &path(spec));
    let json = |spec: &Spec| bare(spec).header("content-type", "application/json");
    let cut = |spec: &Spec| json(spec).body("{");
    assert_snapshot!("bad_body", ask_each(takes_json, nothing, cut));
    let large = "x".repeat((1 << 20) + 1);
    for (body, outcome) in BAD_BODIES.into_iter().chain([(&*large, "413 body_too_large")]) {
        let table = ask_each(takes_json, nothing, |spec| json(spec).body(body.to_owned()));
        for line in table.lines() {
            assert!(line.ends_with(outcome), "{line} for {:.40}", body);
        }
    }
    let typed = |spec: &Spec| bare(spec).header("content-type", "text/plain").body("{}");
    for line in ask_each(takes_json, nothing, typed).lines() {
        assert!(line.ends_with("415 unsupported_media_type"), "{line}");
    }
}

#[test]
fn every_route_with_an_unknown_field_names_it() {
    with_app(async |app| {
        for spec in specs().iter().filter(|spec| takes_json(spec)) {
            let body = json!({ "surely_unknown": 1 }).to_string();
            let answer = app.send(request(spec).body(body)).await;
            assert!(answer.field("message").contains("`surely_unknown`"), "{answer}");
        }
    });
}

#[test]
fn every_route_with_a_bad_reference_answers_400() {
    let referring = |spec: &Spec| spec.path.contains('{');
    let ask = |spec: &Spec| {
        let bad = PARAMETERS
            .iter()
            .fold(spec.path.to_owned(), |path, (name, _)| path.replace(name, "@x"));
        let mut request = request(spec);
        request.path = bad;
        request
    };
    for line in ask_each(referring, nothing, ask).lines() {
        assert!(line.ends_with("400 invalid_ref"), "{line}");
    }
}

/// Who asks on somebody's behalf: a token that nobody has.
const NOBODY: &str = r#"{"token":"0123456789abcdef","rights":[]}"#;

#[test]
fn everything_on_behalf_of_somebody_who_is_gone() {
    let meant = refusing(|code| code == "caller_not_exist");
    let ask = |spec: &Spec| request(spec).header("drydock-on-behalf-of", NOBODY);
    let table = ask_each(|spec| meant.contains(spec), nothing, ask);
    for line in table.lines() {
        assert!(line.ends_with("404 caller_not_exist"), "{line}");
    }
    assert_snapshot!("callers_gone", table);
    with_app(async |app| {
        let ask = Request::post("/api/v1/users").json(&json!({ "name": "alice" }));
        assert_snapshot!(
            "caller_not_exist",
            app.send(ask.header("drydock-on-behalf-of", NOBODY)).await
        );
    });
    let broken = |spec: &Spec| request(spec).header("drydock-on-behalf-of", "{}");
    for line in ask_each(|spec| meant.contains(spec), nothing, broken).lines() {
        assert!(line.ends_with("400 invalid_header"), "{line}");
    }
}

#[test]
fn everything_on_behalf_of_somebody_who_may_not() {
    let meant = refusing(|code| code == "caller_forbidden");
    let mut table = Table::default();
    for spec in meant {
        run(async {
            let app = ready().await;
            let made = Request::post("/api/v1/users/alice/tokens");
            let made = app.send(made.json(&json!({ "name": "presented" }))).await.expect(201);
            let token = TokenDigest::of(&made.field("value"));
            let behalf = json!({ "token": token, "rights": ["admin"] });
            let ask = request(&spec).header("drydock-on-behalf-of", &behalf.to_string());
            let answer = app.send(ask).await;
            table.add(&spec, &answer);
            if spec.path == "/api/v1/users/{user}" && spec.method == "DELETE" {
                assert_snapshot!("caller_forbidden", answer);
            }
        });
    }
    let table = table.text();
    for line in table.lines() {
        assert!(line.ends_with("403 caller_forbidden"), "{line}");
    }
    assert_snapshot!("callers_forbidden", table);
}

/// A body with each object within it, and the path to that as a refusal names it.
fn with_objects() -> Value {
    let conditions = json!({ "include": ["main"] });
    let when = json!({ "branch": conditions, "tag": conditions, "ref": conditions });
    let value = json!({ "secret_name": "deploy", "secret_var": "key", "when": when });
    json!({ "name": "other", "values": [value] })
}

#[test]
fn an_array_is_not_taken_for_an_object_within_a_body() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        let list = "/api/v1/projects/org%2Facme%2Fweb%2Fsite/variables";
        for (pointer, place, items) in [
            ("/values/0", "`values[0]`", json!(["deploy", "key"])),
            ("/values/0/when", "`values[0].when`", json!([])),
            ("/values/0/when/branch", "`values[0].when.branch`", json!([["main"], []])),
            ("/values/0/when/tag", "`values[0].when.tag`", json!([])),
            ("/values/0/when/ref", "`values[0].when.ref`", json!([])),
        ] {
            let mut body = with_objects();
            *body.pointer_mut(pointer).expect("it is there") = items;
            for ask in [Request::post(list), Request::put(&format!("{list}/password"))] {
                let answer = app.send(ask.json(&body)).await;
                assert_eq!(answer.outcome(), "400 invalid_body", "{answer}");
                assert!(answer.field("message").starts_with(place), "{answer}");
            }
        }
        app.send(Request::post(list).json(&with_objects())).await.expect(201);
    });
}
