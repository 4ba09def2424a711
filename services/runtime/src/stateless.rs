//! An instance without a store: it serves from its first moment to its last.
//!
//! Its readiness says that it answers, not that the services behind it do: those who balance load
//! over gateways gain nothing from taking all of them out at once, and maintenance of a service is
//! switched through them.

use std::sync::Arc;

use drydock_api::names::path_schema;
use drydock_core::env::Env;
use drydock_core::net::Listener;
use drydock_http::server::context::{App, Details, Health, Readiness, Shell, ShellParts};
use drydock_http::server::gate::{Gate, GateState};
use drydock_http::server::metrics::HttpMetrics;
use drydock_http::server::{route, serve};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use super::service::{Stateless, stateless_table};
use super::settings::StatelessSettings;

/// As [`start_stateless`](super::start_stateless).
pub(super) async fn run<S: Stateless>(
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
    let shell = Shell::new(ShellParts {
        service: S::NAME,
        path_schema,
        env,
        settings: http.clone(),
        internal_token,
        gate: gate.clone(),
        health: Arc::new(Serving { gate: gate.clone(), registry }),
        metrics,
    });
    let router = route::router(stateless_table::<S>(), App { shell, service });
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

struct Serving {
    gate: Gate,
    registry: Registry,
}

impl Health for Serving {
    fn readiness(&self) -> Readiness {
        let state = self.gate.state();
        let ready = state == GateState::Normal;
        let reason = (!ready).then(|| "the service is stopping".to_owned());
        Readiness { ready, state, reason }
    }

    fn details(&self) -> Details {
        Details { position: None, load: None, heard: true }
    }

    fn registry(&self) -> &Registry {
        &self.registry
    }
}
