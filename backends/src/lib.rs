//! What Drydock's seams are in production.
//!
//! | module | seam | what it is |
//! |---|---|---|
//! | [`embedded`] | [`Coordination`](drydock_core::coord::Coordination) | etcd's semantics in one
//! process, durable in one file |
//! | [`objects`] | [`ObjectStore`](object_store::ObjectStore) | files with fsync |
//! | [`tcp`] | [`Net`](drydock_core::net::Net) | TCP |
//!
//! What each is good for:
//!
//! | | instances | survives | not for |
//! |---|---|---|---|
//! | embedded, files | one process on one machine | kill −9, power loss | losing the disk, a second
//! process |
//!
//! Deliberately absent: etcd and S3, which share these seams, and everything of Drydock's domain.

pub mod embedded;
pub mod objects;
pub mod tcp;
