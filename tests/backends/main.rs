//! The backends of a deployment over the wire: conformance, and what failures of servers mean.
//!
//! Everything runs against simulated servers on loopback. The suites also run against real ones,
//! where the environment names their programs: `DRYDOCK_TEST_ETCD` is `etcd`, `DRYDOCK_TEST_WEED`
//! is SeaweedFS's `weed`; `.ci/servers` installs both. Without them a line says what was left out;
//! where `CI` is set that is a failure.

mod credentials;
mod failover;
mod objects;
mod real;
mod s3;
mod secured;
mod simulated;
mod suite;
