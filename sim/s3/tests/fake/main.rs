//! The program `fake-s3` as a process, spoken to over TCP.

#[cfg(test)]
mod served;

use serde_json::json;
use tokio::process::Command;

use self::served::{Fake, PATIENCE, PROGRAM};

#[tokio::test]
async fn requests_are_throttled_cut_off_and_lost() {
    let mut fake = Fake::start(&[]).await;
    let throttle = json!({"methods": ["PutObject"], "count": 1, "fault": {"kind": "throttle"}});
    fake.post("/faults", throttle).await;
    assert!(fake.put("a").await.contains("<Code>SlowDown</Code>"));
    assert!(fake.put("a").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(fake.logged().await, json!(["PutObject", "a", "SlowDown", 1]));
    assert_eq!(fake.logged().await, json!(["PutObject", "a", "ok", null]));
    let truncate = json!({"kind": "truncate", "bytes": 3});
    fake.post("/faults", json!({"key_prefix": "a", "count": 1, "fault": truncate})).await;
    let cut = fake.get("a").await;
    assert!(cut.contains("content-length: 7\r\n") && cut.ends_with("\r\n\r\ncon"), "{cut}");
    assert_eq!(fake.logged().await, json!(["GetObject", "a", "ok", 2]));
    for (applied, count) in [(true, 2), (false, 2)] {
        let reset = json!({"count": 1, "fault": {"kind": "reset", "applied": applied}});
        let id = fake.post("/faults", reset).await["id"].clone();
        let lost = format!("reset-{applied}");
        assert_eq!(fake.put(&lost).await, "");
        assert_eq!(fake.objects().await, count);
        assert_eq!(fake.logged().await, json!(["PutObject", lost, "never answered", id]));
    }
    let fail = json!({"kind": "fail", "code": "InternalError", "applied": true});
    fake.post("/faults", json!({"count": 1, "fault": fail})).await;
    assert!(fake.put("b").await.starts_with("HTTP/1.1 500 "));
    assert_eq!(fake.objects().await, 3);
}

#[tokio::test]
async fn a_kill_cuts_who_waits_for_an_answer_and_loses_nothing() {
    let fake = Fake::start(&[]).await;
    fake.post("/faults", json!({"count": 1, "fault": {"kind": "lose", "applied": true}})).await;
    let kill = async {
        while fake.objects().await != 1 {
            tokio::task::yield_now().await;
        }
        fake.post("/kill", json!({})).await
    };
    let (answer, killed) =
        tokio::time::timeout(PATIENCE, async { tokio::join!(fake.put("a"), kill) }).await.unwrap();
    assert_eq!((answer.as_str(), &killed["running"]), ("", &json!(false)));
    assert_eq!(fake.get("a").await, "");
    fake.post("/start", json!({})).await;
    assert!(fake.get("a").await.ends_with("content"));
}

#[tokio::test]
async fn listings_lag_and_conditions_are_ignored_from_when_that_is_said() {
    let fake = Fake::start(&[]).await;
    let listed = async || fake.send("GET", "/things?list-type=2", &[], "").await;
    fake.post("/listing-lag", json!({"ms": 3_600_000})).await;
    fake.put("a").await;
    assert!(listed().await.contains("<KeyCount>0</KeyCount>"));
    fake.post("/listing-lag", json!({"ms": 0})).await;
    assert!(listed().await.contains("<KeyCount>1</KeyCount>"));
    let create = async || fake.send("PUT", "/things/a", &[("if-none-match", "*")], "").await;
    assert!(create().await.starts_with("HTTP/1.1 412 "));
    fake.post("/conditional-writes", json!({"are": "ignored"})).await;
    assert!(create().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn the_command_line_refuses_what_makes_no_sense_and_the_state_is_saved_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state.json");
    let args = ["--state", state.to_str().unwrap()];
    let mut fake = Fake::start(&args).await;
    for (rule, part) in [
        (r#"{"fault": {"kind": "throttle"}, "bucket": "b"}"#, "unknown field `bucket`"),
        (r#"{"member": 0, "fault": {"kind": "throttle"}}"#, "there is no member 0"),
        (r#"{"methods": ["Put"], "fault": {"kind": "throttle"}}"#, "`Put` is none of the methods"),
        (
            r#"{"fault": {"kind": "fail", "code": "SlowDown", "applied": true, "late": true}}"#,
            "`late` needs `methods`",
        ),
    ] {
        let mut command = Command::new(PROGRAM);
        let output = command.args(["control", "--at", &fake.control, "add", rule]).output().await;
        let output = output.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{rule}");
        assert!(stderr.contains(part), "{rule}: {stderr}");
    }
    fake.put("kept").await;
    let pid = fake.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert!(tokio::time::timeout(PATIENCE, fake.child.wait()).await.unwrap().unwrap().success());
    let again = Fake::start(&args).await;
    assert!(again.get("kept").await.ends_with("content"));
}
