//! The same mistakes and states for every row of the route table: what a new route answers to them
//! is in the table's snapshot, or the test fails.

use std::collections::{BTreeMap, BTreeSet};

use drydock_services::configstore;
use drydock_services::http::openapi::document;
use drydock_services::http::route::{Access, Availability, BodyRule, Route, Spec};
use drydock_tests::app::{TestApp, settings, with_app};
use drydock_tests::client::{Exchange, Request};
use drydock_tests::faulty::Trouble;
use drydock_tests::run::run;
use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

pub fn specs() -> Vec<Spec> {
    configstore::routes().into_iter().map(|route| route.spec).collect()
}

/// The objects that the parameters of paths name, if they are to exist.
const PARAMETERS: [(&str, &str); 10] = [
    ("{user}", "alice"),
    ("{org}", "acme"),
    ("{lineage}", "00000000-0000-7000-8000-000000000000"),
    ("{token}", "laptop"),
    ("{id}", "00000000-0000-7000-8000-000000000000"),
    ("{remote_source}", "forge"),
    ("{group}", "org%2Facme%2Fweb"),
    ("{project}", "org%2Facme%2Fweb%2Fsite"),
    ("{secret}", "deploy"),
    ("{variable}", "password"),
];

pub fn path(spec: &Spec) -> String {
    let mut path = spec.path.to_owned();
    for (parameter, value) in PARAMETERS {
        path = path.replace(parameter, value);
    }
    assert!(!path.contains('{'), "`{path}` has a parameter that PARAMETERS does not name");
    path
}

fn request(spec: &Spec) -> Request {
    let request = Request::new(spec.method.clone(), &path(spec));
    match spec.body {
        BodyRule::None => request,
        BodyRule::Small => request.json(&body(spec)),
        BodyRule::Stream => request.body("rubbish\n"),
    }
}

/// A body that the route takes.
pub fn body(spec: &Spec) -> Value {
    match (spec.method.as_str(), spec.path) {
        ("POST", "/api/v1/users") => json!({ "name": "bob" }),
        ("POST", "/api/v1/orgs") => json!({ "name": "other", "visibility": "public" }),
        ("PUT", "/api/v1/orgs/{org}/members/{user}") => json!({ "role": "owner" }),
        ("POST", "/api/v1/users/{user}/tokens") => json!({ "name": "other" }),
        ("POST", "/api/v1/tokens/resolve") => json!({ "value": "unknown" }),
        ("POST", "/api/v1/users/{user}/linked_accounts") => json!({
            "remote_source": "forge",
            "remote_user_id": "7",
            "remote_user_name": "alice",
        }),
        ("POST", "/api/v1/remote_sources") => json!({
            "name": "other",
            "api_url": "https://other.example",
            "kind": "github",
            "auth_kind": "oauth2",
        }),
        ("POST", "/api/v1/project_groups") => json!({ "name": "other", "parent": "org/acme" }),
        ("POST", "/api/v1/projects") => json!({ "name": "other", "parent": "org/acme/web" }),
        ("POST", path) if path.ends_with("/secrets") => json!({ "name": "other", "data": {} }),
        ("POST", path) if path.ends_with("/variables") => json!({ "name": "other", "values": [] }),
        _ => json!({}),
    }
}

/// One line for each route that is asked.
#[derive(Default)]
struct Table(Vec<String>);

impl Table {
    fn add(&mut self, spec: &Spec, answer: &Exchange) {
        let (method, path) = (spec.method.as_str(), spec.path);
        self.0.push(format!("{method:6} {path:59} {}", answer.outcome()));
    }

    fn text(self) -> String {
        assert!(!self.0.is_empty(), "no route was asked");
        self.0.join("\n")
    }
}

async fn ready() -> TestApp {
    let mut app = TestApp::new();
    app.add(settings()).await;
    app.ready().await;
    app.seed(&["alice"], &[("acme", "alice")]).await;
    app.seed_tree().await;
    app
}

/// Asks each route that is `meant` in a service of its own, which `prepare` brings into a state.
fn ask_each(
    meant: impl Fn(&Spec) -> bool,
    prepare: impl AsyncFn(&TestApp),
    ask: impl Fn(&Spec) -> Request,
) -> String {
    let mut table = Table::default();
    for spec in specs().iter().filter(|spec| meant(spec)) {
        run(async {
            let app = ready().await;
            prepare(&app).await;
            table.add(spec, &app.send(ask(spec)).await);
        });
    }
    table.text()
}

fn every(_: &Spec) -> bool {
    true
}

async fn nothing(_: &TestApp) {}

#[test]
fn every_route_without_a_token() {
    let table = ask_each(every, nothing, |spec| request(spec).anonymous());
    assert_snapshot!("without_token", table);
    let bearer = |spec: &Spec| request(spec).header("authorization", "Bearer wrong");
    assert_eq!(ask_each(every, nothing, bearer), table, "a wrong token is as good as none");
    for (spec, line) in specs().iter().zip(table.lines()) {
        assert_eq!(line.contains(" 401 "), spec.access == Access::Internal, "{line}");
    }
}

#[test]
fn every_route_in_maintenance() {
    let table = ask_each(every, async |app| drop(app.maintenance_on().await), request);
    assert_snapshot!("in_maintenance", table);
    for (spec, line) in specs().iter().zip(table.lines()) {
        let closed = line.ends_with("503 maintenance, retry after 1 s");
        assert_eq!(closed, spec.availability == Availability::Serving, "{line}");
    }
}

