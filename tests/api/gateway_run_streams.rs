//! Logs and events of runs through the gateway, as they are followed and as they end.

use std::time::Duration;

use drydock_tests::app::TestApp;
use drydock_tests::client::{Exchange, Request};
use drydock_tests::gateway::Who;
use drydock_tests::run::pass;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::gateway_runs::{runs, with_world};

#[test]
fn a_log_that_is_followed_lives_through_silence_as_long_as_the_right_holds() {
    with_world(async |_, face| {
        let begun = tokio::time::Instant::now();
        let log = face.get(Who::Outsider, &runs("/1/tasks/build/logs/0?follow=true")).await;
        assert_eq!((log.status.as_u16(), log.text()), (200, "made\n"), "{log}");
        assert_eq!(log.header("drydock-log-state"), Some("live"));
        // Runservice gives up a log that brings nothing, and the gateway not before.
        assert!(begun.elapsed() >= Duration::from_secs(300), "{:?}", begun.elapsed());
    });
}

#[test]
fn a_log_ends_when_the_right_to_read_it_is_withdrawn() {
    with_world(async |app, face| {
        let follow = Request::get(&runs("/1/tasks/build/logs/0?follow=true"));
        let close = async {
            pass(Duration::from_secs(2)).await;
            let private = json!({ "visibility": "private" });
            app.send(Request::put("/api/v1/orgs/acme").json(&private)).await.expect(200);
            tokio::time::Instant::now()
        };
        let (log, closed) = tokio::join!(face.try_send(Who::Outsider, follow), close);
        assert!(log.is_err(), "it must not look whole");
        assert!(closed.elapsed() < Duration::from_secs(11), "{:?}", closed.elapsed());
        let later = face.get(Who::Outsider, &runs("/1/tasks/build/logs/0")).await;
        assert_eq!(later.outcome(), "404 project_not_exist");
    });
}

fn event_stream(from: &str) -> Request {
    let ask = Request::get(&runs("/events")).header("accept", "text/event-stream");
    ask.header("last-event-id", from)
}

/// The numbers of the runs and their phases, in the order of the stream's events.
fn told(stream: &Exchange) -> Vec<(u64, String)> {
    let data = stream.text().lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| {
        let event: Value = serde_json::from_str(data).expect("events are JSON");
        let number = event["number"].as_u64().expect("an event has a number");
        (number, event["phase"].as_str().expect("an event has a phase").to_owned())
    })
    .collect()
}

/// A run of a project that is not the caller's.
async fn run_elsewhere(app: &TestApp) {
    let other = "01900000-0000-7000-8000-00000000000f";
    let new = json!({ "project": other, "name": "elsewhere", "tasks": { "a": { "steps": [] } } });
    app.instance(2).send(Request::post("/api/v1/runs").json(&new)).await.expect(201);
}

#[test]
fn events_are_those_of_the_project_in_pages_and_as_a_stream() {
    with_world(async |app, face| {
        run_elsewhere(&app).await;
        let page = face.get(Who::Outsider, &runs("/events")).await;
        assert_snapshot!("events", page);
        let from = page.field("next");
        run_elsewhere(&app).await;
        let nothing = face.get(Who::Outsider, &runs(&format!("/events?from={from}"))).await;
        assert_eq!(nothing.json()["items"], json!([]));
        assert_ne!(nothing.field("next"), from, "the cursor moves over other projects' events");
        let following = face.send(Who::Outsider, event_stream(&from));
        let happening = async {
            pass(Duration::from_secs(20)).await;
            run_elsewhere(&app).await;
            let cancel = Request::post(&runs("/2/cancel"));
            face.send(Who::Owner, cancel).await.expect(204);
            pass(Duration::from_secs(20)).await;
            // Streams end when the service behind does.
            app.stop(2);
        };
        let (stream, ()) = tokio::join!(following, happening);
        assert_eq!(stream.header("content-type"), Some("text/event-stream"));
        assert_eq!(told(&stream), [(2, "cancelled".to_owned())], "{stream}");
    });
}

#[test]
fn a_stream_of_events_ends_when_the_right_is_withdrawn_or_nobody_knows_of_it() {
    for (away, bound) in [(false, 11), (true, 50)] {
        with_world(async |app, face| {
            let from = face.get(Who::Member, &runs("/events")).await.expect(200).field("next");
            let following = face.send(Who::Member, event_stream(&from));
            let withdraw = async {
                pass(Duration::from_secs(2)).await;
                if away {
                    app.stop(1);
                } else {
                    let token = "/api/v1/users/mike/tokens/of-the-test";
                    app.send(Request::delete(token)).await.expect(204);
                }
                tokio::time::Instant::now()
            };
            let (stream, withdrawn) = tokio::join!(following, withdraw);
            assert_eq!(stream.status, 200);
            let after = withdrawn.elapsed();
            assert!(after < Duration::from_secs(bound), "{after:?}");
            assert!(!away || after > Duration::from_secs(20), "{after:?}: it bears an outage");
        });
    }
}

#[test]
fn a_cursor_that_has_expired_names_where_to_go_on() {
    with_world(async |app, face| {
        let before = face.get(Who::Owner, &runs("/events")).await.expect(200).field("next");
        let behind = app.instance(2);
        let export = behind.send(Request::get("/api/v1/export")).await.expect(200).body;
        let on = Request::put("/api/v1/maintenance?wait=30s");
        behind.send(on).await.expect(200);
        behind.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        behind.send(Request::delete("/api/v1/maintenance?wait=30s")).await.expect(204);
        app.ready().await;
        let expired = face.get(Who::Owner, &runs(&format!("/events?from={before}"))).await;
        assert_snapshot!("cursor_expired", expired);
        let message = expired.field("message");
        let restart = message.split('`').nth(1).expect("it names a cursor");
        face.get(Who::Owner, &runs(&format!("/events?from={restart}"))).await.expect(200);
        let nonsense = face.get(Who::Owner, &runs("/events?from=nonsense")).await;
        assert_snapshot!("no_cursor", nonsense);
    });
}
