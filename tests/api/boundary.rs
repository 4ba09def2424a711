//! The error boundary, with handlers that fail in ways no real one does on purpose.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use drydock_api::names::path_schema;
use drydock_core::env::{Env, RngTree};
use drydock_core::error::{ApiError, BoxError, Kind};
use drydock_core::net::Net;
use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::error_body::status_of;
use drydock_http::server::context::{App, AppContext, AppContextParts, Details, Health, Readiness};
use drydock_http::server::error::HttpError;
use drydock_http::server::gate::{Gate, GateState};
use drydock_http::server::metrics::HttpMetrics;
use drydock_http::server::route::{Route, router};
use drydock_http::server::{HttpSettings, serve};
use drydock_http::testing::duplex::DuplexNet;
use drydock_tests::app::TOKEN;
use drydock_tests::client::{Client, Exchange, Request};
use drydock_tests::run::{RuntimeClock, run};
use insta::assert_snapshot;
use prometheus_client::registry::Registry;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

fn table() -> Vec<Route<()>> {
    vec![
        Route::new(Endpoint::get("/panic"), panics),
        Route::new(Endpoint::get("/secret"), secret),
        Route::new(Endpoint::get("/wrapped"), wrapped),
        Route::new(Endpoint::get("/forbidden"), forbidden),
        Route::new(Endpoint::get("/slow"), slow),
        Route::new(Endpoint::get("/foreign"), foreign),
        Route::new(Endpoint::post("/unread"), unread),
    ]
}

async fn panics() -> Response {
    panic!("the password is in the panic")
}

async fn secret() -> Result<Response, HttpError> {
    Err(BoxError::from("the password is in the cause").into())
}

/// What a client may know stands below what it may not.
async fn wrapped() -> Result<Response, HttpError> {
    let inner = ApiError::new(Kind::Internal).with_message("the disk is full");
    Err(std::io::Error::other(inner).into())
}

async fn forbidden() -> Result<Response, HttpError> {
    Err(ApiError::new(Kind::Forbidden).into())
}

async fn slow() -> Response {
    std::future::pending().await
}

async fn foreign() -> http::StatusCode {
    http::StatusCode::IM_A_TEAPOT
}

async fn unread() -> Result<Response, HttpError> {
    Err(ApiError::new(Kind::Conflict).into())
}

struct Quiet {
    registry: Registry,
}

impl Health for Quiet {
    fn readiness(&self) -> Readiness {
        Readiness { ready: true, state: GateState::Normal, reason: None }
    }

    fn details(&self) -> Details {
        Details { position: None, load: None, connected: true }
    }

    fn registry(&self) -> &Registry {
        &self.registry
    }
}

async fn failing() -> Client {
    let mut registry = Registry::default();
    let metrics = HttpMetrics::register(&mut registry);
    let settings = HttpSettings::default();
    let context = AppContext::new(AppContextParts {
        service: "failing",
        path_schema,
        env: Env::new(Arc::new(RuntimeClock::new()), RngTree::from_seed(1)),
        settings: settings.clone(),
        internal_token: SecretString::from(TOKEN),
        gate: Gate::new(GateState::Normal),
        health: Arc::new(Quiet { registry }),
        metrics,
        leadership: None,
    });
    let router = router(table(), App { context, service: () });
    let net = DuplexNet::default();
    let listener = net.listen("failing:0").await.expect("the address is free");
    let address = listener.local_addr();
    let serving = async move { serve(listener, router, &settings, CancellationToken::new()).await };
    tokio::spawn(serving);
    Client { net: Arc::new(net), address, token: TOKEN.to_owned() }
}

fn ask(path: &str) -> Exchange {
    run(async { failing().await.send(Request::get(path)).await })
}

#[test]
fn a_panic_answers_500_and_says_nothing_of_itself() {
    assert_snapshot!("panic", ask("/panic"));
}

#[test]
fn the_server_goes_on_after_a_panic() {
    run(async {
        let client = failing().await;
        for _ in 0..3 {
            client.send(Request::get("/panic")).await.expect(500);
        }
        client.send(Request::get("/forbidden")).await.expect(403);
    });
}

#[test]
fn an_error_without_a_public_part_answers_500_and_says_nothing_of_itself() {
    assert_snapshot!("secret", ask("/secret"));
}

#[test]
fn an_internal_error_with_a_message_may_be_read() {
    assert_snapshot!("wrapped", ask("/wrapped"));
}

#[test]
fn forbidden_answers_403() {
    assert_snapshot!("forbidden", ask("/forbidden"));
}

#[test]
fn a_handler_that_never_answers_is_cut_off_with_504() {
    run(async {
        let client = failing().await;
        let begun = tokio::time::Instant::now();
        let answer = client.send(Request::get("/slow")).await;
        assert_eq!(begun.elapsed().as_secs(), HttpSettings::default().request_timeout.as_secs());
        assert_snapshot!("slow", answer);
        let begun = tokio::time::Instant::now();
        let lowered = Request::get("/slow").header("drydock-timeout-ms", "250");
        client.send(lowered).await.expect(504);
        assert!(begun.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn an_answer_that_a_library_made_gets_our_body() {
    assert_snapshot!("foreign", ask("/foreign"));
}

#[test]
fn an_error_reaches_a_client_whose_body_nobody_read() {
    run(async {
        let post = Request::post("/unread").body(vec![b'x'; 900_000]);
        assert_eq!(failing().await.send(post).await.outcome(), "409 conflict");
    });
}

#[test]
fn every_kind_has_a_status_a_code_and_a_message_of_its_own() {
    let lines: Vec<_> = Kind::ALL
        .iter()
        .map(|kind| {
            let (code, message) = (kind.default_code(), kind.default_message());
            format!("{} {code}: {message}", status_of(*kind).as_u16())
        })
        .collect();
    assert_snapshot!("kinds", lines.join("\n"));
}
