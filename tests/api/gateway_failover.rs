//! A gateway in front of several instances of configstore: it goes on to the next one where that
//! can do no harm, and nowhere else.

use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::Request;
use drydock_tests::gateway::{Face, Who};
use drydock_tests::run::{run, until};
use serde_json::{Value, json};

use crate::gateway_boundary::stub;

async fn instances(count: usize) -> TestApp {
    let mut app = TestApp::new();
    for _ in 0..count {
        app.add(settings()).await;
    }
    app.ready().await;
    app.seed(&["alice"], &[("acme", "alice")]).await;
    app
}

fn new_org(name: &str) -> Request {
    Request::post("/api/v1/orgs").json(&json!({ "name": name, "visibility": "public" }))
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().into_iter().flatten();
    items.filter_map(|item| item["name"].as_str()).collect()
}

#[test]
fn reads_and_changes_go_on_at_the_instance_that_is_there() {
    run(async {
        let app = instances(2).await;
        let addresses = [1, 2].map(|number| app.instance(number).address.clone());
        let face = Face::before_all(&app, &addresses.each_ref().map(|it| &**it)).await;
        face.send(Who::AdminToken, new_org("first")).await.expect(201);
        app.stop(1);
        until(async || app.client().try_send(Request::get("/livez")).await.is_err()).await;
        let listed = face.get(Who::AdminToken, "/api/v1/orgs").await.expect(200).json();
        assert_eq!(names(&listed), ["acme", "first"]);
        face.send(Who::AdminToken, new_org("second")).await.expect(201);
        let calls = face.calls();
        face.send(Who::AdminToken, new_org("third")).await.expect(201);
        assert_eq!(face.calls() - calls, 1, "it begins with the one that answered");
        app.stop(2);
        let gone = async || app.instance(2).try_send(Request::get("/livez")).await.is_err();
        until(gone).await;
        let nobody = face.send(Who::AdminToken, new_org("fourth")).await;
        assert_eq!(nobody.outcome(), "503 unavailable, retry after 1 s");
    });
}

#[test]
fn an_instance_that_is_not_ready_is_passed_over_by_changes_too() {
    run(async {
        let app = instances(1).await;
        let body = r#"{"code":"not_ready","message":"loading"}"#;
        let loading: &'static str = Box::leak(Box::new(format!(
            "HTTP/1.1 503 X\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )));
        let (address, _heard) = stub(&app, loading).await;
        let face = Face::before_all(&app, &[&address, &app.client().address]).await;
        face.send(Who::AdminToken, new_org("made")).await.expect(201);
        face.get(Who::AdminToken, "/api/v1/orgs/made").await.expect(200);
    });
}

#[test]
fn a_change_that_may_have_been_made_is_asked_for_once() {
    run(async {
        let app = instances(1).await;
        // Takes requests, and says nothing that could be read.
        let (address, mut heard) = stub(&app, "rubbish").await;
        let face = Face::before_all(&app, &[&address, &app.client().address]).await;
        let answer = face.send(Who::AdminToken, new_org("perhaps")).await;
        assert_eq!(answer.outcome(), "503 unavailable, retry after 1 s");
        assert!(heard.recv().await.is_some_and(|head| head.starts_with("post ")));
        // A read changes nothing, so the next one is asked; and from then on first.
        face.get(Who::AdminToken, "/api/v1/orgs/perhaps").await.expect(404);
        assert!(heard.recv().await.is_some_and(|head| head.starts_with("get ")));
        face.send(Who::AdminToken, new_org("perhaps")).await.expect(201);
    });
}

#[test]
fn an_instance_that_hangs_costs_a_read_half_of_its_time() {
    run(async {
        let app = instances(1).await;
        let listener = drydock_core::net::Net::listen(app.net(), "hangs:0").await;
        let mut listener = listener.expect("the address is free");
        let address = listener.local_addr();
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok(taken) = listener.accept().await {
                open.push(taken);
            }
        });
        let face = Face::before_all(&app, &[&address, &app.client().address]).await;
        let begun = tokio::time::Instant::now();
        let read = Request::get("/api/v1/orgs/acme").header("drydock-timeout-ms", "4000");
        face.send(Who::AdminToken, read).await.expect(200);
        assert_eq!(begun.elapsed().as_secs(), 2);
    });
}
