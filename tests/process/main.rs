//! Several instances of the real binary on a real etcd and a real S3 server, under the workload and
//! the oracles of the simulator; and real executors with real steps.

#[cfg(test)]
mod deployment;
#[cfg(test)]
mod drill;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod loss;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod runs;
