//! Logs of attempts.

use std::time::Duration;

use drydock_runservice::{Runservice, Settings};
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{pass, run, until};
use drydock_tests::runs::{RunsApp, reporting_log, success, with_work};
use insta::assert_snapshot;

fn piece(runs: &RunsApp, offset: u64, bytes: &str) -> Request {
    typed("application/octet-stream", runs, offset, bytes)
}

fn typed(media: &str, runs: &RunsApp, offset: u64, bytes: &str) -> Request {
    let path = runs.path("/api/v1/executors/self/attempts/{attempt}/logs/0");
    let path = path.split('?').next().unwrap_or_default();
    let request = Request::put(&format!("{path}?offset={offset}"));
    request.header("content-type", media).body(bytes.to_owned())
}

fn logs(runs: &RunsApp, rest: &str) -> String {
    format!("{}{rest}", runs.path("/api/v1/runs/{run}/tasks/build/logs"))
}

#[test]
fn a_log_is_written_read_and_deleted() {
    with_work(async |runs| {
        let linux = runs.executor("linux");
        assert_snapshot!("appended", linux.send(piece(&runs, 0, "one\ntwo\n")).await);
        assert_snapshot!("read", runs.app.get(&logs(&runs, "/0")).await);
        assert_snapshot!("read_from_the_end", runs.app.get(&logs(&runs, "/0?offset=-4")).await);
        let delete = Request::delete(&logs(&runs, ""));
        assert_snapshot!("deleted_while_live", runs.app.send(delete.clone()).await);
        let report = runs.path("/api/v1/executors/self/attempts/{attempt}");
        linux.send(Request::put(&report).json(&success())).await.expect(200);
        // It is sealed in the background.
        let deleted = loop {
            let answer = runs.app.send(delete.clone()).await;
            if answer.status == 204 {
                break answer;
            }
            pass(Duration::from_secs(1)).await;
        };
        assert_snapshot!("deleted", deleted);
        assert_snapshot!("read_after_deletion", runs.app.get(&logs(&runs, "/0")).await);
        assert_snapshot!("appended_after_the_end", linux.send(piece(&runs, 8, "three\n")).await);
    });
}

#[test]
fn a_log_that_was_kept_for_long_enough_is_told_from_a_deleted_one() {
    run(async {
        let brief = Settings { log_retention: Duration::from_secs(30), ..Settings::default() };
        let mut app = TestApp::new();
        app.add_service(Runservice::new(brief), settings()).await;
        app.ready().await;
        let mut runs = RunsApp::of(app);
        runs.work().await;
        let linux = runs.executor("linux");
        linux.send(piece(&runs, 0, "one\n")).await.expect(200);
        let report = runs.path("/api/v1/executors/self/attempts/{attempt}");
        linux.send(Request::put(&report).json(&reporting_log("one\n"))).await.expect(200);
        let stop = runs.path("/api/v1/runs/{run}/stop");
        runs.app.send(Request::post(&stop)).await.expect(204);
        let path = logs(&runs, "/0");
        until(async || runs.app.get(&path).await.status != 200).await;
        assert_snapshot!("read_after_expiry", runs.app.get(&path).await);
        let metrics = runs.app.get("/metrics").await;
        for line in ["drydock_logs_expired_total 1", "drydock_logs_received_bytes_total 4"] {
            assert!(metrics.text().contains(line), "{line}: {}", metrics.text());
        }
    });
}

#[test]
fn what_is_no_log() {
    with_work(async |runs| {
        assert_snapshot!("no_step", runs.app.get(&logs(&runs, "/7")).await);
        assert_snapshot!("no_attempt", runs.app.get(&logs(&runs, "/0?attempt=2")).await);
        let waiting = runs.path("/api/v1/runs/{run}/tasks/deploy/logs/setup");
        assert_snapshot!("never_started", runs.app.get(&waiting).await);
        let delete = Request::delete(&logs(&runs, "?attempt=2"));
        assert_snapshot!("no_attempt_to_delete", runs.app.send(delete).await);
        let delete = Request::delete(&logs(&runs, "?attempt=x"));
        assert_snapshot!("delete_of_no_number", runs.app.send(delete).await);
        let linux = runs.executor("linux");
        assert_snapshot!("too_large", linux.send(piece(&runs, 1 << 30, "x")).await);
        let whole = "x".repeat((1 << 20) + 1);
        let answer = linux.send(piece(&runs, 0, &whole)).await;
        assert_eq!(answer.outcome(), "413 body_too_large", "{answer}");
        let answer = linux.send(typed("text/plain", &runs, 0, "x")).await;
        assert_eq!(answer.outcome(), "415 unsupported_media_type", "{answer}");
    });
}

/// Pieces of attempts that an instance knows go on while coordination is away; of others nobody
/// can say.
#[test]
fn a_piece_needs_coordination_only_for_an_attempt_that_is_not_known() {
    with_work(async |runs| {
        let linux = runs.executor("linux");
        let unknown = |mut request: Request| {
            let nobody = "00000000-0000-7000-8000-000000000000";
            request.path = request.path.replace(runs.name("{attempt}"), nobody);
            request
        };
        runs.app.coordination.trouble.set(Trouble::Refused);
        linux.send(piece(&runs, 0, "one\n")).await.expect(200);
        let answer = linux.send(unknown(piece(&runs, 0, "one\n"))).await;
        assert_snapshot!("unknown_without_coordination", answer);
        runs.app.coordination.trouble.set(Trouble::Silent);
        let hurried = unknown(piece(&runs, 0, "one\n")).header("drydock-timeout-ms", "10");
        assert_snapshot!("unknown_and_late", linux.send(hurried).await);
    });
}

#[test]
fn an_executor_is_asked_for_the_log_that_an_import_has_left_without_parts() {
    with_work(async |runs| {
        let linux = runs.executor("linux");
        linux.send(piece(&runs, 0, "one\n")).await.expect(200);
        pass(Duration::from_secs(3)).await;
        let export = runs.app.export().await;
        // Other bytes arrived than it has: the log is not found again by its digest.
        let report = runs.path("/api/v1/executors/self/attempts/{attempt}");
        linux.send(Request::put(&report).json(&reporting_log("two\n"))).await.expect(200);
        let path = logs(&runs, "/0");
        let state = async || {
            let read = runs.app.get(&path).await.expect(200);
            read.header("drydock-log-state").map(str::to_owned)
        };
        until(async || state().await.as_deref() == Some("incomplete")).await;
        runs.app.maintenance_on().await;
        runs.app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        runs.app.maintenance_off().await;
        until(async || {
            let asked = linux.send(piece(&runs, 4, "")).await;
            asked.status == 200 && asked.json()["received"] == 0
        })
        .await;
    });
}
