//! Elections: the oldest key below a name belongs to the leader.

use std::task::{Context, Poll};

use etcd_client::proto::{
    PbCampaignResponse, PbKeyValue, PbLeaderKey, PbLeaderResponse, PbProclaimResponse,
    PbResignResponse, PbTxnOpResponse, PbTxnRequest, PbTxnResponse,
};
use futures_util::StreamExt as _;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::concurrency::{
    Place, Served, by_client, created_at, delete_op, key_of, one_key, prefix_of, put_op, range_op,
    unknown_method,
};
use super::request::Answers;
use crate::error::{Error, Result};
use crate::node::Node;

#[derive(Clone)]
pub(super) struct ElectionServer {
    node: Node,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CampaignRequest {
    #[prost(bytes = "vec", tag = "1")]
    name: Vec<u8>,
    #[prost(int64, tag = "2")]
    lease: i64,
    #[prost(bytes = "vec", tag = "3")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProclaimRequest {
    #[prost(message, optional, tag = "1")]
    leader: Option<PbLeaderKey>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LeaderRequest {
    #[prost(bytes = "vec", tag = "1")]
    name: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResignRequest {
    #[prost(message, optional, tag = "1")]
    leader: Option<PbLeaderKey>,
}

impl ElectionServer {
    pub(super) fn new(node: Node) -> ElectionServer {
        ElectionServer { node }
    }
}

impl NamedService for ElectionServer {
    const NAME: &'static str = "v3electionpb.Election";
}

impl Service<http::Request<Body>> for ElectionServer {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Served;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Served {
        match request.uri().path() {
            "/v3electionpb.Election/Campaign" => by_client(&self.node, request, campaign),
            "/v3electionpb.Election/Proclaim" => by_client(&self.node, request, proclaim),
            "/v3electionpb.Election/Leader" => by_client(&self.node, request, leader),
            "/v3electionpb.Election/Resign" => by_client(&self.node, request, resign),
            "/v3electionpb.Election/Observe" => observe(&self.node, request),
            _ => unknown_method(),
        }
    }
}

async fn campaign(node: Node, asked: CampaignRequest) -> Result<PbCampaignResponse, Status> {
    let lease = node.session(asked.lease).await?;
    let prefix = prefix_of(&asked.name);
    let key = key_of(&prefix, lease);
    let queued = PbTxnRequest {
        compare: vec![created_at(&key, 0)],
        success: vec![put_op(&key, &asked.value, lease)],
        failure: vec![range_op(one_key(&key))],
    };
    let queued = node.run_txn(&queued).await?;
    let place = Place::new(&node, &key);
    let mut revision = queued.header.as_ref().map_or(0, |header| header.revision);
    if let Some(mine) = mine_already(&queued) {
        revision = mine.create_revision;
        if mine.value != asked.value {
            put_if_mine(&node, &key, revision, &asked.value, lease).await?;
        }
    }
    node.await_deletes(&prefix, revision - 1).await?;
    place.keep();
    let leader = Some(PbLeaderKey { name: asked.name, key, rev: revision, lease });
    Ok(node.headed(PbCampaignResponse { header: queued.header, leader }))
}

async fn proclaim(node: Node, asked: ProclaimRequest) -> Result<PbProclaimResponse, Status> {
    let leader = asked.leader.ok_or(Error::ElectionLeaderMissing)?;
    let lease = node.session(leader.lease).await?;
    let done = put_if_mine(&node, &leader.key, leader.rev, &asked.value, lease).await?;
    Ok(node.headed(PbProclaimResponse { header: done.header }))
}

async fn leader(node: Node, asked: LeaderRequest) -> Result<PbLeaderResponse, Status> {
    let mut found = node.owner(&prefix_of(&asked.name)).await?;
    let kv = found.kvs.pop().ok_or(Error::ElectionNoLeader)?;
    Ok(node.headed(PbLeaderResponse { header: found.header, kv: Some(kv) }))
}

async fn resign(node: Node, asked: ResignRequest) -> Result<PbResignResponse, Status> {
    let leader = asked.leader.ok_or(Error::ElectionLeaderMissing)?;
    let resigned = PbTxnRequest {
        compare: vec![created_at(&leader.key, leader.rev)],
        success: vec![delete_op(&leader.key)],
        failure: Vec::new(),
    };
    let done = node.run_txn(&resigned).await?;
    Ok(node.headed(PbResignResponse { header: done.header }))
}

fn observe(node: &Node, request: http::Request<Body>) -> Served {
    let node = node.clone();
    Box::pin(async move {
        let handler = tower::service_fn(move |request: Request<LeaderRequest>| {
            let prefix = prefix_of(&request.into_inner().name);
            let state = (node.clone(), prefix, None);
            let answers = futures_util::stream::try_unfold(state, |(node, prefix, seen)| async {
                let next = next_leader(&node, &prefix, seen).await?;
                let seen = next.kv.clone();
                Ok(Some((next, (node, prefix, seen))))
            });
            let answers: Answers<PbLeaderResponse> = answers.boxed();
            async move { Ok::<_, Status>(Response::new(answers)) }
        });
        let codec = ProstCodec::<PbLeaderResponse, LeaderRequest>::default();
        Ok(Grpc::new(codec).server_streaming(handler, request).await)
    })
}

/// Waits for a leader, or a value of the leader, that was not seen last.
async fn next_leader(
    node: &Node,
    prefix: &[u8],
    seen: Option<PbKeyValue>,
) -> Result<PbLeaderResponse, Status> {
    loop {
        let changed = node.etcd.changed();
        let found = node.owner(prefix).await?;
        let kv = found.kvs.into_iter().next();
        if kv.is_some() && kv != seen {
            return Ok(node.headed(PbLeaderResponse { header: found.header, kv }));
        }
        changed.await;
    }
}

/// The caller's key, if it stood there before.
fn mine_already(queued: &PbTxnResponse) -> Option<&PbKeyValue> {
    match queued.responses.first()?.response.as_ref()? {
        PbTxnOpResponse::ResponseRange(range) => range.kvs.first(),
        _ => None,
    }
}

async fn put_if_mine(
    node: &Node,
    key: &[u8],
    revision: i64,
    value: &[u8],
    lease: i64,
) -> Result<PbTxnResponse> {
    let put = PbTxnRequest {
        compare: vec![created_at(key, revision)],
        success: vec![put_op(key, value, lease)],
        failure: Vec::new(),
    };
    let done = node.run_txn(&put).await?;
    if done.succeeded { Ok(done) } else { Err(Error::ElectionNotLeader) }
}
