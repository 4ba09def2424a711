//! An instance without a store: it serves from its first moment to its last.
//!
//! Its readiness says that it answers, not that the services behind it do: those who balance load
//! over gateways gain nothing from taking all of them out at once, and maintenance of a service is
//! switched through them.

use std::sync::Arc;

use drydock_core::net::Listener;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::gateway;
use crate::gateway::Gateway;
use crate::http::server::context::{App, Details, Health, Readiness, Shell, ShellParts};
use crate::http::server::gate::{Gate, GateState};
use crate::http::server::metrics::HttpMetrics;
use crate::http::server::{route, serve};

pub(super) async fn run_gateway(
    settings: gateway::Settings,
    deps: gateway::Deps,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) {
    let http = settings.http.clone();
    let gate = Gate::new(GateState::Normal);
    let mut registry = Registry::default();
    let metrics = HttpMetrics::register(&mut registry);
    let shell = Shell::new(ShellParts {
        service: gateway::SERVICE,
        env: deps.env.clone(),
        settings: http.clone(),
        internal_token: settings.internal_token.clone(),
        gate: gate.clone(),
        health: Arc::new(Serving { gate: gate.clone(), registry }),
        metrics,
    });
    let app = App { shell, service: Gateway::new(settings, deps) };
    let router = route::router(gateway::routes(), app);
    tracing::info!(service = gateway::SERVICE, "started");
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
