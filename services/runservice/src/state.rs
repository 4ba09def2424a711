//! The state of runservice's handlers.

use drydock_core::store::Store;
use drydock_http::server::context;
use drydock_runtime::encryption::KeyRing;

use tokio::sync::watch;

use crate::Settings;
use crate::action::cursor::EventCursor;
use crate::archives::Archives;
use crate::caches::Caches;
use crate::liveness::Liveness;
use crate::logs::{Logs, Tails};
use crate::waiters::Waiters;

#[derive(Clone)]
pub struct RunserviceState {
    pub store: Store,
    pub keys: KeyRing,
    pub settings: Settings,
    pub liveness: Liveness,
    /// The newest event of this instance's read model, while somebody follows it.
    pub events: watch::Sender<Option<EventCursor>>,
    /// The claims that wait at this instance.
    pub waiters: Waiters,
    pub archives: Archives,
    pub caches: Caches,
    pub logs: Logs,
    /// The newest bytes of the logs that are sent to this instance.
    pub tails: Tails,
}

pub(super) type App = context::App<RunserviceState>;
