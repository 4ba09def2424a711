//! What Drydock's seams are in production.
//!
//! | module | seam | what it is |
//! |---|---|---|
//! | [`etcd`] | [`Coordination`](drydock_core::coord::Coordination) | an etcd cluster |
//! | [`embedded`] | [`Coordination`](drydock_core::coord::Coordination) | etcd's semantics in a file |
//! | [`objects`] | [`ObjectStore`](object_store::ObjectStore) | files with fsync, S3 |
//! | [`connect`] | | HTTP clients that dial through [`Net`](drydock_core::net::Net) |
//! | [`lock`] | | one process at a time |
//! | [`tcp`] | [`Net`](drydock_core::net::Net) | TCP |
//!
//! What each is good for:
//!
//! | | instances | survives | not for |
//! |---|---|---|---|
//! | embedded, files | one process | kill −9, power loss | losing the disk, a second process |
//! | etcd | any number, anywhere | what a majority of its members survives | |
//! | S3 | any number, anywhere | what the bucket's provider promises | |
//!
//! Deliberately absent: everything of Drydock's domain.

pub mod connect;
pub mod embedded;
pub mod etcd;
pub mod lock;
pub mod objects;
pub mod tcp;
#[cfg(feature = "testing")]
pub mod testing;
