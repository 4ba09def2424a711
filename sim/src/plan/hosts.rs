//! Names and ports of the hosts of a run.

use super::{Fidelity, Plan};

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

/// The host of an instance, counted from 1.
pub fn instance_name(instance: usize) -> String {
    format!("configstore-{instance}")
}

/// The host of a gateway, counted from 1.
pub fn gateway_name(gateway: usize) -> String {
    format!("gateway-{gateway}")
}

/// The host of a client, counted from 1.
pub fn client_name(client: usize) -> String {
    format!("client-{client}")
}

/// Where every instance of configstore listens.
pub const PORT: u16 = 8001;
/// Where every gateway listens.
pub const GATEWAY_PORT: u16 = 8000;

impl Plan {
    /// Where every instance listens.
    pub fn addresses(&self) -> Vec<String> {
        let instances = 1..=self.topology.configstores;
        instances.map(|number| format!("{}:{PORT}", instance_name(number))).collect()
    }

    /// All hosts that may be named in a fault of the network.
    pub fn hosts(&self) -> Vec<String> {
        let instances = (1..=self.topology.configstores).map(instance_name);
        let clients = (1..=self.topology.clients).map(client_name);
        let members = (1..=self.topology.etcd_members).map(etcd_name);
        let storage = members.chain([S3_HOST.to_owned()]);
        let storage = storage.filter(|_| self.fidelity == Fidelity::Wire);
        let gateways = (1..=self.topology.gateways).map(gateway_name);
        let instances = instances.chain(gateways);
        instances.chain(clients).chain([OPERATOR.to_owned()]).chain(storage).collect()
    }
}
