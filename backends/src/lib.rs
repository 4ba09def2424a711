//! The implementations of Drydock's seams in production.
//!
//! | module | seam | implementation |
//! |---|---|---|
//! | [`etcd`] | [`Coordination`](drydock_core::coord::Coordination) | an etcd cluster |
//! | [`embedded`] | [`Coordination`](drydock_core::coord::Coordination) | etcd's semantics in a file |
//! | [`objects`] | [`ObjectStore`](object_store::ObjectStore) | files with fsync, S3 |
//! | [`connect`] | | HTTP clients that dial through [`Net`](drydock_core::net::Net) |
//! | [`lock`] | | one process at a time |
//! | [`tcp`] | [`Net`](drydock_core::net::Net) | TCP |
//!
//! The guarantees of each:
//!
//! | | instances | survives | does not survive or allow |
//! |---|---|---|---|
//! | embedded, files | one process | kill −9, power loss | loss of the disk, a second process |
//! | etcd | any number, anywhere | loss of a minority of its members | |
//! | S3 | any number, anywhere | according to the bucket's provider | |
//!
//! Deliberately absent: all code of Drydock's domain.

pub mod connect;
pub mod embedded;
pub mod etcd;
pub mod lock;
pub mod objects;
pub mod tcp;
#[cfg(feature = "testing")]
pub mod testing;
