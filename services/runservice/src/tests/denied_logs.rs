//! Pieces of logs that there are not, as the executor says at the end of the attempt.

use bytes::Bytes;
use drydock_api::runservice::types::LogState;
use serde_json::json;

use super::logs::{Claims, STEP, from, some_log};

/// The log is what came of it, and called incomplete.
async fn assert_kept(claims: &Claims, log: &[u8]) {
    let attempt = claims.stored().await;
    assert_eq!(attempt.log_state, LogState::Incomplete);
    let (state, bytes) = claims.read(from(0)).await;
    assert!(state == "incomplete" && bytes == log, "{state}, {} bytes", bytes.len());
    assert_eq!(claims.objects().await, [attempt.sealed["0"].object.clone()]);
    assert_eq!(claims.http.runs.log_metrics.incomplete.get(), 1);
}

#[tokio::test]
async fn what_came_of_the_logs_of_an_attempt_that_reports_none_is_kept() {
    for size in [1000, 300_000] {
        let mut claims = Claims::start().await;
        let log = some_log(size);
        claims.append(0, log.clone()).await;
        claims.report_logs(json!({})).await;
        assert_eq!(claims.stored().await.log_state, LogState::Complete, "it is released at once");
        claims.seal().await;
        assert_kept(&claims, &log).await;
        // The executor may repeat its report, which changes nothing.
        claims.report_logs(json!({})).await;
        claims.seal().await;
        assert_kept(&claims, &log).await;
    }
}

#[tokio::test]
async fn what_several_instances_have_of_logs_that_are_not_reported_is_kept() {
    let mut claims = Claims::start().await;
    let (log, other) = (some_log(301_000), claims.http.runs.logs().1);
    claims.append(0, log.slice(..300_000)).await;
    // The rest is in the memory of another instance, which stores it when it is old.
    other.append(claims.attempt, STEP, 300_000, log.slice(300_000..)).await.unwrap();
    claims.report_logs(json!({})).await;
    claims.seal_once().await;
    other.store_old().await;
    claims.seal_once().await;
    assert_kept(&claims, &log).await;
}

#[tokio::test]
async fn what_another_instance_has_stored_of_logs_that_are_not_reported_is_kept_in_the_end() {
    let mut claims = Claims::start().await;
    let (log, other) = (some_log(300_000), claims.http.runs.logs().1);
    other.append(claims.attempt, STEP, 0, log.clone()).await.unwrap();
    claims.report_logs(json!({})).await;
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Complete);
    claims.http.runs.pass(3601);
    claims.seal().await;
    assert_kept(&claims, &log).await;
}

#[tokio::test]
async fn what_came_of_the_log_of_a_step_that_the_report_does_not_name_is_kept() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    let setup = json!({"size": 0, "blake3": blake3::hash(b"").to_hex().as_str()});
    claims.report_logs(json!({"setup": setup})).await;
    claims.seal().await;
    assert_kept(&claims, &log).await;
}

#[tokio::test]
async fn an_attempt_that_reports_no_logs_and_has_sent_none_is_complete() {
    let mut claims = Claims::start().await;
    claims.report_logs(json!({})).await;
    for seconds in [0, 3601] {
        claims.http.runs.pass(seconds);
        claims.seal().await;
        let attempt = claims.stored().await;
        assert_eq!((attempt.log_state, attempt.revision), (LogState::Complete, 2));
    }
}

#[tokio::test]
async fn an_attempt_without_logs_is_complete_at_once() {
    let mut claims = Claims::start().await;
    claims.report(&Bytes::new()).await;
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Complete);
    assert_eq!(claims.read(from(0)).await, ("complete".to_owned(), Vec::new()));
}
