//! Runservice's implementation of the runtime's trait [`Service`].

use drydock_core::read_model::Schema;
use drydock_http::server::route::Route;
use drydock_runtime::{Service, ServiceParts};
use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use super::archives::{self, Archives};
use super::background::{Background, RunMetrics};
use super::caches::{self, Caches};
use super::following::follow_events;
use super::liveness::Liveness;
use super::logs::seal::Sealing;
use super::logs::{LogMetrics, Logs, Tails};
use super::periodic::repeat;
use super::routes::routes;
use super::schema::SCHEMA;
use super::settings::Settings;
use super::state::RunserviceState;
use super::uploads::Uploads;
use super::waiters::Waiters;

/// The parts of one instance that exist before its start.
#[derive(Default)]
pub struct Runservice {
    settings: Settings,
    metrics: RunMetrics,
    log_metrics: LogMetrics,
}

impl Runservice {
    pub fn new(settings: Settings) -> Runservice {
        Runservice { settings, ..Runservice::default() }
    }
}

impl Service for Runservice {
    type State = RunserviceState;

    fn schema() -> &'static Schema {
        &SCHEMA
    }

    fn routes() -> Vec<Route<RunserviceState>> {
        routes()
    }

    fn register(&mut self, registry: &mut Registry) {
        self.metrics.register(registry);
        self.log_metrics.register(registry);
    }

    fn assemble(self, parts: ServiceParts) -> (RunserviceState, BoxFuture<'static, ()>) {
        let ServiceParts { env, store, keys, coord, names, .. } = parts;
        let Runservice { settings, metrics, log_metrics } = self;
        let liveness = Liveness::new(env.clone(), coord, names, settings.executor_ttl);
        let background = Background {
            env: env.clone(),
            store: store.clone(),
            settings: settings.clone(),
            liveness: liveness.clone(),
            metrics,
        };
        let waiters = Waiters::default();
        let waking = waiters.clone().run(env.clone(), store.clone(), settings.pick.clone());
        let events = watch::Sender::new(None);
        let following = follow_events(events.clone(), store.clone());
        let uploads = Uploads::new(&store);
        let archives = Archives::new(env.clone(), &store, uploads.clone());
        let caches = Caches::new(env.clone(), &store, uploads);
        let logs = Logs::new(env, &store);
        let tails = Tails::new(logs.clone(), log_metrics.clone());
        let storing = tails.clone();
        let retention = settings.log_retention;
        let engine = settings.engine.clone();
        let tending =
            archives::tend::Tending::new(store.clone(), archives.clone(), engine, retention);
        let caring = caches::tend::Tending::new(store.clone(), caches.clone(), &settings);
        let kept = (logs.clone(), tails.clone());
        let sealing = Sealing::new(store.clone(), kept, log_metrics, retention);
        let sealing = repeat(store.clone(), sealing);
        let tending = repeat(store.clone(), tending);
        let caring = repeat(store.clone(), caring);
        let background = async {
            let keeping = async { tokio::join!(storing.run(), sealing, tending, caring) };
            tokio::join!(background.run(), waking, following, keeping);
        };
        let state = RunserviceState {
            store,
            keys,
            settings,
            liveness,
            events,
            waiters,
            archives,
            caches,
            logs,
            tails,
        };
        (state, Box::pin(background))
    }
}
