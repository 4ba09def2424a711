//! Leases.

use etcd_client::proto::{
    PbLeaseGrantRequest, PbLeaseGrantResponse, PbLeaseKeepAliveRequest, PbLeaseKeepAliveResponse,
    PbLeaseLeasesRequest, PbLeaseLeasesResponse, PbLeaseRevokeRequest, PbLeaseRevokeResponse,
    PbLeaseService, PbLeaseStatus, PbLeaseTimeToLiveRequest, PbLeaseTimeToLiveResponse,
};
use futures_util::StreamExt as _;
use tonic::{Request, Response, Status, Streaming};

use super::request::{Answers, wants_leader};
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::faults::Method;
use crate::node::{Consistency, Node};

#[tonic::async_trait]
impl PbLeaseService for Node {
    async fn lease_grant(
        &self,
        request: Request<PbLeaseGrantRequest>,
    ) -> Result<Response<PbLeaseGrantResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        let asked = request.into_inner();
        self.answer(self.grant(asked.id, asked.ttl).await)
    }

    async fn lease_revoke(
        &self,
        request: Request<PbLeaseRevokeRequest>,
    ) -> Result<Response<PbLeaseRevokeResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        let id = request.get_ref().id;
        let work = |cluster: &mut Cluster, _| cluster.revoke(id);
        let done = self.propose((Method::LeaseRevoke, b""), work).await;
        self.answer(done.map(|()| PbLeaseRevokeResponse::default()))
    }

    type LeaseKeepAliveStream = Answers<PbLeaseKeepAliveResponse>;

    async fn lease_keep_alive(
        &self,
        request: Request<Streaming<PbLeaseKeepAliveRequest>>,
    ) -> Result<Response<Self::LeaseKeepAliveStream>, Status> {
        let wants_leader = wants_leader(request.metadata());
        let state = (self.clone(), request.into_inner());
        let answers =
            futures_util::stream::try_unfold(state, move |(node, mut asked)| async move {
                let next = async { asked.message().await };
                let asked_now = match node.while_led(wants_leader, next).await? {
                    Some(asked_now) => asked_now,
                    None => return Ok(None),
                };
                let answer = node.keep_alive(asked_now.id).await?;
                Ok(Some((answer, (node, asked))))
            });
        Ok(Response::new(answers.boxed()))
    }

    async fn lease_time_to_live(
        &self,
        request: Request<PbLeaseTimeToLiveRequest>,
    ) -> Result<Response<PbLeaseTimeToLiveResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        let asked = request.into_inner();
        let work = |cluster: &Cluster, _, now| {
            let Some(lease) = cluster.machine().lease(asked.id) else {
                return Ok(PbLeaseTimeToLiveResponse {
                    id: asked.id,
                    ttl: -1,
                    ..Default::default()
                });
            };
            let keys = if asked.keys { lease.keys.iter().cloned().collect() } else { Vec::new() };
            Ok(PbLeaseTimeToLiveResponse {
                header: None,
                id: asked.id,
                ttl: lease.remaining(now).as_secs() as i64,
                granted_ttl: lease.ttl,
                keys,
            })
        };
        let call = (Method::LeaseTimeToLive, &b""[..]);
        self.answer(self.query(call, Consistency::Linearizable, work).await)
    }

    async fn lease_leases(
        &self,
        request: Request<PbLeaseLeasesRequest>,
    ) -> Result<Response<PbLeaseLeasesResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        let work = |cluster: &Cluster, _, _| {
            let leases = cluster.machine().lease_ids().into_iter();
            let leases = leases.map(|id| PbLeaseStatus { id }).collect();
            Ok(PbLeaseLeasesResponse { header: None, leases })
        };
        let call = (Method::LeaseLeases, &b""[..]);
        self.answer(self.query(call, Consistency::Serializable, work).await)
    }
}

impl Node {
    pub(super) async fn grant(&self, id: i64, ttl: i64) -> Result<PbLeaseGrantResponse> {
        let work = |cluster: &mut Cluster, now| cluster.grant(id, ttl, now);
        let (id, ttl) = self.propose((Method::LeaseGrant, b""), work).await?;
        Ok(PbLeaseGrantResponse { id, ttl, ..Default::default() })
    }

    pub(super) async fn keep_alive(&self, id: i64) -> Result<PbLeaseKeepAliveResponse> {
        // Taken before the lease is renewed, as in etcd: never ahead of what the client may read.
        let header = Some(self.header(0));
        let renewed = async {
            self.await_leader().await?;
            self.etcd.change(|cluster, now| cluster.renew(id, now))
        };
        let ttl = match self.with_faults(Method::LeaseKeepAlive, b"", renewed).await {
            Err(Error::LeaseNotFound) => 0,
            renewed => renewed?,
        };
        Ok(PbLeaseKeepAliveResponse { header, id, ttl })
    }

    /// Waits for something of a stream, which ends without a leader if its client asked for one.
    pub(super) async fn while_led<T>(
        &self,
        wants_leader: bool,
        next: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        if !wants_leader {
            return next.await;
        }
        let poll = self.etcd.look(|cluster, _| cluster.config().election_timeout);
        let leaderless = async {
            while !self.etcd.look(|cluster, now| cluster.long_without_leader(self.member, now)) {
                tokio::time::sleep(poll).await;
            }
        };
        tokio::select! {
            biased;
            next = next => next,
            () = leaderless => Err(Error::NoLeader.into()),
        }
    }
}
