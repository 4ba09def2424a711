//! Names and ports of the hosts of a run.

pub const OPERATOR: &str = "operator";

/// The host of the object store.
pub const S3_HOST: &str = "s3";
pub const S3_PORT: u16 = 9000;
pub const ETCD_PORT: u16 = 2379;

/// The host of a member of etcd, counted from 1.
pub fn etcd_name(member: usize) -> String {
    format!("{ETCD}{member}")
}

pub fn is_etcd(host: &str) -> bool {
    host.starts_with(ETCD)
}

const ETCD: &str = "etcd-";

/// The host of a peer as listeners name it.
pub fn host_of(peer: &str) -> &str {
    peer.rsplit_once(':').map_or(peer, |(host, _)| host)
}

/// The host of a gateway, counted from 1.
pub fn gateway_name(gateway: usize) -> String {
    format!("gateway-{gateway}")
}

/// The host of an executor, counted from 1.
pub fn executor_name(executor: usize) -> String {
    format!("{EXECUTOR}{executor}")
}

pub fn is_executor(host: &str) -> bool {
    host.starts_with(EXECUTOR)
}

const EXECUTOR: &str = "executor-";

/// The machine on which an executor's steps run. It outlives the executor's process.
pub fn machine_name(executor: usize) -> String {
    format!("machine-{executor}")
}

/// The host of somebody who makes runs, counted from 1.
pub fn pusher_name(pusher: usize) -> String {
    format!("pusher-{pusher}")
}

/// The host of a client, counted from 1.
pub fn client_name(client: usize) -> String {
    format!("client-{client}")
}

/// Where every gateway listens.
pub const GATEWAY_PORT: u16 = 8000;
