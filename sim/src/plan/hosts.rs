//! Names and ports of the hosts of a run.

use super::{Fidelity, Plan, Service};

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

/// The host of an instance of configstore, counted from 1.
pub fn instance_name(instance: usize) -> String {
    Service::Configstore.host(instance)
}

/// The host of a gateway, counted from 1.
pub fn gateway_name(gateway: usize) -> String {
    format!("gateway-{gateway}")
}

/// The host of a client, counted from 1.
pub fn client_name(client: usize) -> String {
    format!("client-{client}")
}

/// Where every gateway listens.
pub const GATEWAY_PORT: u16 = 8000;

impl Plan {
    /// Where every instance of configstore listens.
    pub fn addresses(&self) -> Vec<String> {
        let service = Service::Configstore;
        let instances = 1..=self.topology.instances(service);
        instances.map(|number| format!("{}:{}", service.host(number), service.port())).collect()
    }

    /// All hosts that may be named in a fault of the network.
    pub fn hosts(&self) -> Vec<String> {
        let instances = self.topology.instance_hosts();
        let clients = (1..=self.topology.clients).map(client_name);
        let members = (1..=self.topology.etcd_members).map(etcd_name);
        let storage = members.chain([S3_HOST.to_owned()]);
        let storage = storage.filter(|_| self.fidelity == Fidelity::Wire);
        let gateways = (1..=self.topology.gateways).map(gateway_name);
        let instances = instances.chain(gateways);
        instances.chain(clients).chain([OPERATOR.to_owned()]).chain(storage).collect()
    }
}
