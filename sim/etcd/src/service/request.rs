//! What all services do with requests and answers.

use etcd_client::proto::PbResponseHeader;
use futures_util::stream::BoxStream;
use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::{Response, Status};

use crate::error::{Error, Result};
use crate::node::Node;

pub(super) type Answers<T> = BoxStream<'static, Result<T, Status>>;

/// What etcd adds to its limit for a request before gRPC itself refuses a message.
const MESSAGE_OVERHEAD: usize = 512 * 1024;

/// An answer with a header.
pub(super) trait Headed {
    fn header(&mut self) -> &mut Option<PbResponseHeader>;
}

macro_rules! headed {
    ($($answer:ty),* $(,)?) => {
        $(impl Headed for $answer {
            fn header(&mut self) -> &mut Option<PbResponseHeader> {
                &mut self.header
            }
        })*
    };
}

headed! {
    etcd_client::proto::PbRangeResponse,
    etcd_client::proto::PbPutResponse,
    etcd_client::proto::PbDeleteResponse,
    etcd_client::proto::PbTxnResponse,
    etcd_client::proto::PbCompactionResponse,
    etcd_client::proto::PbLeaseGrantResponse,
    etcd_client::proto::PbLeaseRevokeResponse,
    etcd_client::proto::PbLeaseKeepAliveResponse,
    etcd_client::proto::PbLeaseTimeToLiveResponse,
    etcd_client::proto::PbLeaseLeasesResponse,
    etcd_client::proto::PbStatusResponse,
    etcd_client::proto::PbAlarmResponse,
    etcd_client::proto::PbDefragmentResponse,
    etcd_client::proto::PbHashResponse,
    etcd_client::proto::PbHashKvResponse,
    etcd_client::proto::PbMoveLeaderResponse,
    etcd_client::proto::PbLockResponse,
    etcd_client::proto::PbUnlockResponse,
    etcd_client::proto::PbCampaignResponse,
    etcd_client::proto::PbProclaimResponse,
    etcd_client::proto::PbLeaderResponse,
    etcd_client::proto::PbResignResponse,
}

impl Node {
    /// Fills in what the state machine does not know. A header without a revision gets the newest.
    pub(super) fn answer<T: Headed>(&self, answer: Result<T>) -> Result<Response<T>, Status> {
        Ok(Response::new(self.headed(answer?)))
    }

    pub(super) fn headed<T: Headed>(&self, mut answer: T) -> T {
        let header = answer.header();
        let revision = header.as_ref().map_or(0, |header| header.revision);
        *header = Some(self.header(revision));
        answer
    }

    /// 0 stands for the newest revision.
    pub(super) fn header(&self, revision: i64) -> PbResponseHeader {
        self.etcd.look(|cluster, _| {
            let newest = || cluster.applied(self.member);
            let revision = if revision == 0 { newest() } else { revision };
            cluster.header(self.member, revision)
        })
    }

    /// Refuses a client that asked for a leader where none is, and messages beyond all limits.
    pub(super) fn admit(&self, metadata: &MetadataMap, message: &impl Message) -> Result<()> {
        let size = message.encoded_len();
        self.etcd.look(|cluster, _| {
            let limit = cluster.config().limits.request_bytes + MESSAGE_OVERHEAD;
            if size > limit {
                return Err(Error::MessageTooLarge { size, limit });
            }
            if wants_leader(metadata) && !cluster.led(self.member) {
                return Err(Error::NoLeader);
            }
            Ok(())
        })
    }

    /// Refuses what would not fit into one entry of the Raft log.
    pub(super) fn check_size(&self, message: &impl Message) -> Result<()> {
        let limit = self.etcd.look(|cluster, _| cluster.config().limits.request_bytes);
        if message.encoded_len() > limit { Err(Error::RequestTooLarge) } else { Ok(()) }
    }
}

/// Whether the client asked to be refused while there is no leader.
pub(super) fn wants_leader(metadata: &MetadataMap) -> bool {
    metadata.get("hasleader").is_some_and(|value| value == "true")
}

pub(super) fn absent<T>(what: &str) -> Result<T, Status> {
    Err(Status::unimplemented(format!("the simulated etcd has no {what}")))
}
