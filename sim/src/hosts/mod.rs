//! Servers that the product's clients talk to, simulated. None of them knows Drydock.

pub mod s3;