#[test]
fn every_route_while_loading() {
    let mut table = Table::default();
    for spec in specs() {
        run(async {
            let mut app = TestApp::new();
            app.coordination.trouble.set(Trouble::Refused);
            app.add(settings()).await;
            table.add(&spec, &app.send(request(&spec)).await);
        });
    }
    assert_snapshot!("while_loading", table.text());
}

#[test]
fn every_route_without_coordination() {
    let refuse = async |app: &TestApp| app.coordination.trouble.set(Trouble::Refused);
    assert_snapshot!("without_coordination", ask_each(every, refuse, request));
}

#[test]
fn every_route_with_a_deadline_that_passes() {
    let silence = async |app: &TestApp| app.coordination.trouble.set(Trouble::Silent);
    let hurried = |spec: &Spec| request(spec).header("drydock-timeout-ms", "10");
    assert_snapshot!("deadline", ask_each(every, silence, hurried));
}

#[test]
fn every_path_with_a_wrong_method() {
    let mut allowed: BTreeMap<&str, BTreeSet<Method>> = BTreeMap::new();
    for spec in specs() {
        let methods = allowed.entry(spec.path).or_default();
        if spec.method == Method::GET {
            methods.insert(Method::HEAD);
        }
        methods.insert(spec.method);
    }
    with_app(async |app| {
        let mut lines = Vec::new();
        for (path, methods) in allowed {
            let refused = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];
            for method in refused.into_iter().filter(|method| !methods.contains(method)) {
                let answer = app.send(Request::new(method, path)).await;
                assert_eq!(answer.outcome(), "405 method_not_allowed", "{answer}");
                let named = answer.header("allow").map(|allow| allow.split(", ").collect());
                let expected = methods.iter().map(Method::as_str).collect::<Vec<_>>();
                assert_eq!(named, Some(expected), "{answer}");
            }
            let names: Vec<_> = methods.iter().map(Method::as_str).collect();
            lines.push(format!("{path:59} {}", names.join(", ")));
        }
        assert_snapshot!("allow", lines.join("\n"));
    });
}

/// The routes whose operation has this header or parameter.
fn with(parameter: &str) -> Vec<Spec> {
    let document = document("configstore", &configstore::routes());
    let has = |spec: &Spec| {
        let method = spec.method.as_str().to_lowercase();
        let parameters = &document["paths"][spec.path][method]["parameters"];
        parameters.as_array().into_iter().flatten().any(|it| it["name"] == parameter)
    };
    specs().into_iter().filter(has).collect()
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
    for (parameter, query, outcome) in [
        ("limit", "limit=0", "400 invalid_limit"),
        ("cursor", "cursor=x", "400 invalid_cursor"),
        ("order", "order=up", "400 invalid_query"),
        ("consistency", "consistency=mostly", "400 invalid_query"),
        ("wait", "wait=x&wait=y", "400 invalid_query"),
        ("dry_run", "dry_run=perhaps", "400 invalid_query"),
        ("verbose", "verbos=1", "400 invalid_query"),
    ] {
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
    let refuses = |route: &Route<_>| route.codes().iter().any(|code| holds(code.as_str()));
    configstore::routes().into_iter().filter(refuses).map(|route| route.spec).collect()
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
    let creations: Vec<_> = specs().into_iter().filter(|spec| spec.method == "POST").collect();
    let creation = |spec: &Spec| {
        let list = spec.path.rsplit_once('/').map_or(spec.path, |(list, _)| list);
        let fits = |it: &&Spec| it.path == spec.path || it.path == list;
        creations.iter().find(fits).cloned().expect("what can be taken can be made")
    };
    let table = std::cell::RefCell::new(Table::default());
    for spec in meant {
        run(async {
            let app = ready().await;
            let first = creation(&spec);
            app.send(request(&first)).await.expect(201);
            let taken = json!({ "name": body(&first)["name"] });
            let ask = match spec.method.as_str() {
                "POST" => request(&first),
                _ => Request::new(spec.method.clone(), &path(&spec)).json(&taken),
            };
            let answer = app.send(ask).await;
            table.borrow_mut().add(&spec, &answer);
        });
    }
    let table = table.into_inner().text();
    for line in table.lines() {
        assert!(line.ends_with("_already_exists"), "{line}");
    }
    assert_snapshot!("taken", table);
}

/// Of each parameter a value that is well-formed and leads nowhere.
const NOWHERE: [(&str, &str); 9] = [
    ("{user}", "nobody"),
    ("{org}", "nowhere"),
    ("{token}", "nothing"),
    ("{id}", "00000000-0000-7000-8000-000000000000"),
    ("{remote_source}", "nowhere"),
    ("{group}", "org%2Fnowhere"),
    ("{project}", "org%2Facme%2Fnowhere"),
    ("{secret}", "nothing"),
    ("{variable}", "nothing"),
];

#[test]
fn every_path_that_leads_nowhere() {
    let mut tables = Vec::new();
    for (parameter, value) in NOWHERE {
        let ask = |spec: &Spec| {
            let mut asked = request(spec);
            let replaced = spec.path.replace(parameter, value);
            asked.path =
                PARAMETERS.iter().fold(replaced, |path, (name, value)| path.replace(name, value));
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
    for (body, outcome) in [
        ("{", "400 invalid_body"),
        ("", "400 invalid_body"),
        ("[]", "400 invalid_body"),
        ("null", "400 invalid_body"),
        (r#"{"surely_unknown": 1}"#, "400 invalid_body"),
        (&"x".repeat((1 << 20) + 1), "413 body_too_large"),
    ] {
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
