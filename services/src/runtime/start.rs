//! Puts an instance together and runs it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use drydock_core::coord::{Bounded, Coordination};
use drydock_core::db::Execution;
use drydock_core::env::Env;
use drydock_core::error::BoxError;
use drydock_core::log::keys::Keys;
use drydock_core::maintenance::ModeCell;
use drydock_core::net::Listener;
use drydock_core::store::{Schema, Store, StoreParts};
use futures_util::FutureExt;
use object_store::ObjectStore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::admin::Operator;
use super::health::Vitals;
use super::instance::Instance;
use super::maintenance::Driver;
use super::{Settings, modes};
use crate::configstore::{self, Configstore};
use crate::http::admin::Admin;
use crate::http::gate::{Gate, GateState};
use crate::http::shell::{App, Shell, ShellParts};
use crate::http::{route, serve};

/// Which service an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Configstore,
}

impl Role {
    pub fn name(self) -> &'static str {
        self.schema().service
    }

    fn schema(self) -> &'static Schema {
        match self {
            Role::Configstore => &configstore::SCHEMA,
        }
    }

    fn router(self, shell: Arc<Shell>, store: Store, admin: Arc<dyn Admin>) -> Router {
        match self {
            Role::Configstore => {
                let service = Configstore { store, admin };
                route::router(configstore::routes(), App { shell, service })
            }
        }
    }
}

/// The seams, and where read models may be made.
#[derive(Clone)]
pub struct Deps {
    pub env: Env,
    pub coord: Arc<dyn Coordination>,
    pub objects: Arc<dyn ObjectStore>,
    pub execution: Execution,
    /// A folder whose content may be lost at any time while nothing runs.
    pub scratch_dir: PathBuf,
}

/// How long the lease's end is waited for when an instance stops.
const FAREWELL: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("a background task of {service} ended before its time")]
    TaskEnded { service: &'static str, source: Option<tokio::task::JoinError> },
}

/// Runs one instance until `shutdown`; then requests finish, and it says farewell.
pub async fn start(
    role: Role,
    settings: Settings,
    deps: Deps,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) -> Result<(), BoxError> {
    let service = role.name();
    let mode = ModeCell::default();
    let (store, loops) = Store::new(StoreParts {
        cluster: settings.cluster.clone(),
        schema: role.schema(),
        env: deps.env.clone(),
        coord: Arc::clone(&deps.coord),
        objects: deps.objects,
        settings: settings.store.clone(),
        execution: deps.execution,
        scratch: deps.scratch_dir,
        mode: mode.clone(),
    });
    let timeout = Duration::from_millis(settings.store.coordination_timeout_ms);
    let coord = Bounded::new(deps.coord, timeout);
    let keys = Keys::new(&settings.cluster, service);
    let gate = Gate::new(GateState::Loading);
    let (instance, registration) = Instance::new(
        deps.env.clone(),
        coord.clone(),
        keys.clone(),
        store.applied(),
        listener.local_addr(),
        settings.lease_ttl,
    );
    let (vitals, metrics) = Vitals::new(gate.clone(), instance.clone(), store.clone());
    let shell = Shell::new(ShellParts {
        service,
        env: deps.env.clone(),
        settings: settings.http.clone(),
        internal_token: settings.internal_token,
        gate: gate.clone(),
        health: Arc::new(vitals),
        metrics,
    });
    let operator =
        Operator::new(deps.env.clone(), coord.clone(), keys.clone(), store.clone(), mode.clone());
    let router = role.router(shell, store.clone(), Arc::new(operator));
    let driver = Driver {
        gate: gate.clone(),
        applied: store.applied(),
        mode: mode.clone(),
        instance: instance.clone(),
        drain: settings.maintenance_drain,
    };

    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(loops.run(stop.clone()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(driver.run()).map(drop));
    tasks.spawn(modes::follow(deps.env, coord, keys, mode, stop.clone()));
    tasks.spawn(registration.run(stop.clone()));
    tracing::info!(service, instance = instance.id(), "started");

    let serving = serve(listener, router, &settings.http, shutdown.clone());
    tokio::pin!(serving);
    let ended = tokio::select! {
        () = &mut serving => None,
        () = shutdown.cancelled() => {
            gate.set(GateState::Stopping);
            serving.await;
            None
        }
        ended = tasks.join_next() => ended,
    };
    stop.cancel();
    // Each loop stops at the token; the lease's end is a courtesy to the others.
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, all).await.is_err() {
        tracing::warn!(service, "did not say farewell in time");
    }
    match ended {
        None => Ok(()),
        Some(ended) => Err(Box::new(StartError::TaskEnded { service, source: ended.err() })),
    }
}
