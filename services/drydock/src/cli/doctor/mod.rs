//! `drydock check`: connects to everything that the configuration names, and says what it finds.
//!
//! | module | looks at |
//! |---|---|
//! | `coordination` | etcd, or the embedded store |
//! | `objects` | S3, or files |
//! | `report` | what a finding is, and how it is shown |
//!
//! It writes a few keys and objects of its own below the cluster's name, and takes them away again.
//! Exit code 1 if anything is missing or unsafe.

mod coordination;
mod objects;
mod report;

pub use report::run;
