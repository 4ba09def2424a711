//! Instances on one network, of which one commits for the others.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::State;
use axum::response::Response;
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_core::net::Net;
use futures_util::FutureExt;
use http::HeaderMap;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::service::Thing;
use crate::api::endpoint::Endpoint;
use crate::api::precondition::etag;
use crate::server::context::App;
use crate::server::error::HttpError;
use crate::server::extract::Json;
use crate::server::forward::{Leader, Leadership};
use crate::server::gate::GateState;
use crate::server::route::Route;
use crate::server::{HttpSettings, reply};
use crate::testing::duplex::DuplexNet;
use crate::testing::harness::{Host, Served};
use crate::testing::wire::Raw;

/// A service that counts what it makes. Each creation takes a permit of `may_finish`.
#[derive(Clone)]
struct Maker {
    made: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    may_finish: Arc<Semaphore>,
}

/// What an instance knows of the others. Each catching up takes a permit of `may_catch_up`.
struct Follower {
    id: String,
    leader: Mutex<Option<Arc<Leader>>>,
    sources: Mutex<Vec<Option<String>>>,
    waited_for: Mutex<Vec<Option<String>>>,
    may_catch_up: Semaphore,
}

#[async_trait]
impl Leadership for Follower {
    fn leader(&self) -> Option<Arc<Leader>> {
        self.leader.lock().unwrap().clone().filter(|leader| leader.is_usable())
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn made_here(&self, forwarded_by: Option<&str>) {
        self.sources.lock().unwrap().push(forwarded_by.map(str::to_owned));
    }

    fn applied(&self) -> String {
        format!("state of {}", self.id)
    }

    async fn catch_up(&self, ctx: &Context, applied: Option<&str>) -> Result<(), BoxError> {
        self.waited_for.lock().unwrap().push(applied.map(str::to_owned));
        ctx.run(self.may_catch_up.acquire()).await??.forget();
        Ok(())
    }
}

struct Instance {
    served: Served<Maker>,
    follower: Arc<Follower>,
}

const MANY: usize = 1_000;
const THINGS: &str = "/api/v1/things";

impl Instance {
    async fn start(net: &DuplexNet, address: &'static str) -> Instance {
        Instance::with(net, address, HttpSettings::default()).await
    }

    async fn with(net: &DuplexNet, address: &'static str, settings: HttpSettings) -> Instance {
        let follower = Arc::new(Follower {
            id: format!("id-of-{address}"),
            leader: Mutex::default(),
            sources: Mutex::default(),
            waited_for: Mutex::default(),
            may_catch_up: Semaphore::new(MANY),
        });
        let leadership: Option<Arc<dyn Leadership>> = Some(follower.clone());
        let host = Host { net: net.clone(), address, leadership };
        let maker = Maker { made: Arc::default(), may_finish: Arc::new(Semaphore::new(MANY)) };
        let table = vec![
            Route::new(Endpoint::post("/api/v1/things"), create),
            Route::new(Endpoint::post("/api/v1/waits").not_forwarded(), create),
            Route::new(Endpoint::get("/api/v1/things"), count),
        ];
        Instance { served: Served::on(host, settings, table, maker, ()).await, follower }
    }

    fn follow(&self, net: &DuplexNet, address: &str) {
        let id = format!("id-of-{address}");
        let leader = Leader::new(Arc::new(net.clone()), address.to_owned(), &id, &self.follower.id);
        *self.follower.leader.lock().unwrap() = Some(Arc::new(leader.unwrap()));
    }

    async fn create(&self, name: &str) -> Raw {
        self.served.ask_json("POST", THINGS, &thing(name)).await
    }

