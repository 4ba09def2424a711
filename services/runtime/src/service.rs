//! The traits through which the runtime starts a service. The runtime knows no service by name.

use drydock_core::coord::Bounded;
use drydock_core::env::Env;
use drydock_core::log::keys::Keys;
use drydock_core::read_model::Schema;
use drydock_core::store::Store;
use drydock_http::server::health;
use drydock_http::server::route::Route;
use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;

use super::encryption::KeyRing;
use super::health::Concern;
use super::routes;

/// A service whose objects are in a store of its own.
pub trait Service: Send + Sized + 'static {
    /// The state of the service's handlers.
    type State: Clone + Send + Sync + 'static;

    /// The service's name, its types of objects and their tables.
    fn schema() -> &'static Schema;

    /// The service's own routes. The routes that every service has are added by [`table`].
    fn routes() -> Vec<Route<Self::State>>;

    /// Adds the service's own metrics.
    fn register(&mut self, registry: &mut Registry);

    /// Makes the handlers' state of one instance's parts, and the future of the service's
    /// background work, which runs until it is dropped.
    fn assemble(self, parts: ServiceParts) -> (Self::State, BoxFuture<'static, ()>);
}

/// The parts of an instance that the runtime hands to its service.
pub struct ServiceParts {
    pub env: Env,
    pub store: Store,
    pub keys: KeyRing,
    pub concern: Concern,
    /// The coordination store, for leased keys of the service's own.
    pub coord: Bounded,
    /// The names of the service's keys in it.
    pub names: Keys,
}

/// A service without a store. The service itself is the handlers' state.
pub trait Stateless: Clone + Send + Sync + 'static {
    const NAME: &'static str;

    /// The service's own routes. Health routes are added by [`stateless_table`].
    fn routes() -> Vec<Route<Self>>;
}

/// All routes of a service with a store: its own, health, and the routes for operators.
pub fn table<S: Service>() -> Vec<Route<S::State>> {
    let mut table = S::routes();
    table.extend(health::routes());
    table.extend(routes::routes());
    table
}

/// All routes of a service without a store: its own, and health.
pub fn stateless_table<S: Stateless>() -> Vec<Route<S>> {
    let mut table = S::routes();
    table.extend(health::routes());
    table
}
