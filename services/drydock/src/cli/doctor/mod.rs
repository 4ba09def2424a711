//! `drydock check`: connects to the stores that the configuration names, and reports findings.
//!
//! | module | holds |
//! |---|---|
//! | `coordination` | the checks of etcd, or the embedded store |
//! | `objects` | the checks of S3, or files |
//! | `report` | findings, and how they are shown |
//! | `versions` | the versions of the schemas |
//!
//! The checks write a few keys and objects of their own below the cluster's name, and delete them
//! again. The exit code is 1 if a finding is `missing` or `unsafe`.

mod coordination;
mod objects;
mod report;
mod versions;

pub use report::run;
