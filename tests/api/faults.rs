//! What a client sees when the systems below do not answer.

use drydock_tests::app::{TestApp, settings, with_app};
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{run, until};
use insta::assert_snapshot;
use serde_json::json;

fn create(name: &str) -> Request {
    Request::post("/api/v1/users").json(&json!({ "name": name }))
}

#[test]
fn without_coordination_reads_and_writes_answer_503() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        app.coordination.trouble.set(Trouble::Refused);
        assert_snapshot!("coordination_write", app.send(create("bob")).await);
        assert_snapshot!("coordination_read", app.get("/api/v1/users/alice").await);
        assert_snapshot!("coordination_status", app.get("/api/v1/maintenance").await);
        let local = app.get("/api/v1/users/alice?consistency=local").await;
        assert_eq!(local.status, 200, "a local read needs nobody: {local}");
        app.coordination.trouble.set(Trouble::None);
        app.send(create("bob")).await.expect(201);
    });
}

#[test]
fn without_space_writes_are_refused_at_once_and_everything_else_goes_on() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        app.coordination.trouble.set(Trouble::Full);
        assert_snapshot!("coordination_full_write", app.send(create("bob")).await);
        app.get("/api/v1/users/alice").await.expect(200);
        app.get("/api/v1/export").await.expect(200);
        assert_snapshot!("coordination_full_readiness", app.get("/readyz").await);
        let metrics = app.get("/metrics").await;
        assert!(metrics.text().contains("drydock_coordination_full 1"), "{}", metrics.text());
        let switch = Request::put("/api/v1/maintenance").json(&json!({}));
        assert_snapshot!("coordination_full_switch", app.send(switch).await);
    });
}

#[test]
fn while_only_the_reserve_of_space_is_left_readiness_says_why_writes_are_refused() {
    with_app(async |app| {
        app.coordination.trouble.set(Trouble::Reserve);
        until(async || app.get("/readyz").await.status == 503).await;
        assert_snapshot!("coordination_reserve_readiness", app.get("/readyz").await);
        app.send(create("bob")).await.expect(503);
        // The refusal has not made it look as if there were no space at all.
        let said = app.get("/readyz").await;
        assert!(said.text().contains("reserve"), "{said}");
        let metrics = app.get("/metrics").await;
        assert!(metrics.text().contains("drydock_coordination_full 1"), "{}", metrics.text());
        app.coordination.trouble.set(Trouble::None);
        app.ready().await;
        app.send(create("bob")).await.expect(201);
    });
}

/// An instance whose read model has room for a few objects, beside one without a bound.
#[test]
fn without_room_for_the_read_model_requests_are_refused_at_once_and_the_others_serve() {
    run(async {
        let mut app = TestApp::new();
        let mut small = settings();
        small.store.read_model_bytes = 400 << 10;
        app.add(small).await;
        app.add(settings()).await;
        app.ready().await;
        app.seed(&["alice"], &[]).await;
        let large = "x".repeat(60 << 10);
        let secret = |nth: usize| {
            let new = json!({ "name": format!("secret{nth}"), "data": { "key": large } });
            Request::post("/api/v1/project_groups/user%2Falice/secrets").json(&new)
        };
        let mut refused = app.send(create("bob")).await;
        for nth in 0..20 {
            refused = app.send(secret(nth)).await;
            if refused.status == 503 {
                break;
            }
        }
        assert_snapshot!("read_model_full_write", refused);
        let other = app.instance(2);
        for nth in 20..40 {
            other.send(secret(nth)).await.expect(201);
        }
        assert_snapshot!("read_model_full_read", app.get("/api/v1/users/alice").await);
        app.get("/api/v1/users/alice?consistency=local").await.expect(200);
        assert_snapshot!("read_model_full_readiness", app.get("/readyz").await);
        let metrics = app.get("/metrics").await;
        assert!(metrics.text().contains("drydock_store_model_full 1"), "{}", metrics.text());
        other.send(Request::get("/readyz")).await.expect(200);
    });
}

#[test]
fn a_switch_to_maintenance_makes_room_for_itself() {
    with_app(async |app| {
        app.coordination.trouble.set(Trouble::Sparse);
        app.maintenance_on().await;
        app.coordination.trouble.set(Trouble::Sparse);
        app.maintenance_off().await;
        app.send(create("bob")).await.expect(201);
    });
}

#[test]
fn without_objects_a_large_write_answers_503_and_reads_go_on() {
    run(async {
        let mut app = TestApp::new();
        let mut all_in_objects = settings();
        all_in_objects.store.inline_bytes = 0;
        app.add(all_in_objects).await;
        app.ready().await;
        app.objects.trouble.set(Trouble::Refused);
        assert_snapshot!("objects_write", app.send(create("alice")).await);
        app.get("/api/v1/users").await.expect(200);
        app.objects.trouble.set(Trouble::None);
        app.send(create("alice")).await.expect(201);
    });
}

#[test]
fn a_change_that_is_too_large_for_one_commit_answers_413() {
    run(async {
        let mut app = TestApp::new();
        let mut tiny = settings();
        tiny.store.transaction_bytes = 16;
        app.add(tiny).await;
        app.ready().await;
        assert_snapshot!("transaction_too_large", app.send(create("alice")).await);
        app.get("/api/v1/users/alice").await.expect(404);
    });
}

#[test]
fn a_service_that_is_loading_answers_503() {
    run(async {
        let mut app = TestApp::new();
        app.coordination.trouble.set(Trouble::Refused);
        app.add(settings()).await;
        assert_snapshot!("loading_read", app.get("/api/v1/users").await);
        assert_snapshot!("loading_export", app.get("/api/v1/export").await);
    });
}
