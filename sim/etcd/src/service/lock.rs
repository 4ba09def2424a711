//! Locks: the oldest key below a name holds it.

use std::task::{Context, Poll};

use etcd_client::proto::{
    PbDeleteRequest, PbKvService as _, PbLockResponse, PbTxnOpResponse, PbTxnRequest,
    PbTxnResponse, PbUnlockResponse,
};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;
use tonic::{Request, Status};

use super::concurrency::{
    Place, Served, by_client, created_at, key_of, oldest, one_key, prefix_of, put_op, range_op,
    unknown_method,
};
use crate::error::{Error, Result};
use crate::node::Node;

#[derive(Clone)]
pub(super) struct LockServer {
    node: Node,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LockRequest {
    #[prost(bytes = "vec", tag = "1")]
    name: Vec<u8>,
    #[prost(int64, tag = "2")]
    lease: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct UnlockRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
}

impl LockServer {
    pub(super) fn new(node: Node) -> LockServer {
        LockServer { node }
    }
}

impl NamedService for LockServer {
    const NAME: &'static str = "v3lockpb.Lock";
}

impl Service<http::Request<Body>> for LockServer {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Served;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Served {
        match request.uri().path() {
            "/v3lockpb.Lock/Lock" => by_client(&self.node, request, lock),
            "/v3lockpb.Lock/Unlock" => by_client(&self.node, request, unlock),
            _ => unknown_method(),
        }
    }
}

async fn lock(node: Node, asked: LockRequest) -> Result<PbLockResponse, Status> {
    let lease = node.session(asked.lease).await?;
    let prefix = prefix_of(&asked.name);
    let key = key_of(&prefix, lease);
    let queued = PbTxnRequest {
        compare: vec![created_at(&key, 0)],
        success: vec![put_op(&key, b"", lease), range_op(oldest(&prefix))],
        failure: vec![range_op(one_key(&key)), range_op(oldest(&prefix))],
    };
    let queued = node.run_txn(&queued).await?;
    let place = Place::new(&node, &key);
    let revision = place_in_queue(&queued);
    let mut header = queued.header;
    if first_created(&queued, 1) != Some(revision) {
        node.await_deletes(&prefix, revision - 1).await?;
        let mine = node.read_range(&one_key(&key)).await?;
        if mine.kvs.is_empty() {
            return Err(Error::LockSessionExpired.into());
        }
        header = mine.header;
    }
    place.keep();
    Ok(node.headed(PbLockResponse { header, key }))
}

async fn unlock(node: Node, asked: UnlockRequest) -> Result<PbUnlockResponse, Status> {
    let delete = PbDeleteRequest { key: asked.key, ..Default::default() };
    let deleted = node.delete_range(Request::new(delete)).await?.into_inner();
    Ok(PbUnlockResponse { header: deleted.header })
}

/// The revision at which the caller's key was created: now, or before.
fn place_in_queue(queued: &PbTxnResponse) -> i64 {
    let now = queued.header.as_ref().map_or(0, |header| header.revision);
    if queued.succeeded { now } else { first_created(queued, 0).unwrap_or(now) }
}

/// When the key was created that an operation of a transaction read.
fn first_created(queued: &PbTxnResponse, op: usize) -> Option<i64> {
    match queued.responses.get(op)?.response.as_ref()? {
        PbTxnOpResponse::ResponseRange(range) => Some(range.kvs.first()?.create_revision),
        _ => None,
    }
}
