//! An instance with a store: its parts are put together and run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use drydock_api::names::path_schema;
use drydock_core::coord::{Bounded, Coordination};
use drydock_core::db::Execution;
use drydock_core::env::Env;
use drydock_core::error::BoxError;
use drydock_core::log::format::Transport;
use drydock_core::log::keys::Keys;
use drydock_core::maintenance::ModeCell;
use drydock_core::net::{Listener, SharedNet};
use drydock_core::store::{Store, StoreParts};
use drydock_core::tasks::compact;
use drydock_http::server::context::{App, AppContext, AppContextParts};
use drydock_http::server::forward::Leadership;
use drydock_http::server::gate::{Gate, GateState};
use drydock_http::server::{route, serve};
use object_store::ObjectStore;
use prometheus_client::registry::Registry;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::health::{Concern, HealthState};
use super::instance::Instance;
use super::leader::{LeaderTask, Leaders};
use super::maintenance::Driver;
use super::operator::Operator;
use super::routes::Admin;
use super::service::{Service, ServiceParts, table};
use super::tasks::Tasks;
use super::{Settings, mode_watch};

/// The network by which the instances of a service call each other.
#[derive(Clone)]
pub struct PeerNet {
    pub net: SharedNet,
    /// What it speaks, and the listeners of this instance, too.
    pub transport: Transport,
}

impl PeerNet {
    pub fn plain(net: SharedNet) -> PeerNet {
        PeerNet { net, transport: Transport::Plain }
    }
}

/// The seams of an instance, and the folder of its read models.
#[derive(Clone)]
pub struct Deps {
    pub env: Env,
    pub coord: Arc<dyn Coordination>,
    pub objects: Arc<dyn ObjectStore>,
    pub execution: Execution,
    /// How instances call each other; `None`: each makes its own changes.
    pub peers: Option<PeerNet>,
    /// The folder of read models. Its content may be lost whenever no instance runs.
    pub scratch_dir: PathBuf,
}

/// How long an instance that stops waits for its background work and for the end of its lease.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Why an instance ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("a background task of {service} ended before its time")]
    TaskEnded { service: &'static str, source: Option<tokio::task::JoinError> },
    #[error("{service} must not go on: {reason}")]
    Halted { service: &'static str, reason: String },
}

/// Runs one instance until `shutdown`; then open requests finish, and the instance's key is
/// removed.
///
/// # Errors
/// [`StartError`], if the instance ends before `shutdown`.
pub async fn start(
    service: impl Service,
    settings: Settings,
    deps: Deps,
    listener: Box<dyn Listener>,
    shutdown: CancellationToken,
) -> Result<(), BoxError> {
    Box::pin(run(service, settings, deps, listener, shutdown)).await
}

async fn run<S: Service>(
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
    // Each task stops at the token. One of them revokes the lease, so that others need not wait for
    // its end.
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
        tracing::warn!(service = name, "background tasks did not stop in time");
    }
    match ended {
        None => Ok(()),
        Some(ended) => Err(Box::new(ended)),
    }
}

/// Puts the parts together and spawns the tasks that run beside the server.
fn assemble<S: Service>(
    mut service: S,
    settings: Settings,
    deps: Deps,
    address: String,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> (Router, Gate, Store) {
    let Deps { env, coord, objects, execution, peers, scratch_dir } = deps;
    let address = settings.advertise.clone().unwrap_or(address);
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
        key_check: Arc::new(ring.clone()),
    });
    let gate = Gate::new(GateState::Loading);
    let holder = address.clone();
    let (instance, registration) = Instance::new(&env, &bounded, &keys, &store, address, ttl);
    let leaders = peers.filter(|_| store.settings().leader_conflicts > 0).map(|peers| {
        let leaders = Leaders::new(instance.id().to_owned(), store.clone(), peers);
        let seams = (env.clone(), bounded.clone(), keys.clone());
        let task = LeaderTask::new(leaders.clone(), seams, gate.clone(), holder.clone(), ttl);
        tasks.spawn(task.run(stop.clone()));
        Arc::new(leaders) as Arc<dyn Leadership>
    });
    let concern = Concern::default();
    let mut register = |registry: &mut Registry| service.register(registry);
    let (health, metrics) = HealthState::new(
        gate.clone(),
        instance.clone(),
        store.clone(),
        concern.clone(),
        &mut register,
    );
    let driver = Driver {
        gate: gate.clone(),
        phase: store.phase(),
        mode: mode.clone(),
        instance,
        drain,
        tasks: Tasks::new(store.clone(), holder),
    };
    tasks.spawn(loops.run(stop.clone()));
    tasks.spawn(compact::follow_space(store.clone(), stop.clone()));
    tasks.spawn(driver.run(stop.clone()));
    let operator =
        Operator::new(env.clone(), bounded.clone(), keys.clone(), store.clone(), mode.clone());
    let (coord, names) = (bounded.clone(), keys.clone());
    tasks.spawn(mode_watch::follow(env.clone(), bounded, keys, mode, stop.clone()));
    tasks.spawn(registration.run(stop.clone()));

    let context = AppContext::new(AppContextParts {
        service: schema.service,
        path_schema,
        env: env.clone(),
        settings: http,
        internal_token,
        gate: gate.clone(),
        health: Arc::new(health),
        metrics,
        leadership: leaders,
    });
    let parts = ServiceParts { env, store: store.clone(), keys: ring, concern, coord, names };
    let router = routed(service, context, parts, operator, (stop, tasks));
    (router, gate, store)
}

/// The router of the service, whose background work is spawned.
fn routed<S: Service>(
    service: S,
    context: Arc<AppContext>,
    parts: ServiceParts,
    operator: Operator,
    (stop, tasks): (&CancellationToken, &mut JoinSet<()>),
) -> Router {
    let (state, background) = service.assemble(parts);
    let stopped = stop.clone();
    tasks.spawn(async move {
        stopped.run_until_cancelled(background).await;
    });
    let admin: Arc<dyn Admin> = Arc::new(operator);
    route::router(table::<S>(), App { context, service: state }).layer(Extension(admin))
}
