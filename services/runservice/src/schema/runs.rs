//! The tables of runs, their definitions, their tasks and their events.

pub const RUN_COUNTERS: &str = "CREATE TABLE run_counters (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    number INTEGER NOT NULL GENERATED ALWAYS AS (data ->> '$.number') STORED CHECK (number > 0)
) STRICT;";

pub const RUN_DEFINITIONS: &str = "CREATE TABLE run_definitions (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL
) STRICT;";

/// A number is there once in its project, one run of a group is running, and every run that can be
/// run has its definition.
pub const RUNS: &str = "CREATE TABLE runs (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    project TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.project') STORED
        REFERENCES run_counters (id),
    number INTEGER NOT NULL GENERATED ALWAYS AS (data ->> '$.number') STORED,
    place INTEGER NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.place') STORED,
    run_group TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.group') STORED,
    phase TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.phase') STORED
        CHECK (phase IN ('setup_error', 'queued', 'cancelled', 'running', 'finished')),
    result TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.result') STORED
        CHECK (result IN ('unknown', 'stopped', 'success', 'failed')),
    definition TEXT GENERATED ALWAYS AS (data ->> '$.definition') STORED
        REFERENCES run_definitions (id),
    held_until TEXT GENERATED ALWAYS AS (data ->> '$.group_held_until') STORED,
    UNIQUE (project, number),
    CHECK ((phase = 'setup_error') = (definition IS NULL)),
    CHECK (definition IS NULL OR definition = id),
    CHECK ((phase = 'finished') <= (result <> 'unknown'))
) STRICT;
CREATE UNIQUE INDEX runs_running ON runs (run_group) WHERE phase = 'running';
CREATE INDEX runs_queued ON runs (run_group, place) WHERE phase = 'queued';
CREATE INDEX runs_queued_of_project ON runs (project) WHERE phase = 'queued';
CREATE INDEX runs_group ON runs (run_group, place);
CREATE INDEX runs_held ON runs (run_group, held_until) WHERE held_until IS NOT NULL;
CREATE INDEX runs_project ON runs (project, place);";

/// A task is there once in its run, and is ready only before it starts.
pub const TASKS: &str = "CREATE TABLE tasks (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    run TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.run') STORED REFERENCES runs (id),
    name TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.name') STORED,
    status TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.status') STORED
        CHECK (status IN ('not_started', 'skipped', 'cancelled', 'running', 'stopping', 'stopped',
            'success', 'failed')),
    ready_at TEXT GENERATED ALWAYS AS (data ->> '$.ready_at') STORED,
    kept_attempt TEXT GENERATED ALWAYS AS (data ->> '$.kept.attempt') STORED,
    UNIQUE (run, name),
    CHECK (ready_at IS NULL OR status = 'not_started')
) STRICT;
CREATE INDEX tasks_kept ON tasks (kept_attempt) WHERE kept_attempt IS NOT NULL;
CREATE INDEX tasks_ready ON tasks (run) WHERE ready_at IS NOT NULL;";

pub const RUN_EVENTS: &str = "CREATE TABLE run_events (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    seq INTEGER NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.seq') STORED,
    project TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.project') STORED
) STRICT;
CREATE INDEX run_events_project ON run_events (project, seq);";

/// There is one gate at most.
pub const GATES: &str = "CREATE TABLE gates (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    one INTEGER NOT NULL UNIQUE GENERATED ALWAYS AS (1) STORED
) STRICT;";
