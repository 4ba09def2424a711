//! The same states for every row of the route table: what a new route answers in them is in the
//! table's snapshot, or the test fails. `every_mistake` asks the same of mistakes.

use drydock_http::api::endpoint::{Access, Availability, BodyRule, Spec};
use drydock_tests::app::{TestApp, settings, with_app};
use drydock_tests::client::{Exchange, Request};
use drydock_tests::endpoints;
use drydock_tests::faulty::Trouble;
use drydock_tests::run::run;
use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

pub fn specs() -> Vec<Spec> {
    endpoints::configstore().into_iter().map(|route| route.spec).collect()
}

/// The objects that the parameters of paths name, if they are to exist.
pub const PARAMETERS: [(&str, &str); 10] = [
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

pub fn request(spec: &Spec) -> Request {
    let request = Request::new(spec.method.clone(), &path(spec));
    match spec.body {
        BodyRule::None => request,
        BodyRule::Small => request.json(&body(spec)),
        BodyRule::Octets => request.header("content-type", "application/octet-stream").body("x"),
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
pub struct Table(Vec<String>);

impl Table {
    pub fn add(&mut self, spec: &Spec, answer: &Exchange) {
        let (method, path) = (spec.method.as_str(), spec.path);
        self.0.push(format!("{method:6} {path:59} {}", answer.outcome()));
    }

    pub fn text(self) -> String {
        assert!(!self.0.is_empty(), "no route was asked");
        self.0.join("\n")
    }
}

/// The creation of what a row's path leads to, or of what will be next to it.
pub fn creation_beside(spec: &Spec, all: &[Spec]) -> Spec {
    let list = spec.path.rsplit_once('/').map_or(spec.path, |(list, _)| list);
    let fits = |it: &&Spec| it.method == Method::POST && (it.path == spec.path || it.path == list);
    all.iter().find(fits).cloned().expect("what can be taken can be made")
}

/// Of each parameter a value that is well-formed and leads nowhere.
pub const NOWHERE: [(&str, &str); 9] = [
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

/// A path that goes astray in what is filled in already, and is known in all the rest.
pub fn astray(path: String, known: &[(&str, &str)]) -> String {
    known.iter().fold(path, |path, (name, value)| path.replace(name, value))
}

/// Asks for a name that `create` has taken: by the same creation, or by a change to it.
pub fn taking_again(spec: &Spec, path: &str, create: &Request, name: &Value) -> Request {
    match spec.method == Method::POST {
        true => create.clone(),
        false => Request::new(spec.method.clone(), path).json(&json!({ "name": name })),
    }
}

/// The table of names that are taken.
pub fn expect_taken(table: Table) -> String {
    let table = table.text();
    for line in table.lines() {
        assert!(line.ends_with("_already_exists"), "{line}");
    }
    table
}

pub async fn ready() -> TestApp {
    let mut app = TestApp::new();
    app.add(settings()).await;
    app.ready().await;
    app.seed(&["alice"], &[("acme", "alice")]).await;
    app.seed_tree().await;
    app
}

/// Asks each route that is `meant` in a service of its own, which `prepare` brings into a state.
pub fn ask_each(
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

pub async fn nothing(_: &TestApp) {}

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
    with_app(async |app| {
        let lines = endpoints::refuse_wrong_methods(app.client(), endpoints::configstore()).await;
        assert_snapshot!("allow", lines.join("\n"));
    });
}
