//! Events: every change of a run exactly once and in order, for consumers that come back.

use std::time::Duration;

use drydock_runservice::Runservice;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::{Client, Exchange, Request};
use drydock_tests::run::run;
use drydock_tests::runs::{RunsApp, new_run, with_runs};
use insta::assert_snapshot;
use serde_json::Value;
use tokio::task::JoinHandle;

const EVENTS: &str = "/api/v1/runs/events";

async fn pass(ms: u64) {
    drydock_tests::run::pass(Duration::from_millis(ms)).await;
}

async fn stop(runs: &RunsApp, run: &str) {
    runs.app.send(Request::post(&format!("/api/v1/runs/{run}/stop"))).await.expect(204);
}

/// A stream from here, which is read to its end.
fn stream(client: &Client, from: &str) -> JoinHandle<Exchange> {
    let ask = Request::get(EVENTS).header("accept", "text/event-stream");
    let ask = ask.header("last-event-id", from);
    let client = client.clone();
    tokio::spawn(async move { client.send(ask).await })
}

/// The data of a stream's events.
fn data(stream: &Exchange) -> Vec<Value> {
    let lines = stream.text().lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|line| serde_json::from_str(line).expect("the data are JSON")).collect()
}

fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().filter_map(|event| event["seq"].as_u64()).collect()
}

#[test]
fn events_come_in_pages_in_order() {
    with_runs(async |runs| {
        let empty = runs.app.get(EVENTS).await.expect(200).json();
        assert_eq!(empty["items"], Value::Array(Vec::new()));
        let run = runs.create(&new_run()).await.field("id");
        stop(&runs, &run).await;
        let from = format!("{EVENTS}?from={}", empty["next"].as_str().expect("there is one"));
        let page = runs.app.get(&from).await;
        assert_snapshot!("page", page);
        for _ in 0..120 {
            runs.create(&new_run()).await;
        }
        let mut all = Vec::new();
        let mut next = from;
        loop {
            let page = runs.app.get(&next).await.expect(200).json();
            let items = page["items"].as_array().cloned().unwrap_or_default();
            next = format!("{EVENTS}?from={}", page["next"].as_str().expect("there is one"));
            if items.is_empty() {
                break;
            }
            all.extend(items);
        }
        let count = u64::try_from(all.len()).expect("it is small");
        assert!(count > 120);
        assert_eq!(seqs(&all), (1..=count).collect::<Vec<_>>());
    });
}

#[test]
fn a_cursor_of_a_lineage_that_was_left_has_expired() {
    with_runs(async |runs| {
        let export = runs.app.export().await;
        runs.create(&new_run()).await;
        let before = runs.app.get(EVENTS).await.expect(200).field("next");
        runs.app.maintenance_on().await;
        let import = Request::post("/api/v1/import").body(export);
        runs.app.send(import).await.expect(200);
        runs.app.maintenance_off().await;
        let left = runs.app.get(&format!("{EVENTS}?from={before}")).await;
        assert_snapshot!("cursor_expired", left);
        let text = left.field("message");
        let restart = text.split('`').nth(1).expect("it names where to go on");
        let run = runs.create(&new_run()).await;
        let page = runs.app.get(&format!("{EVENTS}?from={restart}")).await.expect(200).json();
        assert_eq!(page["items"][0]["run"], run.json()["id"]);
        let nonsense = runs.app.get(&format!("{EVENTS}?from=nonsense")).await;
        assert_eq!(nonsense.outcome(), "400 invalid_cursor");
    });
}

#[test]
fn a_follower_anywhere_gets_each_event_once_and_goes_on_where_it_was() {
    run(async {
        let mut app = TestApp::new();
        for _ in 0..2 {
            app.add_service(Runservice::default(), settings()).await;
            app.ready().await;
        }
        let runs = RunsApp::of(app);
        let start = runs.app.get(EVENTS).await.expect(200).field("next");
        let first = stream(runs.app.instance(2), &start);
        let mut made = Vec::new();
        for _ in 0..5 {
            made.push(runs.create(&new_run()).await.field("id"));
            pass(300).await;
        }
        // Nothing happens for a while: the stream shows that it is alive.
        pass(40_000).await;
        let begun = tokio::time::Instant::now();
        runs.app.maintenance_on().await;
        assert!(begun.elapsed() < Duration::from_secs(1), "the stream was not waited for");
        let first = first.await.expect("it does not panic");
        assert_eq!(first.header("content-type"), Some("text/event-stream"));
        assert!(first.text().lines().any(|line| line == ":"), "{first}");
        runs.app.maintenance_off().await;
        pass(2000).await;
        stop(&runs, &made[0]).await;
        let last = first.text().lines().filter_map(|line| line.strip_prefix("id: ")).next_back();
        let second = stream(runs.app.instance(1), last.expect("there were events"));
        pass(100).await;
        stop(&runs, &made[1]).await;
        pass(100).await;
        runs.app.stop(1);
        let second = second.await.expect("it does not panic");
        let all = [data(&first), data(&second)].concat();
        let count = u64::try_from(all.len()).expect("it is small");
        assert!(count >= 7, "{all:?}");
        assert_eq!(seqs(&all), (1..=count).collect::<Vec<_>>());
    });
}
