//! The one way to start an instance.

use drydock_core::error::BoxError;
use drydock_core::net::Listener;
use tokio_util::sync::CancellationToken;

use super::{Deps, Settings, stateless, stored};
use crate::configstore;
use crate::configstore::Configstore;
use crate::configstore::rotation::Rotation;
use crate::gateway;
use crate::http::server::context::App;
use crate::http::server::route;

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
            let kind = stored::Kind { schema: &configstore::SCHEMA, service: configstore };
            Box::pin(stored::run(kind, *settings, deps, listener, shutdown)).await
        }
        Role::Gateway(settings, deps) => {
            Box::pin(stateless::run_gateway(settings, deps, listener, shutdown)).await;
            Ok(())
        }
    }
}

fn configstore(parts: stored::ServiceParts) -> stored::Service {
    let stored::ServiceParts { shell, store, keys, seal_anew, secrets, admin } = parts;
    let (env, ring) = (shell.env.clone(), keys.clone());
    let rotation = Rotation { env, store: store.clone(), keys: ring, seal_anew, metrics: secrets };
    let service = Configstore { store, admin, keys };
    let router = route::router(configstore::routes(), App { shell, service });
    stored::Service { router, background: Box::pin(rotation.run()) }
}
