//! The HTTP API, by route: status, headers and body of every answer as snapshots.
//!
//! `every_route` sends the same mistakes and states to every row of the route table; `coverage`
//! fails for a route, an error code or a kind that no snapshot shows.

mod bad_input;
mod boundary;
mod coverage;
mod encryption;
mod environment;
mod every_route;
mod export;
mod faults;
mod gateway_boundary;
mod gateway_objects;
mod gateway_permissions;
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
mod project_groups;
mod projects;
mod remote_sources;
mod secrets;
mod tokens;
mod users;
mod variables;
