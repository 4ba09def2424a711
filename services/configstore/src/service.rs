//! Configstore's implementation of the runtime's trait [`Service`].

use drydock_core::read_model::Schema;
use drydock_http::server::route::Route;
use drydock_runtime::{Service, ServiceParts};
use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;

use super::rotation::{Reencrypt, Rotation, SecretMetrics};
use super::routes::routes;
use super::schema::SCHEMA;
use super::state::ConfigstoreState;

/// The parts of one instance that exist before its start.
#[derive(Default)]
pub struct Configstore {
    reencrypt: Reencrypt,
    metrics: SecretMetrics,
}

impl Configstore {
    pub fn new(reencrypt: Reencrypt) -> Configstore {
        Configstore { reencrypt, metrics: SecretMetrics::default() }
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
        let ServiceParts { env, store, keys, concern, .. } = parts;
        let Configstore { reencrypt, metrics } = self;
        let rotation = Rotation {
            env,
            store: store.clone(),
            keys: keys.clone(),
            when: reencrypt,
            metrics,
            concern,
        };
        (ConfigstoreState { store, keys }, Box::pin(rotation.run()))
    }
}
