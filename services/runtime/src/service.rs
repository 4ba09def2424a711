//! What the runtime is told of a service. It knows none.

use drydock_core::env::Env;
use drydock_core::read_model::Schema;
use drydock_core::store::Store;
use drydock_http::server::health;
use drydock_http::server::route::Route;
use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;

use super::encryption::KeyRing;
use super::routes;

/// A service whose objects are in a store of its own.
pub trait Service: Send + Sized + 'static {
    /// What handlers work with.
    type State: Clone + Send + Sync + 'static;

    /// The service's name, its types of objects and their tables.
    fn schema() -> &'static Schema;

    /// Its own routes. Those that every service has are added: see [`table`].
    fn routes() -> Vec<Route<Self::State>>;

    /// Adds the service's own metrics.
    fn register(&mut self, registry: &mut Registry);

    /// Makes of one instance's parts what answers requests, and what is done unasked until it is
    /// dropped.
    fn assemble(self, parts: ServiceParts) -> (Self::State, BoxFuture<'static, ()>);
}

/// What a service gets from its runtime.
pub struct ServiceParts {
    pub env: Env,
    pub store: Store,
    pub keys: KeyRing,
}

/// A service without a store. It is its own state.
pub trait Stateless: Clone + Send + Sync + 'static {
    const NAME: &'static str;

    /// Its own routes. Health is added: see [`stateless_table`].
    fn routes() -> Vec<Route<Self>>;
}

/// All routes of a service with a store: its own, health, and what operators do.
pub fn table<S: Service>() -> Vec<Route<S::State>> {
    let mut table = S::routes();
    table.extend(health::routes());
    table.extend(routes::routes());
    table
}

/// All routes of a service without one: its own, and health.
pub fn stateless_table<S: Stateless>() -> Vec<Route<S>> {
    let mut table = S::routes();
    table.extend(health::routes());
    table
}
