//! Logs that are deleted, or have been kept for long enough.

use drydock_api::runservice::types::{LogAttemptQuery, LogState};
use drydock_core::env::Clock;
use serde_json::Value;

use super::logs::{Claims, ctx, some_log, task};

#[tokio::test]
async fn deleted_logs_are_gone_and_live_ones_stay() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    let (operator, run, last) = (claims.operator.clone(), claims.run, LogAttemptQuery::default());
    let refused = operator.delete_logs(&ctx(), run, &task(), &last).await.unwrap_err();
    assert_eq!(refused.remote().unwrap().code, "wrong_phase");
    claims.report(&log).await;
    claims.seal().await;
    for _ in 0..2 {
        operator.delete_logs(&ctx(), run, &task(), &last).await.unwrap();
    }
    assert!(claims.objects().await.is_empty());
    let path = format!("GET /runs/{run}/tasks/a/logs");
    claims.http.refuse(&format!("{path}/0 410 log_deleted"), &Value::Null).await;
    for (wrong, code) in [("7", "log_not_exist"), ("0?attempt=2", "log_not_exist")] {
        claims.http.refuse(&format!("{path}/{wrong} 404 {code}"), &Value::Null).await;
    }
    claims.http.refuse(&format!("{path}/x 400 invalid_ref"), &Value::Null).await;
    let other = format!("GET /runs/{run}/tasks/b/logs/0 404 task_not_exist");
    claims.http.refuse(&other, &Value::Null).await;
}

const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn logs_expire_a_month_after_their_run() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    let metrics = claims.http.runs.log_metrics.clone();
    assert_eq!(metrics.received_bytes.get(), 300_000);
    claims.report(&log).await;
    claims.seal().await;
    assert_eq!(metrics.sealed_bytes.get(), 300_000);
    claims.http.runs.pass(30 * DAY - 60);
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Complete);
    assert_eq!(claims.objects().await.len(), 1);
    claims.http.runs.pass(70);
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Expired);
    assert!(claims.objects().await.is_empty());
    assert_eq!((metrics.expired.get(), metrics.incomplete.get()), (1, 0));
    let path = format!("/runs/{}/tasks/a/logs", claims.run);
    claims.http.refuse(&format!("GET {path}/0 410 log_expired"), &Value::Null).await;
    // There is nothing left to delete, and it stays told why.
    let last = LogAttemptQuery::default();
    claims.operator.delete_logs(&ctx(), claims.run, &task(), &last).await.unwrap();
    claims.http.refuse(&format!("GET {path}/0 410 log_expired"), &Value::Null).await;
}

#[tokio::test]
async fn objects_that_could_not_be_deleted_at_the_expiry_are_swept() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    claims.report(&log).await;
    claims.seal().await;
    claims.http.runs.pass(31 * DAY);
    // The instance dies between the commit and the deletion.
    let (attempt, before) = (claims.attempt, claims.http.runs.clock.wall());
    let done = claims
        .http
        .runs
        .act(move |tx| crate::action::log::expire::<std::convert::Infallible>(tx, attempt, before));
    assert!(done.await.unwrap());
    assert_eq!(claims.objects().await.len(), 1);
    claims.seal().await;
    assert!(claims.objects().await.is_empty());
}
