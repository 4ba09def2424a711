//! Two and three instances of configstore: after a conflict one commits for all.

use std::time::Duration;

use drydock_core::coord::{CoordinationExt, Put};
use drydock_core::log::format::{LeaderRecord, Transport, decode, encode};
use drydock_core::log::keys::Keys;
use drydock_runtime::Settings;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble;
use drydock_tests::run::{pass, run, until};
use futures_util::future::join_all;
use serde_json::json;

/// The first conflict makes a leader.
fn eager() -> Settings {
    let mut settings = settings();
    settings.store.leader_conflicts = 1;
    settings
}

async fn instances(count: usize) -> TestApp {
    let mut app = TestApp::new();
    for _ in 0..count {
        app.add(eager()).await;
    }
    app.ready().await;
    app
}

fn user(name: &str) -> Request {
    Request::post("/api/v1/users").json(&json!({ "name": name }))
}

async fn leader(app: &TestApp) -> Option<LeaderRecord> {
    let key = Keys::new("default", "configstore").leader();
    let (found, _) = app.coordination.get(key).await.ok()?;
    found.and_then(|kv| decode(&kv.key, &kv.value).ok())
}

/// Makes users at all instances at once, until one is the leader; answers its number.
async fn until_led(app: &TestApp, count: usize) -> usize {
    let mut made = 0;
    until(async || {
        made += 1;
        let at = |number| app.instance(number).send(user(&format!("u{made}-{number}")));
        for created in join_all((1..=count).map(at)).await {
            created.expect(201);
        }
        leader(app).await.is_some()
    })
    .await;
    let led = leader(app).await.expect("it was there").address;
    // Until the others have heard of it.
    pass(Duration::from_secs(1)).await;
    (1..=count).find(|number| app.instance(*number).address == led).expect("one of them")
}

async fn forwarded(app: &TestApp, number: usize, outcome: &str) -> u64 {
    let metrics = app.instance(number).send(Request::get("/metrics")).await;
    let name = format!("drydock_http_forwarded_requests_total{{outcome=\"{outcome}\"}} ");
    let text = metrics.text();
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().expect("a counter"))
}

#[test]
fn after_a_conflict_one_instance_commits_and_the_others_show_what_it_answered() {
    run(async {
        let app = instances(3).await;
        let led = until_led(&app, 3).await;
        for number in 1..=3 {
            let before = forwarded(&app, number, "answered").await;
            let name = format!("asked-at-{number}");
            let made = app.instance(number).send(user(&name)).await.expect(201);
            assert!(made.header("location").is_some() && made.header("etag").is_some());
            let more = forwarded(&app, number, "answered").await - before;
            assert_eq!(more, u64::from(number != led), "at {number}, led by {led}");
            let path = format!("/api/v1/users/{name}?consistency=local");
            app.instance(number).send(Request::get(&path)).await.expect(200);
        }
        let asked = if led == 1 { 2 } else { 1 };
        let again = app.instance(asked).send(user("asked-at-1")).await;
        assert_eq!(again.outcome(), "409 user_already_exists");
    });
}

#[test]
fn idempotency_keys_and_preconditions_hold_wherever_a_change_is_asked_for() {
    run(async {
        let app = instances(2).await;
        let led = until_led(&app, 2).await;
        let keyed = || user("alice").header("Idempotency-Key", "one");
        let first = app.instance(3 - led).send(keyed()).await.expect(201);
        for number in [1, 2] {
            let again = app.instance(number).send(keyed()).await.expect(201);
            assert_eq!(again.header("idempotency-replayed"), Some("true"));
            assert_eq!(again.header("etag"), first.header("etag"));
        }
        let stale = Request::delete("/api/v1/users/alice").header("If-Match", "\"other\"");
        let refused = app.instance(3 - led).send(stale).await;
        assert!(refused.outcome().starts_with("412 "), "{}", refused.outcome());
    });
}

#[test]
fn a_leader_that_cannot_be_spoken_to_is_asked_for_nothing() {
    run(async {
        let app = instances(2).await;
        let key = Keys::new("default", "configstore").leader();
        let other = app.instance(2).address.clone();
        let unreachable = ("nowhere:1".to_owned(), Transport::Plain);
        for (address, transport) in [unreachable, (other, Transport::Tls)] {
            let record = LeaderRecord { id: "another".to_owned(), address, transport };
            app.coordination
                .put(Put::new(key.clone(), encode(&record)))
                .await
                .expect("it is stored");
            pass(Duration::from_secs(1)).await;
            app.instance(1).send(user(&format!("with-{transport:?}"))).await.expect(201);
            for outcome in ["answered", "not_begun", "unknown"] {
                assert_eq!(forwarded(&app, 1, outcome).await, 0, "{outcome}, {transport:?}");
            }
        }
    });
}

#[test]
fn without_its_leader_an_instance_makes_its_changes_itself() {
    run(async {
        let app = instances(2).await;
        let led = until_led(&app, 2).await;
        app.stop(led);
        let gone = async || app.instance(led).try_send(Request::get("/livez")).await.is_err();
        until(gone).await;
        app.instance(3 - led).send(user("later")).await.expect(201);
        until(async || leader(&app).await.is_none()).await;
    });
}

#[test]
fn an_instance_that_alone_is_asked_commits_itself_after_a_while() {
    run(async {
        let app = instances(2).await;
        let led = until_led(&app, 2).await;
        let mut made = 0;
        until(async || {
            made += 1;
            app.instance(3 - led).send(user(&format!("v{made}"))).await.expect(201);
            leader(&app).await.is_none()
        })
        .await;
        let before = forwarded(&app, 3 - led, "answered").await;
        app.instance(3 - led).send(user("own")).await.expect(201);
        assert_eq!(forwarded(&app, 3 - led, "answered").await, before);
        assert!(before > 0);
    });
}

#[test]
fn in_maintenance_nothing_is_forwarded_and_nobody_leads() {
    run(async {
        let app = instances(2).await;
        let led = until_led(&app, 2).await;
        app.maintenance_on().await;
        let refused = app.instance(3 - led).send(user("late")).await;
        assert!(refused.outcome().starts_with("503 maintenance"), "{}", refused.outcome());
        until(async || leader(&app).await.is_none()).await;
    });
}

#[test]
fn a_leader_that_loses_coordination_is_followed_no_longer() {
    run(async {
        let app = instances(2).await;
        until_led(&app, 2).await;
        app.coordination.trouble.set(Trouble::Refused);
        pass(Duration::from_secs(30)).await;
        app.coordination.trouble.set(Trouble::None);
        app.ready().await;
        for number in [1, 2] {
            app.instance(number).send(user(&format!("after-{number}"))).await.expect(201);
        }
    });
}
