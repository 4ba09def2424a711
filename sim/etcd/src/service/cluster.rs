//! The members, which never change.

use etcd_client::proto::{
    PbClusterService, PbMemberAddRequest, PbMemberAddResponse, PbMemberListRequest,
    PbMemberListResponse, PbMemberPromoteRequest, PbMemberPromoteResponse, PbMemberRemoveRequest,
    PbMemberRemoveResponse, PbMemberUpdateRequest, PbMemberUpdateResponse,
};
use tonic::{Request, Response, Status};

use super::request::absent;
use crate::cluster::Cluster;
use crate::faults::Method;
use crate::node::{Consistency, Node};

const CHANGES: &str = "changes of the membership";

#[tonic::async_trait]
impl PbClusterService for Node {
    async fn member_list(
        &self,
        request: Request<PbMemberListRequest>,
    ) -> Result<Response<PbMemberListResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        let consistency = match request.get_ref().linearizable {
            true => Consistency::Linearizable,
            false => Consistency::Serializable,
        };
        // As in etcd a header without a revision: the members are no keys.
        let work = |cluster: &Cluster, _, _| {
            let header = Some(cluster.header(self.member, 0));
            Ok(PbMemberListResponse { header, members: cluster.member_list() })
        };
        let call = (Method::Cluster, &b""[..]);
        Ok(Response::new(self.query(call, consistency, work).await?))
    }

    async fn member_add(
        &self,
        _: Request<PbMemberAddRequest>,
    ) -> Result<Response<PbMemberAddResponse>, Status> {
        absent(CHANGES)
    }

    async fn member_remove(
        &self,
        _: Request<PbMemberRemoveRequest>,
    ) -> Result<Response<PbMemberRemoveResponse>, Status> {
        absent(CHANGES)
    }

    async fn member_update(
        &self,
        _: Request<PbMemberUpdateRequest>,
    ) -> Result<Response<PbMemberUpdateResponse>, Status> {
        absent(CHANGES)
    }

    async fn member_promote(
        &self,
        _: Request<PbMemberPromoteRequest>,
    ) -> Result<Response<PbMemberPromoteResponse>, Status> {
        absent(CHANGES)
    }
}
