//! The audit: one line for each change that a person asks for, whatever the route.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use drydock_http::api::endpoint::{Access, Endpoint};
use drydock_http::server::audit::TARGET;
use drydock_tests::app::with_app;
use drydock_tests::client::{Client, Request};
use drydock_tests::endpoints;
use drydock_tests::gateway::{Who, runs_world, small_world};
use drydock_tests::run::run;
use drydock_tests::runs::with_runs;
use http::Method;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

type Line = BTreeMap<String, String>;

/// The audit's lines of a test.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl Lines {
    /// Takes the lines of this thread, which all tasks of a test run on.
    fn begin() -> (Lines, DefaultGuard) {
        let lines = Lines::default();
        let guard = tracing_subscriber::registry().with(lines.clone()).set_default();
        (lines, guard)
    }

    fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.0.lock().expect("no holder of this lock panics"))
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == TARGET {
            let mut fields = Fields(Line::new());
            event.record(&mut fields);
            self.0.lock().expect("no holder of this lock panics").push(fields.0);
        }
    }
}

struct Fields(Line);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

/// What changes nothing, although its method is one of changes.
const NO_CHANGES: [&str; 1] = ["/api/v1/tokens/resolve"];

/// Whether requests of a route are audited, told from the table and not from the product's rule.
fn is_audited(endpoint: &Endpoint) -> bool {
    let spec = &endpoint.spec;
    let by_people = !matches!(spec.access, Access::Open | Access::Registered);
    let changes = !NO_CHANGES.contains(&spec.path);
    by_people && changes && (spec.method != Method::GET || spec.path.starts_with("/api/v1/export"))
}

/// Sends one request to each route of a service, with the client's token and without one.
async fn every_route(lines: &Lines, service: &str, client: &Client, endpoints: &[Endpoint]) {
    for endpoint in endpoints {
        let path = endpoint.spec.path.replace('{', "x").replace('}', "");
        let mut methods = vec![endpoint.spec.method.clone()];
        methods.extend(endpoint.operation.merges.then_some(Method::PATCH));
        for method in methods {
            let request = || Request::new(method.clone(), &path).json(&json!({}));
            for request in [request(), request().anonymous()] {
                lines.take();
                let answer = client.send(request).await;
                let mut written = lines.take();
                written.retain(|line| line["service"] == service);
                let what = format!("{method} {path}: {written:#?}");
                assert_eq!(written.len(), usize::from(is_audited(endpoint)), "{what}");
                for line in written {
                    assert_eq!(line["action"], format!("{method} {}", endpoint.spec.path));
                    assert_eq!(line["object"], path, "{what}");
                    assert_eq!(line["outcome"], answer.outcome(), "{what}");
                    assert_eq!(Some(&*line["request"]), answer.header("x-request-id"), "{what}");
                    if answer.status.as_u16() == 401 {
                        assert_eq!(line["caller"], "unknown", "{what}");
                    }
                    assert!(line["from"] != "unknown", "{what}");
                }
            }
        }
    }
}

#[test]
fn every_route_of_configstore_that_changes_something_is_audited() {
    with_app(async |app| {
        let (lines, _guard) = Lines::begin();
        every_route(&lines, "configstore", app.client(), &endpoints::configstore()).await;
    });
}

#[test]
fn every_route_of_runservice_that_changes_something_is_audited() {
    with_runs(async |runs| {
        let (lines, _guard) = Lines::begin();
        every_route(&lines, "runservice", runs.app.client(), &endpoints::runservice()).await;
    });
}

#[test]
fn every_route_of_the_gateway_that_changes_something_is_audited() {
    run(async {
        let (_app, face) = runs_world().await;
        let (lines, _guard) = Lines::begin();
        every_route(&lines, "gateway", &face.client, &endpoints::gateway()).await;
    });
}

#[test]
fn a_line_says_who_asked_for_what_and_how_it_ended() {
    run(async {
        let (_app, face) = small_world().await;
        let (lines, _guard) = Lines::begin();
        let token = json!({ "name": "for-the-audit" });
        let token = Request::post("/api/v1/users/alice/tokens").json(&token);
        let made = face.send(Who::Owner, token).await;
        let written = lines.take();
        assert_eq!(made.outcome(), "201", "{made}");
        let id = made.header("x-request-id").expect("every answer has one");
        for service in ["gateway", "configstore"] {
            let is_its = |line: &&Line| {
                line["service"] == service && line["action"] == "POST /api/v1/users/{user}/tokens"
            };
            let line = written.iter().find(is_its).expect("each service writes a line");
            assert!(line["caller"].starts_with("user alice ("), "{line:#?}");
            assert_eq!((&*line["outcome"], &*line["request"]), ("201", id), "{line:#?}");
        }
        let uses = written.iter().filter(|line| line["action"] == "first use of a token");
        assert_eq!(uses.count(), 1, "{written:#?}");
        assert!(!format!("{written:?}").contains("for-the-audit"), "bodies are not shown");
        let value = made.json()["value"].as_str().map(str::to_owned);
        let value = value.expect("a new token is shown once");
        assert!(!format!("{written:?}").contains(&value));
    });
}
