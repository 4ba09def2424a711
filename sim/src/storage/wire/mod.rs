//! Storage as simulated servers on hosts of their own, reached by the clients that are deployed.

mod etcd;
mod etcd_faults;
mod s3;
mod s3_faults;

pub use etcd::EtcdHosts;
pub use etcd_faults::EtcdFaults;
pub use s3::S3Host;
pub use s3_faults::S3Faults;
