//! Puts an instance with a store together and runs it.

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
use drydock_core::read_model::Schema;
use drydock_core::store::{Store, StoreParts};
use futures_util::future::BoxFuture;
use object_store::ObjectStore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::admin::Operator;
use super::health::Vitals;
use super::instance::Instance;
use super::maintenance::Driver;
use super::tasks::Tasks;
use super::{Settings, modes};
use crate::configstore::SealAnew;
use crate::configstore::rotation::SecretMetrics;
use crate::http::admin::Admin;
use crate::http::gate::{Gate, GateState};
use crate::http::serve;
use crate::http::shell::{Shell, ShellParts};
use crate::seal::KeyRing;

/// What tells one service with a store from another.
pub(super) struct Kind<S> {
    pub(super) schema: &'static Schema,
    pub(super) service: S,
}

/// What a service is made of: what answers requests, and what it does unasked until it is dropped.
pub(super) struct Service {
    pub(super) router: Router,
    pub(super) background: BoxFuture<'static, ()>,
}

/// What a service gets from its runtime.
pub(super) struct ServiceParts {
    pub(super) shell: Arc<Shell>,
    pub(super) store: Store,
    pub(super) keys: KeyRing,
    pub(super) seal_anew: SealAnew,
    pub(super) secrets: SecretMetrics,
    pub(super) admin: Arc<dyn Admin>,
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

/// How long background work and the lease's end are waited for when an instance stops.
const FAREWELL: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("a background task of {service} ended before its time")]
    TaskEnded { service: &'static str, source: Option<tokio::task::JoinError> },
    #[error("{service} must not go on: {reason}")]
    Halted { service: &'static str, reason: String },
}

/// Runs one instance until `shutdown`; then requests finish, and it says farewell.
pub(super) async fn run(
    kind: Kind<impl FnOnce(ServiceParts) -> Service>,
    settings: Settings,
    deps: Deps,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) -> Result<(), BoxError> {
    let service = kind.schema.service;
    let http = settings.http.clone();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let (router, gate, store) =
        assemble(kind, settings, deps, listener.local_addr(), &stop, &mut tasks);
    tracing::info!(service, "started");

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
            Some(StartError::TaskEnded { service, source })
        }
        reason = store.halted() => Some(StartError::Halted { service, reason }),
    };
    stop.cancel();
    // Each task stops at the token; the lease's end is a courtesy to the others.
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, all).await.is_err() {
        tracing::warn!(service, "did not say farewell in time");
    }
    match ended {
        None => Ok(()),
        Some(ended) => Err(Box::new(ended)),
    }
}

/// Puts the parts together and starts what runs beside the server.
fn assemble(
    kind: Kind<impl FnOnce(ServiceParts) -> Service>,
    settings: Settings,
    deps: Deps,
    address: String,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> (Router, Gate, Store) {
    let Deps { env, coord, objects, execution, scratch_dir } = deps;
    let (ring, seal_anew) = (settings.keys.clone(), settings.seal_anew);
    let Settings { cluster, internal_token, http, store, lease_ttl, maintenance_drain, .. } =
        settings;
    let Kind { schema, service: make } = kind;
    let service = schema.service;
    let (keys, mode) = (Keys::new(&cluster, service), ModeCell::default());
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
    let (instance, registration) = Instance::new(
        env.clone(),
        bounded.clone(),
        keys.clone(),
        store.applied(),
        address,
        lease_ttl,
    );
    let (vitals, metrics, secrets) = Vitals::new(gate.clone(), instance.clone(), store.clone());
    let driver = Driver {
        gate: gate.clone(),
        phase: store.phase(),
        mode: mode.clone(),
        instance,
        drain: maintenance_drain,
        tasks: Tasks::new(store.clone(), holder),
    };
    tasks.spawn(loops.run(stop.clone()));
    tasks.spawn(driver.run(stop.clone()));
    let operator =
        Operator::new(env.clone(), bounded.clone(), keys.clone(), store.clone(), mode.clone());
    tasks.spawn(modes::follow(env.clone(), bounded, keys, mode, stop.clone()));
    tasks.spawn(registration.run(stop.clone()));

    let health = Arc::new(vitals);
    let settings = http;
    let shell =
        ShellParts { service, env, settings, internal_token, gate: gate.clone(), health, metrics };
    let Service { router, background } = make(ServiceParts {
        shell: Shell::new(shell),
        store: store.clone(),
        keys: ring,
        seal_anew,
        secrets,
        admin: Arc::new(operator),
    });
    let stopped = stop.clone();
    tasks.spawn(async move {
        stopped.run_until_cancelled(background).await;
    });
    (router, gate, store)
}
