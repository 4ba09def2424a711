//! The context of one instance, which all of its routes share.

use std::sync::Arc;

use drydock_core::env::Env;
use prometheus_client::registry::Registry;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::forward::Leadership;
use super::gate::{Gate, GateState};
use super::guard::is_token;
use super::metrics::HttpMetrics;
use super::permits::ConcurrencyLimit;
use super::settings::HttpSettings;
use crate::api::openapi::PathSchema;

/// The state of a router: the context that every service has, and the service's own state.
#[derive(Clone)]
pub struct App<S> {
    pub context: Arc<AppContext>,
    pub service: S,
}

/// The health of an instance, which the runtime knows and the health routes answer.
pub trait Health: Send + Sync + 'static {
    fn readiness(&self) -> Readiness;

    fn details(&self) -> Details;

    /// The metrics of this instance, [`HttpMetrics`] among them.
    fn registry(&self) -> &Registry;
}

/// The body of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// Whether this instance does its work: serving, or keeping still in maintenance.
    pub ready: bool,
    pub state: GateState,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// The fields that `/readyz?verbose` answers besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Details {
    /// The newest commit in the read model; absent before the first load.
    pub position: Option<u64>,
    /// The load under way: objects of the checkpoint, then positions of the log.
    pub load: Option<LoadProgress>,
    /// Whether the coordination store has answered within a lease's time to live.
    pub connected: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadProgress {
    pub done: u64,
    pub total: u64,
}

/// Everything but the service's own state that routes need.
pub struct AppContext {
    pub service: &'static str,
    /// The schemas of path parameters, for the API document.
    pub path_schema: PathSchema,
    pub env: Env,
    pub settings: HttpSettings,
    pub gate: Gate,
    pub health: Arc<dyn Health>,
    pub(crate) metrics: HttpMetrics,
    pub(crate) concurrency: ConcurrencyLimit,
    internal_token: SecretString,
    pub(crate) leadership: Option<Arc<dyn Leadership>>,
}

/// The parts of which a runtime makes an [`AppContext`].
pub struct AppContextParts {
    pub service: &'static str,
    pub path_schema: PathSchema,
    pub env: Env,
    pub settings: HttpSettings,
    pub internal_token: SecretString,
    pub gate: Gate,
    pub health: Arc<dyn Health>,
    pub metrics: HttpMetrics,
    /// `None`: no request is forwarded.
    pub leadership: Option<Arc<dyn Leadership>>,
}

impl AppContext {
    pub fn new(parts: AppContextParts) -> Arc<AppContext> {
        Arc::new(AppContext {
            service: parts.service,
            path_schema: parts.path_schema,
            concurrency: ConcurrencyLimit::new(parts.settings.max_concurrent_requests),
            env: parts.env,
            settings: parts.settings,
            gate: parts.gate,
            health: parts.health,
            metrics: parts.metrics,
            internal_token: parts.internal_token,
            leadership: parts.leadership,
        })
    }

    pub(crate) fn is_internal_token(&self, given: &str) -> bool {
        is_token(&self.internal_token, given)
    }
}
