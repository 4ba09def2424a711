use std::time::Duration;

use drydock_tests::app::{TestApp, settings, with_app};
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{run, until};
use insta::assert_snapshot;
use serde_json::json;
use tokio::time::Instant;

const MAINTENANCE: &str = "/api/v1/maintenance";

/// Two instances, both ready.
async fn two() -> TestApp {
    let mut app = TestApp::new();
    app.add(settings()).await;
    // It boots the store: whoever is first makes the ids.
    app.ready().await;
    app.add(settings()).await;
    app.ready().await;
    app
}

#[test]
fn status_before_the_first_switch_is_normal() {
    with_app(async |app| {
        assert_snapshot!("status_never_switched", app.get(MAINTENANCE).await);
    });
}

#[test]
fn a_switch_says_who_and_why_and_is_the_same_when_repeated() {
    with_app(async |app| {
        let on = Request::put("/api/v1/maintenance?wait=30s").header("x-requested-by", "ops");
        let on = on.json(&json!({ "reason": "restore of yesterday" }));
        let first = app.send(on).await;
        assert_snapshot!("on", first);
        let again = app.send(Request::put(MAINTENANCE)).await.expect(200);
        for field in ["generation", "since", "requested_by", "reason"] {
            assert_eq!(again.json()[field], first.json()[field], "{field}");
        }
        assert_snapshot!("off", app.send(Request::delete(MAINTENANCE)).await);
        assert_snapshot!("off_again", app.send(Request::delete(MAINTENANCE)).await);
        // The gate is open before the others are told so.
        app.maintenance_off().await;
        assert_snapshot!("status_after_off", app.get(MAINTENANCE).await);
    });
}

#[test]
fn the_status_lists_every_instance() {
    run(async {
        let app = two().await;
        let on = app.instance(2).send(Request::put("/api/v1/maintenance?wait=30s")).await;
        assert_snapshot!("on_with_two_instances", on);
        for number in [1, 2] {
            let write = Request::post("/api/v1/users").json(&json!({ "name": "alice" }));
            let answer = app.instance(number).send(write).await;
            assert_eq!(answer.outcome(), "503 maintenance, retry after 1 s");
        }
        // The switch works in both directions from any instance.
        app.maintenance_off().await;
        app.seed(&["alice"], &[]).await;
        let read = app.instance(2).send(Request::get("/api/v1/users/alice")).await;
        assert_eq!(read.status, 200, "{read}");
    });
}

#[test]
fn an_instance_that_has_stopped_is_not_waited_for() {
    run(async {
        let app = two().await;
        app.stop(2);
        until(async || instances(&app).await == 1).await;
        let on = app.maintenance_on().await;
        assert_eq!(on.json()["ready"], true, "{on}");
    });
}

async fn instances(app: &TestApp) -> usize {
    let status = app.get(MAINTENANCE).await.expect(200).json();
    status["instances"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_request_in_flight_may_finish_and_is_cut_off_at_the_deadline() {
    with_app(async |app| {
        app.coordination.trouble.set(Trouble::Silent);
        let client = app.client().clone();
        let read = tokio::spawn(async move { client.send(Request::get("/api/v1/users")).await });
        until(async || app.coordination.trouble.somebody_waits()).await;
        app.coordination.trouble.set(Trouble::None);
        let begun = Instant::now();
        app.maintenance_on().await;
        assert!(begun.elapsed() < Duration::from_secs(30), "the drain has a deadline");
        let answer = read.await.unwrap();
        assert!(answer.status == 200 || answer.status == 503, "{answer}");
    });
}

#[test]
fn a_store_that_cannot_load_can_be_put_into_maintenance() {
    run(async {
        let mut app = TestApp::new();
        app.objects.trouble.set(Trouble::Refused);
        app.add(settings()).await;
        let on = app.send(Request::put("/api/v1/maintenance?wait=1s")).await;
        assert_snapshot!("on_without_objects", on);
        assert_snapshot!("read_without_objects", app.get("/api/v1/users").await);
        app.send(Request::delete("/api/v1/maintenance?wait=1s")).await.expect(204);
        app.objects.trouble.set(Trouble::None);
        app.ready().await;
    });
}

#[test]
fn bad_switches_are_refused_and_change_nothing() {
    with_app(async |app| {
        let put = || Request::put(MAINTENANCE);
        let forever = app.send(Request::put("/api/v1/maintenance?wait=forever")).await;
        assert_snapshot!("on_wait_unknown", forever);
        let long = app.send(Request::put("/api/v1/maintenance?wait=1h")).await;
        assert_snapshot!("on_wait_too_long", long);
        let off = app.send(Request::delete("/api/v1/maintenance?wait=-1s")).await;
        assert_snapshot!("off_wait_negative", off);
        let anonymous = app.send(put().header("x-requested-by", "")).await;
        assert_snapshot!("on_requested_by_empty", anonymous);
        let long = app.send(put().json(&json!({ "reason": "x".repeat(1025) }))).await;
        assert_eq!(long.outcome(), "400 invalid_body", "{long}");
        assert_snapshot!("on_unknown_field", app.send(put().json(&json!({ "why": "x" }))).await);
        let untyped = app.send(put().body("{}")).await;
        assert_snapshot!("on_body_without_type", untyped);
        assert_eq!(app.get(MAINTENANCE).await.json()["generation"], 0);
    });
}
