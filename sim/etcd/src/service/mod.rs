//! The gRPC services of one member.

mod auth;
mod cluster;
mod concurrency;
mod election;
mod kv;
mod lease;
mod lock;
mod maintenance;
mod request;
mod routes;
mod watch;

pub(super) use routes::routes;
