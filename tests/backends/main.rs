//! The backends of a deployment over the wire: conformance, and what failures of servers mean.
//!
//! Everything runs against simulated servers on loopback. The suites also run against real ones:
//! `DRYDOCK_TEST_ETCD` names `etcd`, `DRYDOCK_TEST_WEED` names SeaweedFS's `weed`. Those tests are
//! ignored unless they are asked for, as `.ci/test` does.

mod complete;
mod credentials;
mod failover;
mod handshakes;
mod objects;
mod real;
mod s3;
mod secured;
mod simulated;
mod space;
mod suite;
