//! Runservice's types of objects.

use drydock_core::read_model::{ObjectType, Schema};
use serde::de::DeserializeOwned;

use crate::record::{
    Attempt, Cache, Executor, IdempotencyRecord, ResumeGate, Run, RunCounter, RunDefinition,
    RunEvent, Task,
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
pub const IDEMPOTENCY_KEYS: &str = "idempotency_keys";

pub static SCHEMA: Schema = Schema {
    service: "runservice",
    version: 1,
    types: &[
        ObjectType {
            name: EXECUTORS,
            table: super::attempts::EXECUTORS,
            check: parses::<Executor>,
            encrypted: none,
        },
        ObjectType {
            name: RUN_COUNTERS,
            table: super::runs::RUN_COUNTERS,
            check: parses::<RunCounter>,
            encrypted: none,
        },
        ObjectType {
            name: RUN_DEFINITIONS,
            table: super::runs::RUN_DEFINITIONS,
            check: parses::<RunDefinition>,
            encrypted: |text| {
                let definition: RunDefinition = serde_json::from_str(text).ok()?;
                serde_json::to_string(&definition.environment?).ok()
            },
        },
        ObjectType { name: RUNS, table: super::runs::RUNS, check: parses::<Run>, encrypted: none },
        ObjectType {
            name: TASKS,
            table: super::runs::TASKS,
            check: parses::<Task>,
            encrypted: none,
        },
        ObjectType {
            name: ATTEMPTS,
            table: super::attempts::ATTEMPTS,
            check: parses::<Attempt>,
            encrypted: none,
        },
        ObjectType {
            name: CACHES,
            table: super::attempts::CACHES,
            check: parses::<Cache>,
            encrypted: none,
        },
        ObjectType {
            name: RUN_EVENTS,
            table: super::runs::RUN_EVENTS,
            check: parses::<RunEvent>,
            encrypted: none,
        },
        ObjectType {
            name: GATES,
            table: super::runs::GATES,
            check: parses::<ResumeGate>,
            encrypted: none,
        },
        ObjectType {
            name: IDEMPOTENCY_KEYS,
            table: "CREATE TABLE idempotency_keys (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                created_ms INTEGER NOT NULL
                    GENERATED ALWAYS AS (data ->> '$.created_ms') STORED
            ) STRICT;
            CREATE INDEX idempotency_keys_created ON idempotency_keys (created_ms);",
            check: parses::<IdempotencyRecord>,
            encrypted: |text| {
                let record: IdempotencyRecord = serde_json::from_str(text).ok()?;
                serde_json::to_string(&record.sealed).ok()
            },
        },
    ],
    counters: Some(RUN_COUNTERS),
};

fn parses<T: DeserializeOwned>(text: &str) -> Result<(), String> {
    let parsed: Result<T, _> = serde_json::from_str(text);
    parsed.map(drop).map_err(|error| error.to_string())
}

fn none(_: &str) -> Option<String> {
    None
}
