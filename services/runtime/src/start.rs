//! The one way to start an instance.

use drydock_core::env::Env;
use drydock_core::error::BoxError;
use drydock_core::net::Listener;
use tokio_util::sync::CancellationToken;

use super::settings::StatelessSettings;
use super::{Deps, Service, Settings, Stateless, stateless, stored};

/// Runs one instance until `shutdown`; then requests finish, and it says farewell.
///
/// # Errors
/// [`StartError`](super::StartError), if the instance ends before that.
pub async fn start(
    service: impl Service,
    settings: Settings,
    deps: Deps,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) -> Result<(), BoxError> {
    Box::pin(stored::run(service, settings, deps, listener, shutdown)).await
}

/// The same for a service without a store, which does not end by itself.
pub async fn start_stateless(
    service: impl Stateless,
    settings: StatelessSettings,
    env: Env,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) {
    Box::pin(stateless::run(service, settings, env, listener, shutdown)).await;
}
