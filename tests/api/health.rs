use std::time::Duration;

use drydock_tests::app::{TestApp, settings, with_app};
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{run, until};
use insta::assert_snapshot;

#[test]
fn health_needs_no_token() {
    with_app(async |app| {
        let ask = |path| app.send(Request::get(path).anonymous());
        assert_snapshot!("livez", ask("/livez").await);
        assert_snapshot!("readyz", ask("/readyz").await);
        assert_snapshot!("readyz_verbose", ask("/readyz?verbose").await);
        assert_snapshot!("version", ask("/version").await);
        // Samples come in no fixed order: what they are is the interface.
        let metrics = ask("/metrics").await.only_lines(|line| line.starts_with('#'));
        assert_snapshot!("metrics", metrics);
    });
}

#[test]
fn metrics_count_requests_by_route_not_by_path() {
    with_app(async |app| {
        for name in ["alice", "bob"] {
            app.get(&format!("/api/v1/users/{name}")).await.expect(404);
        }
        let metrics = app.get("/metrics").await;
        let counted = r#"{method="GET",route="/api/v1/users/{user}",status="404"} 2"#;
        assert!(metrics.text().contains(counted), "{metrics}");
        assert!(!metrics.text().contains("alice"), "{metrics}");
    });
}

#[test]
fn readyz_answers_200_in_maintenance() {
    with_app(async |app| {
        app.maintenance_on().await;
        assert_snapshot!("readyz_in_maintenance", app.get("/readyz").await);
    });
}

#[test]
fn readyz_answers_503_while_loading_and_the_process_lives() {
    run(async {
        let mut app = TestApp::new();
        app.coordination.trouble.set(Trouble::Refused);
        app.add(settings()).await;
        assert_snapshot!("readyz_while_loading", app.get("/readyz").await);
        let verbose = app.get("/readyz?verbose").await;
        assert_snapshot!("readyz_verbose_while_loading", verbose);
        app.get("/livez").await.expect(200);
        app.coordination.trouble.set(Trouble::None);
        app.ready().await;
    });
}

#[test]
fn readyz_answers_503_when_coordination_has_been_silent_for_a_lease() {
    with_app(async |app| {
        app.coordination.trouble.set(Trouble::Silent);
        until(async || app.get("/readyz").await.status == 503).await;
        assert_snapshot!("readyz_without_coordination", app.get("/readyz").await);
        app.coordination.trouble.set(Trouble::None);
        let recovered = tokio::time::timeout(Duration::from_secs(60), app.ready()).await;
        recovered.expect("it is ready again soon");
    });
}
