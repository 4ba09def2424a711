//! A server for any routes over an in-memory network.

use std::ops::Deref;
use std::sync::Arc;

use axum::Extension;
use drydock_core::env::{Env, ManualClock, RngTree};
use drydock_core::net::{BoxStream, Net};
use prometheus_client::registry::Registry;
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::server::context::{App, AppContext, AppContextParts, Details, Health, Readiness};
use crate::server::forward::Leadership;
use crate::server::gate::{Gate, GateState};
use crate::server::metrics::HttpMetrics;
use crate::server::route;
use crate::server::route::Route;
use crate::server::{HttpSettings, serve};
use crate::testing::duplex::DuplexNet;
use crate::testing::wire::Wire;

pub const TOKEN: &str = "a-token-of-the-tests";

pub struct Served<S> {
    pub wire: Wire,
    pub gate: Gate,
    pub service: S,
    pub shutdown: CancellationToken,
    pub serving: JoinHandle<()>,
}

/// Where a server is, and the instances that it knows.
pub struct Host {
    pub net: DuplexNet,
    pub address: &'static str,
    pub leadership: Option<Arc<dyn Leadership>>,
}

impl<S> Deref for Served<S> {
    type Target = Wire;

    fn deref(&self) -> &Wire {
        &self.wire
    }
}

struct GateHealth {
    gate: Gate,
    registry: Registry,
}

impl Health for GateHealth {
    fn readiness(&self) -> Readiness {
        let state = self.gate.state();
        let ready = matches!(state, GateState::Normal | GateState::Maintenance);
        Readiness { ready, state, reason: None }
    }

    fn details(&self) -> Details {
        Details { position: None, load: None, connected: true }
    }

    fn registry(&self) -> &Registry {
        &self.registry
    }
}

impl<S: Clone + Send + Sync + 'static> Served<S> {
    /// # Panics
    /// As [`extended`](Self::extended).
    pub async fn new(settings: HttpSettings, table: Vec<Route<S>>, service: S) -> Served<S> {
        Served::extended(settings, table, service, ()).await
    }

    /// Serves routes whose handlers need `extension`.
    ///
    /// # Panics
    /// If two rows have the same method and path.
    pub async fn extended<E: Clone + Send + Sync + 'static>(
        settings: HttpSettings,
        table: Vec<Route<S>>,
        service: S,
        extension: E,
    ) -> Served<S> {
        let host = Host { net: DuplexNet::default(), address: "toy:0", leadership: None };
        Served::on(host, settings, table, service, extension).await
    }

    /// Serves at an address of a network that others share.
    ///
    /// # Panics
    /// If the address is taken, or two rows have the same method and path.
    pub async fn on<E: Clone + Send + Sync + 'static>(
        host: Host,
        settings: HttpSettings,
        table: Vec<Route<S>>,
        service: S,
        extension: E,
    ) -> Served<S> {
        let Host { net, address, leadership } = host;
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        let gate = Gate::new(GateState::Normal);
        let context = AppContext::new(AppContextParts {
            service: "toy",
            path_schema: |_, generator| generator.subschema_for::<String>(),
            env: Env::new(clock, RngTree::from_seed(1)),
            settings: settings.clone(),
            internal_token: SecretString::from(TOKEN),
            gate: gate.clone(),
            health: Arc::new(GateHealth { gate: gate.clone(), registry }),
            metrics,
            leadership,
        });
        let app = App { context, service: service.clone() };
        let router = route::router(table, app).layer(Extension(extension));
        let listener = net.listen(address).await.expect("the address is free");
        let address = listener.local_addr();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let serving = tokio::spawn(async move { serve(listener, router, &settings, stop).await });
        let wire = Wire { net: Arc::new(net), address, token: TOKEN.to_owned() };
        Served { wire, gate, service, shutdown, serving }
    }

    pub fn client(&self) -> Client {
        Client::new(self.net.clone(), &self.address).with_token(SecretString::from(TOKEN))
    }

    /// # Panics
    /// If the server does not listen any more.
    pub async fn connect(&self) -> BoxStream {
        self.net.dial(&self.address).await.expect("the server listens")
    }
}
