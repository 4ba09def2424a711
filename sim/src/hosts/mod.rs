//! Servers that the product's clients talk to, simulated. None of them knows Drydock.

pub mod etcd;
pub mod s3;
