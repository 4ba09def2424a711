//! Configstore as its runtime knows it.

use drydock_core::read_model::Schema;
use drydock_http::server::route::Route;
use drydock_runtime::{Service, ServiceParts};
use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;

use super::rotation::{Rotation, SealAnew, SecretMetrics};
use super::routes::routes;
use super::schema::SCHEMA;
use super::state::ConfigstoreState;

/// One instance to be.
#[derive(Default)]
pub struct Configstore {
    seal_anew: SealAnew,
    metrics: SecretMetrics,
}

impl Configstore {
    pub fn new(seal_anew: SealAnew) -> Configstore {
        Configstore { seal_anew, metrics: SecretMetrics::default() }
    }
}

impl Service for Configstore {
    type State = ConfigstoreState;

    fn schema() -> &'static Schema {
        &SCHEMA
    }

    fn routes() -> Vec<Route<ConfigstoreState>> {
        routes()
    }

    fn register(&mut self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    fn assemble(self, parts: ServiceParts) -> (ConfigstoreState, BoxFuture<'static, ()>) {
        let ServiceParts { env, store, keys } = parts;
        let Configstore { seal_anew, metrics } = self;
        let rotation =
            Rotation { env, store: store.clone(), keys: keys.clone(), seal_anew, metrics };
        (ConfigstoreState { store, keys }, Box::pin(rotation.run()))
    }
}
