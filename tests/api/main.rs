//! The HTTP API, by route: status, headers and body of every answer as snapshots.
//!
//! `every_route` and `every_mistake` bring the same states and mistakes to every row of the table
//! of configstore, `gateway_every_row` and `runs_every_row` to those of the gateway and of
//! runservice; `coverage` fails for a route, an error code or a kind that no snapshot shows.

mod audit;
mod bad_input;
mod boundary;
mod caches_world;
mod clients;
mod contract;
mod conventions;
mod coverage;
mod deletions;
mod encryption;
mod environment;
mod every_mistake;
mod every_route;
mod export;
mod faults;
mod formats;
mod forwarding;
mod gateway_bad_input;
mod gateway_boundary;
mod gateway_caches;
mod gateway_calls;
mod gateway_every_row;
mod gateway_failover;
mod gateway_objects;
mod gateway_operators;
mod gateway_passes_on;
mod gateway_permissions;
mod gateway_run_streams;
mod gateway_runs;
mod gateway_start;
mod gateway_stories;
mod gateway_withdrawn;
mod health;
mod idempotency;
mod import;
mod limits;
mod lineages;
mod linked_accounts;
mod lists;
mod maintenance;
mod members;
mod moves;
mod on_servers;
mod openapi;
mod orgs;
mod outages;
mod project_groups;
mod projects;
mod remote_sources;
mod runs_archives;
mod runs_archives_restored;
mod runs_bad_input;
mod runs_caches;
mod runs_caches_kept;
mod runs_events;
mod runs_every_row;
mod runs_liveness;
mod runs_logs;
mod runs_numbers;
mod runs_operations;
mod runs_polls;
mod runs_refusals;
mod runs_resume;
mod runs_state;
mod secrets;
mod tokens;
mod users;
mod variables;
#[cfg(test)]
mod versions;
