//! Runservice's types of objects.

use drydock_core::read_model::{
    Leftovers, ObjectType, Schema, SchemaStep, TypeStep, not_encrypted, parses,
};
use drydock_runtime::once::{IDEMPOTENCY_KEYS, NUMBERED_ANSWERS};

use super::blobs::BLOBS;
use crate::record::{
    Attempt, Cache, Executor, ResumeGate, Run, RunCounter, RunDefinition, RunEvent, Task,
};

pub const EXECUTORS: &str = "executors";
pub const RUN_COUNTERS: &str = "run_counters";
pub const RUN_DEFINITIONS: &str = "run_definitions";
pub const RUNS: &str = "runs";
pub const TASKS: &str = "tasks";
pub const ATTEMPTS: &str = "attempts";
pub const CACHES: &str = "caches";
pub const RUN_EVENTS: &str = "run_events";
pub const GATES: &str = "gates";

/// Logs expire since version 2.
const EXPIRING_LOGS: TypeStep = TypeStep {
    name: ATTEMPTS,
    up: |_| Ok(()),
    down: |attempt| match attempt.get("log_state").is_some_and(|state| state == "expired") {
        true => Err("version 1 has no logs that expire".to_owned()),
        false => Ok(()),
    },
};

/// The version since which runs know caches.
pub const CACHES_SINCE: u32 = 3;

/// Runs without caches are the same in version 2.
const RUNS_WITH_CACHES: TypeStep = TypeStep {
    name: RUNS,
    up: |_| Ok(()),
    down: |run| match run.contains_key("cache") {
        true => Err("version 2 has no runs with caches".to_owned()),
        false => Ok(()),
    },
};

/// The version since which attempts know the lineage in which they were claimed.
pub const LINEAGES_SINCE: u32 = 4;

/// Attempts that do not know it are the same in version 3.
const ATTEMPTS_WITH_LINEAGES: TypeStep = TypeStep {
    name: ATTEMPTS,
    up: |_| Ok(()),
    down: |attempt| match attempt.contains_key("lineage") {
        true => Err("version 3 has no attempts with lineages".to_owned()),
        false => Ok(()),
    },
};

pub static SCHEMA: Schema = Schema {
    service: "runservice",
    version: LINEAGES_SINCE,
    steps: &[
        SchemaStep { version: 2, types: &[EXPIRING_LOGS, NUMBERED_ANSWERS] },
        SchemaStep { version: CACHES_SINCE, types: &[RUNS_WITH_CACHES] },
        SchemaStep { version: LINEAGES_SINCE, types: &[ATTEMPTS_WITH_LINEAGES] },
    ],
    types: &[
        ObjectType {
            name: EXECUTORS,
            since: 1,
            table: super::attempts::EXECUTORS,
            check: parses::<Executor>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: RUN_COUNTERS,
            since: 1,
            table: super::runs::RUN_COUNTERS,
            check: parses::<RunCounter>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: RUN_DEFINITIONS,
            since: 1,
            table: super::runs::RUN_DEFINITIONS,
            check: parses::<RunDefinition>,
            encrypted: |text| {
                let definition: RunDefinition = serde_json::from_str(text).ok()?;
                serde_json::to_string(&definition.environment?).ok()
            },
        },
        ObjectType {
            name: RUNS,
            since: 1,
            table: super::runs::RUNS,
            check: parses::<Run>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: TASKS,
            since: 1,
            table: super::runs::TASKS,
            check: parses::<Task>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: ATTEMPTS,
            since: 1,
            table: super::attempts::ATTEMPTS,
            check: parses::<Attempt>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: CACHES,
            since: 1,
            table: super::attempts::CACHES,
            check: parses::<Cache>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: RUN_EVENTS,
            since: 1,
            table: super::runs::RUN_EVENTS,
            check: parses::<RunEvent>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: GATES,
            since: 1,
            table: super::runs::GATES,
            check: parses::<ResumeGate>,
            encrypted: not_encrypted,
        },
        IDEMPOTENCY_KEYS,
    ],
    leftovers: Leftovers::NONE,
    counters: Some(RUN_COUNTERS),
    blobs: BLOBS,
};