    fn made(&self) -> Vec<String> {
        self.served.service.made.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Two instances; the first forwards to the second.
async fn pair() -> (Instance, Instance, DuplexNet) {
    let net = DuplexNet::default();
    let (asked, leader) = (Instance::start(&net, "a:1").await, Instance::start(&net, "b:1").await);
    asked.follow(&net, "b:1");
    (asked, leader, net)
}

fn thing(name: &str) -> String {
    format!("{{\"name\":\"{name}\"}}")
}

async fn create(
    State(app): State<App<Maker>>,
    headers: HeaderMap,
    Json(thing): Json<Thing>,
) -> Result<Response, HttpError> {
    app.service.may_finish.acquire().await?.forget();
    app.service.made.lock().unwrap().push((thing.name.clone(), headers));
    Ok(reply::created(&format!("/api/v1/things/{}", thing.name), &etag(1, &thing), &thing))
}

async fn count(State(app): State<App<Maker>>) -> Response {
    let made = app.service.made.lock().unwrap().len();
    reply::ok("\"1\"", &made)
}

#[tokio::test(start_paused = true)]
async fn a_change_is_made_at_the_leader_as_it_was_asked_for() {
    let (asked, leader, _) = pair().await;
    let more = "Content-Type: application/json\r\nIdempotency-Key: k\r\nIf-Match: \"7\"\r\n\
                X-Request-Id: r-1\r\nDrydock-Timeout-Ms: 5000\r\n";
    let answer = asked.served.ask("POST", THINGS, more, &thing("one")).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), Some("/api/v1/things/one"));
    assert!(answer.header("etag").is_some());
    assert_eq!(answer.header("x-request-id"), Some("r-1"));
    assert_eq!(answer.head.matches("x-request-id").count(), 1);
    assert!(!answer.head.contains("drydock-"), "{}", answer.head);
    assert_eq!(answer.json(), serde_json::json!({ "name": "one" }));
    assert_eq!((asked.made(), leader.made()), (vec![], vec!["one".to_owned()]));
    let headers = leader.served.service.made.lock().unwrap()[0].1.clone();
    for (name, value) in [("idempotency-key", "k"), ("if-match", "\"7\""), ("x-request-id", "r-1")]
    {
        assert_eq!(headers[name], value);
    }
    let left: u64 = headers["drydock-timeout-ms"].to_str().unwrap().parse().unwrap();
    assert!((1..=5_000).contains(&left), "{left}");
    assert_eq!(*leader.follower.sources.lock().unwrap(), [Some("id-of-a:1".to_owned())]);
    let waited_for = asked.follower.waited_for.lock().unwrap().clone();
    assert_eq!(waited_for, [Some("state of id-of-b:1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_leader_is_the_answer() {
    let (asked, leader, _) = pair().await;
    let answer = asked.served.ask_json("POST", THINGS, "{\"nam\":1}").await;
    assert_eq!(answer.error(), (400, "invalid_body".to_owned()));
    assert_eq!(leader.follower.sources.lock().unwrap().len(), 1);
    assert!(asked.follower.sources.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn reads_and_what_waits_are_handled_where_they_are_asked() {
    let (asked, leader, _) = pair().await;
    assert_eq!(asked.served.ask("GET", THINGS, "", "").await.body, "0");
    let waited = asked.served.ask_json("POST", "/api/v1/waits", &thing("here")).await;
    assert_eq!(waited.status, 201);
    assert_eq!((asked.made(), leader.made()), (vec!["here".to_owned()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn the_answer_waits_for_the_state_that_it_was_made_from() {
    let (asked, leader, _) = pair().await;
    asked.follower.may_catch_up.forget_permits(MANY);
    let mut answer = Box::pin(asked.create("one"));
    let early = tokio::time::timeout(Duration::from_secs(5), &mut answer).await;
    assert!(early.is_err() && leader.made() == ["one"]);
    asked.follower.may_catch_up.add_permits(1);
    assert_eq!(answer.await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn the_gate_waits_for_a_forwarded_request_and_can_cut_it_off() {
    let (asked, leader, _) = pair().await;
    leader.served.service.may_finish.forget_permits(MANY);
    let mut answer = Box::pin(asked.create("one"));
    let early = tokio::time::timeout(Duration::from_secs(1), &mut answer).await;
    assert!(early.is_err());
    asked.served.gate.set(GateState::Maintenance);
    assert!(asked.served.gate.drained().now_or_never().is_none(), "a request is under way");
    asked.served.gate.cut_off();
    assert_eq!(answer.await.error(), (504, "deadline_exceeded".to_owned()));
    assert!(asked.served.gate.drained().now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_at_the_leader_is_handled_here() {
    let (asked, leader, net) = pair().await;
    leader.served.gate.set(GateState::Maintenance);
    assert_eq!(asked.create("in-maintenance").await.status, 201);
    // Nobody listens there.
    asked.follow(&net, "c:1");
    assert_eq!(asked.create("refused").await.status, 201);
    let busy = HttpSettings { max_concurrent_requests: 0, ..HttpSettings::default() };
    let full = Instance::with(&net, "d:1", busy).await;
    asked.follow(&net, "d:1");
    assert_eq!(asked.create("too-many").await.status, 201);
    assert_eq!(asked.made(), ["in-maintenance", "refused", "too-many"]);
    assert!(leader.made().is_empty() && full.made().is_empty());
    // One of another id has the address now.
    *asked.follower.leader.lock().unwrap() = {
        let own = &asked.follower.id;
        let leader = Leader::new(Arc::new(net.clone()), "d:1".to_owned(), "gone", own);
        Some(Arc::new(leader.unwrap()))
    };
    assert_eq!(asked.create("another").await.status, 201);
    assert_eq!(asked.made().last().unwrap(), "another");
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_changes_are_made_here_for_a_while() {
    let (asked, leader, _) = pair().await;
    leader.served.gate.set(GateState::Maintenance);
    asked.create("one").await;
    leader.served.gate.set(GateState::Normal);
    asked.create("two").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    asked.create("three").await;
    assert_eq!((asked.made().len(), leader.made()), (2, vec!["three".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_an_unknown_outcome_and_the_change_is_not_made_again() {
    let (asked, _, net) = pair().await;
    let mut listener = net.listen("c:1").await.unwrap();
    asked.follow(&net, "c:1");
    let cut = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let answer = asked.create("one").await;
    assert_eq!(answer.error(), (504, "deadline_exceeded".to_owned()));
    assert!(cut.await.unwrap().starts_with("POST /api/v1/things HTTP/1.1"));
    assert!(asked.made().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_forwarded_request_is_not_forwarded_again() {
    let (asked, leader, net) = pair().await;
    leader.follow(&net, "a:1");
    assert_eq!(asked.create("one").await.status, 201);
    assert_eq!((asked.made(), leader.made()), (vec![], vec!["one".to_owned()]));
    // A circle ends where an instance refuses one request more, which may be the asked one.
    assert!(asked.follower.sources.lock().unwrap().is_empty());
    assert_eq!(*leader.follower.sources.lock().unwrap(), [Some("id-of-a:1".to_owned())]);
    let id = "Drydock-Forwarded-To: another c\r\nContent-Type: application/json\r\n";
    let strayed = leader.served.ask("POST", THINGS, id, &thing("two")).await;
    assert_eq!(strayed.error(), (503, "not_ready".to_owned()));
    assert_eq!(strayed.header("drydock-not-begun"), Some("true"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_hangs_holds_up_only_what_it_was_sent() {
    let (asked, leader, _) = pair().await;
    leader.served.service.may_finish.forget_permits(MANY);
    let mut hanging = Box::pin(asked.create("hanging"));
    let early = tokio::time::timeout(Duration::from_secs(4), &mut hanging).await;
    assert!(early.is_err());
    let begun = Instant::now();
    assert_eq!(asked.create("later").await.status, 201);
    assert!(begun.elapsed() < Duration::from_secs(1) && asked.made() == ["later"]);
    leader.served.service.may_finish.add_permits(MANY);
    assert_eq!(hanging.await.status, 201);
    assert_eq!(asked.create("again").await.status, 201);
    assert_eq!(leader.made(), ["hanging", "again"]);
}
