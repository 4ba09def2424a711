//! The simulated servers as hosts of the simulated world.

mod etcd;
mod s3;
