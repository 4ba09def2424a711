//! Keys and values.

use etcd_client::AlarmType;
use etcd_client::proto::{
    PbCompactionRequest, PbCompactionResponse, PbDeleteRequest, PbDeleteResponse, PbKvService,
    PbPutRequest, PbPutResponse, PbRangeRequest, PbRangeResponse, PbRangeStreamResponse,
    PbTxnOpRequest, PbTxnRequest, PbTxnRequestOp, PbTxnResponse,
};
use futures_util::StreamExt as _;
use tonic::{Request, Response, Status};

use super::request::Answers;
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::faults::Method;
use crate::machine::{check_delete, check_put, check_range, check_txn};
use crate::node::{Consistency, Node};

/// Keys in one message of a streamed range.
const STREAMED_KEYS: usize = 1000;

#[tonic::async_trait]
impl PbKvService for Node {
    async fn range(
        &self,
        request: Request<PbRangeRequest>,
    ) -> Result<Response<PbRangeResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        self.answer(self.read_range(request.get_ref()).await)
    }

    type RangeStreamStream = Answers<PbRangeStreamResponse>;

    async fn range_stream(
        &self,
        request: Request<PbRangeRequest>,
    ) -> Result<Response<Self::RangeStreamStream>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        let mut whole = self.headed(self.read_range(request.get_ref()).await?);
        let kvs = std::mem::take(&mut whole.kvs);
        let mut parts: Vec<PbRangeResponse> =
            kvs.chunks(STREAMED_KEYS).map(|kvs| range_part(kvs.to_vec())).collect();
        // Count, header and whether there is more belong to the last message.
        let last = parts.pop().unwrap_or_default();
        parts.push(PbRangeResponse { kvs: last.kvs, ..whole });
        let parts =
            parts.into_iter().map(|part| Ok(PbRangeStreamResponse { range_response: Some(part) }));
        Ok(Response::new(futures_util::stream::iter(parts).boxed()))
    }

    async fn put(&self, request: Request<PbPutRequest>) -> Result<Response<PbPutResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        let put = request.into_inner();
        let check = check_put(&put).and_then(|()| self.check_size(&put));
        self.checked((Method::Put, &put.key), check)?;
        let work = |cluster: &mut Cluster, _| cluster.put(self.member, &put);
        self.answer(self.propose((Method::Put, &put.key), work).await)
    }

    async fn delete_range(
        &self,
        request: Request<PbDeleteRequest>,
    ) -> Result<Response<PbDeleteResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        let delete = request.into_inner();
        let check = check_delete(&delete).and_then(|()| self.check_size(&delete));
        self.checked((Method::DeleteRange, &delete.key), check)?;
        let work = |cluster: &mut Cluster, _| cluster.delete(&delete);
        self.answer(self.propose((Method::DeleteRange, &delete.key), work).await)
    }

    async fn txn(&self, request: Request<PbTxnRequest>) -> Result<Response<PbTxnResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        self.answer(self.run_txn(request.get_ref()).await)
    }

    async fn compact(
        &self,
        request: Request<PbCompactionRequest>,
    ) -> Result<Response<PbCompactionResponse>, Status> {
        self.admit(request.metadata(), request.get_ref())?;
        let compaction = request.into_inner();
        let work = |cluster: &mut Cluster, _| cluster.compact(&compaction);
        let done = self.propose((Method::Compact, b""), work).await;
        self.answer(done.map(|()| PbCompactionResponse::default()))
    }
}

impl Node {
    pub(super) async fn read_range(&self, range: &PbRangeRequest) -> Result<PbRangeResponse> {
        self.checked((Method::Range, &range.key), check_range(range))?;
        let work = |cluster: &Cluster, newest, _| {
            check_intact(cluster)?;
            cluster.machine().range(range, newest)
        };
        let call = (Method::Range, range.key.as_slice());
        let answer = self.query(call, consistency(range.serializable), work).await?;
        self.has_read(range, &answer);
        Ok(answer)
    }

    pub(super) async fn run_txn(&self, txn: &PbTxnRequest) -> Result<PbTxnResponse> {
        let limits = self.etcd.look(|cluster, _| cluster.config().limits.clone());
        let call = (Method::Txn, first_key(txn));
        self.checked(call, check_txn(txn, &limits))?;
        if is_read_only(txn) {
            let work = |cluster: &Cluster, newest, _| {
                check_intact(cluster)?;
                cluster.machine().read_txn(txn, newest)
            };
            return self.query(call, consistency(is_serializable(txn)), work).await;
        }
        self.checked(call, self.check_size(txn))?;
        self.commit(call.1, txn).await
    }
}

fn range_part(kvs: Vec<etcd_client::proto::PbKeyValue>) -> PbRangeResponse {
    PbRangeResponse { kvs, ..Default::default() }
}

fn check_intact(cluster: &Cluster) -> Result<()> {
    if cluster.machine().has_alarm(AlarmType::Corrupt) { Err(Error::Corrupt) } else { Ok(()) }
}

fn consistency(serializable: bool) -> Consistency {
    if serializable { Consistency::Serializable } else { Consistency::Linearizable }
}

fn ops(txn: &PbTxnRequest) -> impl Iterator<Item = &PbTxnRequestOp> {
    txn.success.iter().chain(&txn.failure)
}

fn is_read_only(txn: &PbTxnRequest) -> bool {
    ops(txn).all(|op| match &op.request {
        Some(PbTxnOpRequest::RequestRange(_)) => true,
        Some(PbTxnOpRequest::RequestTxn(inner)) => is_read_only(inner),
        _ => false,
    })
}

/// As in etcd, only what is directly in the transaction counts.
fn is_serializable(txn: &PbTxnRequest) -> bool {
    ops(txn).all(|op| match &op.request {
        Some(PbTxnOpRequest::RequestRange(range)) => range.serializable,
        _ => false,
    })
}

fn first_key(txn: &PbTxnRequest) -> &[u8] {
    let compared = txn.compare.first().map(|compare| &compare.key);
    let named = compared.or_else(|| {
        ops(txn).find_map(|op| match &op.request {
            Some(PbTxnOpRequest::RequestRange(range)) => Some(&range.key),
            Some(PbTxnOpRequest::RequestPut(put)) => Some(&put.key),
            Some(PbTxnOpRequest::RequestDeleteRange(delete)) => Some(&delete.key),
            _ => None,
        })
    });
    named.map_or(b"", Vec::as_slice)
}
