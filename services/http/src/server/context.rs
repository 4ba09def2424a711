//! What every route of one instance shares.

use std::sync::Arc;

use drydock_core::env::Env;
use prometheus_client::registry::Registry;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::gate::{Gate, GateState};
use super::guard::is_token;
use super::metrics::HttpMetrics;
use super::permits::Slots;
use super::settings::HttpSettings;
use crate::api::openapi::PathSchema;

/// The state of a router: what all services share, and the service's own.
#[derive(Clone)]
pub struct App<S> {
    pub shell: Arc<Shell>,
    pub service: S,
}

/// What the health routes ask the runtime.
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

/// What `/readyz?verbose` says besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Details {
    /// The newest commit in the read model; absent before the first load.
    pub position: Option<u64>,
    /// The load under way: objects of the checkpoint, then positions of the log.
    pub load: Option<LoadProgress>,
    /// Whether the coordination store has answered within a lease's time to live.
    pub heard: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadProgress {
    pub done: u64,
    pub total: u64,
}

pub struct Shell {
    pub service: &'static str,
    /// What parts of paths are, for the API document.
    pub path_schema: PathSchema,
    pub env: Env,
    pub settings: HttpSettings,
    pub gate: Gate,
    pub health: Arc<dyn Health>,
    pub(crate) metrics: HttpMetrics,
    pub(crate) slots: Slots,
    internal_token: SecretString,
}

/// The parts that a runtime brings for [`Shell::new`].
pub struct ShellParts {
    pub service: &'static str,
    pub path_schema: PathSchema,
    pub env: Env,
    pub settings: HttpSettings,
    pub internal_token: SecretString,
    pub gate: Gate,
    pub health: Arc<dyn Health>,
    pub metrics: HttpMetrics,
}

impl Shell {
    pub fn new(parts: ShellParts) -> Arc<Shell> {
        Arc::new(Shell {
            service: parts.service,
            path_schema: parts.path_schema,
            slots: Slots::new(parts.settings.max_concurrent_requests),
            env: parts.env,
            settings: parts.settings,
            gate: parts.gate,
            health: parts.health,
            metrics: parts.metrics,
            internal_token: parts.internal_token,
        })
    }

    pub(crate) fn is_internal_token(&self, given: &str) -> bool {
        is_token(&self.internal_token, given)
    }
}
