//! The one way to start an instance.

use drydock_core::error::BoxError;
use drydock_core::net::Listener;
use tokio_util::sync::CancellationToken;

use super::{Deps, Settings, stateless, stored};
use crate::configstore::{self, Configstore};
use crate::gateway;
use crate::http::route;
use crate::http::shell::App;

/// Which service an instance is, with its settings and seams.
pub enum Role {
    Configstore(Box<Settings>, Deps),
    Gateway(gateway::Settings, gateway::Deps),
}

/// Runs one instance until `shutdown`; then requests finish, and it says farewell.
pub async fn start(
    role: Role,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) -> Result<(), BoxError> {
    match role {
        Role::Configstore(settings, deps) => {
            let router = |parts: stored::RouterParts| {
                let stored::RouterParts { shell, store, keys, admin } = parts;
                let service = Configstore { store, admin, keys };
                route::router(configstore::routes(), App { shell, service })
            };
            let kind = stored::Kind { schema: &configstore::SCHEMA, router };
            Box::pin(stored::run(kind, *settings, deps, listener, shutdown)).await
        }
        Role::Gateway(settings, deps) => {
            Box::pin(stateless::run_gateway(settings, deps, listener, shutdown)).await;
            Ok(())
        }
    }
}
