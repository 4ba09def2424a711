//! Puts an instance with a store together and runs it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use drydock_api::names::path_schema;
use drydock_core::coord::{Bounded, Coordination};
use drydock_core::db::Execution;
use drydock_core::env::Env;
use drydock_core::error::BoxError;
use drydock_core::log::keys::Keys;
use drydock_core::maintenance::ModeCell;
use drydock_core::net::Listener;
use drydock_core::store::{Store, StoreParts};
use drydock_http::server::context::{App, Shell, ShellParts};
use drydock_http::server::gate::{Gate, GateState};
use drydock_http::server::{route, serve};
use object_store::ObjectStore;
use prometheus_client::registry::Registry;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::health::Vitals;
use super::instance::Instance;
use super::maintenance::Driver;
use super::operator::Operator;
use super::routes::Admin;
use super::service::{Service, ServiceParts, table};
use super::tasks::Tasks;
use super::{Settings, modes};

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

/// How long background work and the lease's end are waited for when an instance stops.
const FAREWELL: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("a background task of {service} ended before its time")]
    TaskEnded { service: &'static str, source: Option<tokio::task::JoinError> },
    #[error("{service} must not go on: {reason}")]
    Halted { service: &'static str, reason: String },
}

/// As [`start`](super::start).
pub(super) async fn run<S: Service>(
    service: S,
    settings: Settings,
    deps: Deps,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) -> Result<(), BoxError> {
    let name = S::schema().service;
    let http = settings.http.clone();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let (router, gate, store) =
        assemble(service, settings, deps, listener.local_addr(), &stop, &mut tasks);
    tracing::info!(service = name, "started");

    let serving = serve(listener, router, &http, shutdown.clone());
    tokio::pin!(serving);
    let ended = tokio::select! {
        () = &mut serving => None,
        () = shutdown.cancelled() => {
            gate.set(GateState::Stopping);
            serving.await;
            None
        }
        ended = tasks.join_next() => {
            let source = ended.and_then(Result::err);
            Some(StartError::TaskEnded { service: name, source })
        }
        reason = store.halted() => Some(StartError::Halted { service: name, reason }),
    };
    stop.cancel();
    // Each task stops at the token; the lease's end is a courtesy to the others.
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, all).await.is_err() {
        tracing::warn!(service = name, "did not say farewell in time");
    }
    match ended {
        None => Ok(()),
        Some(ended) => Err(Box::new(ended)),
    }
}

/// Puts the parts together and starts what runs beside the server.
fn assemble<S: Service>(
    mut service: S,
    settings: Settings,
    deps: Deps,
    address: String,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> (Router, Gate, Store) {
    let Deps { env, coord, objects, execution, scratch_dir } = deps;
    let (ttl, drain) = (settings.lease_ttl, settings.maintenance_drain);
    let Settings { cluster, internal_token, keys: ring, http, store, .. } = settings;
    let schema = S::schema();
    let (keys, mode) = (Keys::new(&cluster, schema.service), ModeCell::default());
    let timeout = Duration::from_millis(store.coordination_timeout_ms);
    let bounded = Bounded::new(Arc::clone(&coord), timeout);
    let (store, loops) = Store::new(StoreParts {
        cluster,
        schema,
        env: env.clone(),
        coord,
        objects,
        settings: store,
        execution,
        scratch: scratch_dir,
        mode: mode.clone(),
        known_keys: ring.ids(),
    });
    let gate = Gate::new(GateState::Loading);
    let holder = address.clone();
    let (instance, registration) =
        Instance::new(env.clone(), bounded.clone(), keys.clone(), store.applied(), address, ttl);
    let mut register = |registry: &mut Registry| service.register(registry);
    let (vitals, metrics) =
        Vitals::new(gate.clone(), instance.clone(), store.clone(), &mut register);
    let driver = Driver {
        gate: gate.clone(),
        phase: store.phase(),
        mode: mode.clone(),
        instance,
        drain,
        tasks: Tasks::new(store.clone(), holder),
    };
    tasks.spawn(loops.run(stop.clone()));
    tasks.spawn(driver.run(stop.clone()));
    let operator =
        Operator::new(env.clone(), bounded.clone(), keys.clone(), store.clone(), mode.clone());
    tasks.spawn(modes::follow(env.clone(), bounded, keys, mode, stop.clone()));
    tasks.spawn(registration.run(stop.clone()));

    let context = Shell::new(ShellParts {
        service: schema.service,
        path_schema,
        env: env.clone(),
        settings: http,
        internal_token,
        gate: gate.clone(),
        health: Arc::new(vitals),
        metrics,
    });
    let parts = ServiceParts { env, store: store.clone(), keys: ring };
    let (state, background) = service.assemble(parts);
    let admin: Arc<dyn Admin> = Arc::new(operator);
    let app = App { shell: context, service: state };
    let router = route::router(table::<S>(), app).layer(Extension(admin));
    let stopped = stop.clone();
    tasks.spawn(async move {
        stopped.run_until_cancelled(background).await;
    });
    (router, gate, store)
}
