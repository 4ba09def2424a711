//! The tables of executors, attempts and caches.

pub const EXECUTORS: &str = "CREATE TABLE executors (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    name TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.name') STORED,
    token_hash TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.token_hash') STORED
) STRICT;";

/// A task has one attempt that is not final at most, a claim yields one attempt at most, and an
/// attempt that is not final has an executor that exists.
pub const ATTEMPTS: &str = "CREATE TABLE attempts (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    project TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.project') STORED,
    run TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.run') STORED REFERENCES runs (id),
    task TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.task') STORED REFERENCES tasks (id),
    number INTEGER NOT NULL GENERATED ALWAYS AS (data ->> '$.number') STORED,
    place INTEGER NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.place') STORED,
    claim TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.claim') STORED,
    phase TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.phase') STORED
        CHECK (phase IN ('running', 'stopping', 'stopped', 'success', 'failed')),
    pool TEXT GENERATED ALWAYS AS (data ->> '$.pool') STORED,
    live_on TEXT GENERATED ALWAYS AS (
        CASE WHEN data ->> '$.phase' IN ('running', 'stopping') THEN data ->> '$.executor' END
    ) STORED REFERENCES executors (id),
    unsealed INTEGER GENERATED ALWAYS AS (
        CASE WHEN data ->> '$.phase' NOT IN ('running', 'stopping')
            AND data ->> '$.log_state' = 'live' THEN 1 END
    ) STORED,
    log_ended TEXT GENERATED ALWAYS AS (
        CASE WHEN data ->> '$.log_state' IN ('complete', 'incomplete')
            THEN data ->> '$.ended_at' END
    ) STORED,
    archive_ended TEXT GENERATED ALWAYS AS (
        CASE WHEN data ->> '$.archives' IS NOT NULL THEN data ->> '$.ended_at' END
    ) STORED,
    UNIQUE (task, number)
) STRICT;
CREATE UNIQUE INDEX attempts_live ON attempts (task) WHERE live_on IS NOT NULL;
CREATE INDEX attempts_executor ON attempts (live_on) WHERE live_on IS NOT NULL;
CREATE INDEX attempts_unsealed ON attempts (place) WHERE unsealed IS NOT NULL;
CREATE INDEX attempts_logs ON attempts (log_ended, id) WHERE log_ended IS NOT NULL;
CREATE INDEX attempts_archives ON attempts (archive_ended, id) WHERE archive_ended IS NOT NULL;
CREATE INDEX attempts_run ON attempts (run);
CREATE INDEX attempts_project ON attempts (project, place);";

pub const CACHES: &str = "CREATE TABLE caches (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    project TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.project') STORED,
    scope TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.scope') STORED,
    key TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.key') STORED,
    place INTEGER NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.place') STORED,
    object TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.object') STORED,
    size INTEGER NOT NULL GENERATED ALWAYS AS (data ->> '$.size') STORED,
    last_used TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.last_used_at') STORED,
    UNIQUE (project, scope, key)
) STRICT;
CREATE INDEX caches_object ON caches (object);
CREATE INDEX caches_used ON caches (last_used, id);
CREATE INDEX caches_project ON caches (project, last_used, size);";
