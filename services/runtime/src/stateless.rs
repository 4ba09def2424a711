//! An instance without a store, which is ready from its first moment to its last.
//!
//! Its readiness means that it answers, not that the services behind it do: a load balancer that
//! took all gateways out at once would gain nothing, and a gateway must be reachable to end the
//! maintenance of a service.

use std::sync::Arc;

use drydock_api::names::path_schema;
use drydock_core::env::Env;
use drydock_core::net::Listener;
use drydock_http::server::context::{App, AppContext, AppContextParts, Details, Health, Readiness};
use drydock_http::server::gate::{Gate, GateState};
use drydock_http::server::metrics::HttpMetrics;
use drydock_http::server::{route, serve};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use super::service::{Stateless, stateless_table};
use super::settings::StatelessSettings;

/// Runs one instance until `shutdown`; then open requests finish. It does not end by itself.
pub async fn start_stateless(
    service: impl Stateless,
    settings: StatelessSettings,
    env: Env,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) {
    Box::pin(run(service, settings, env, listener, shutdown)).await;
}

async fn run<S: Stateless>(
    service: S,
    settings: StatelessSettings,
    env: Env,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) {
    let StatelessSettings { internal_token, http } = settings;
    let gate = Gate::new(GateState::Normal);
    let mut registry = Registry::default();
    let metrics = HttpMetrics::register(&mut registry);
    let context = AppContext::new(AppContextParts {
        service: S::NAME,
        path_schema,
        env,
        settings: http.clone(),
        internal_token,
        gate: gate.clone(),
        health: Arc::new(StatelessHealth { gate: gate.clone(), registry }),
        metrics,
        leadership: None,
    });
    let router = route::router(stateless_table::<S>(), App { context, service });
    tracing::info!(service = S::NAME, "started");
    let stopping = shutdown.clone();
    let serving = serve(listener, router, &http, shutdown);
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        () = stopping.cancelled() => {
            gate.set(GateState::Stopping);
            serving.await;
        }
    }
}

struct StatelessHealth {
    gate: Gate,
    registry: Registry,
}

impl Health for StatelessHealth {
    fn readiness(&self) -> Readiness {
        let state = self.gate.state();
        let ready = state == GateState::Normal;
        let reason = (!ready).then(|| "the service is stopping".to_owned());
        Readiness { ready, state, reason }
    }

    fn details(&self) -> Details {
        Details { position: None, load: None, connected: true }
    }

    fn registry(&self) -> &Registry {
        &self.registry
    }
}
