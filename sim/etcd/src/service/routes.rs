//! All services of a member behind one router.

use etcd_client::proto::{
    PbClusterServer, PbKvServer, PbLeaseServer, PbMaintenanceServer, PbWatchServer,
};
use tonic::service::Routes;

use super::auth::AuthServer;
use super::election::ElectionServer;
use super::lock::LockServer;
use crate::node::Node;

/// Enough for every message that etcd would accept; the member itself refuses what etcd would not.
const MAX_MESSAGE_BYTES: usize = 64 << 20;

pub fn routes(node: &Node) -> Routes {
    let kv = PbKvServer::new(node.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES);
    Routes::new(kv)
        .add_service(PbWatchServer::new(node.clone()))
        .add_service(PbLeaseServer::new(node.clone()))
        .add_service(PbClusterServer::new(node.clone()))
        .add_service(PbMaintenanceServer::new(node.clone()))
        .add_service(AuthServer::new(node.clone()))
        .add_service(LockServer::new(node.clone()))
        .add_service(ElectionServer::new(node.clone()))
        .prepare()
}
