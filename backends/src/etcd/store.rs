//! [`Etcd`]: the trait over a cluster.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::coord::{
    Coordination, Error, KeyRange, Lease, LeaseId, Op, Projection, RangeRequest, RangeResponse,
    Result, Revision, Space, Txn, TxnResponse, WatchRequest, WatchStream, check,
};
use drydock_core::net::SharedNet;
use etcd_client::{GetOptions, WatchOptions};

use super::call::{Effect, Subject, call};
use super::link::Link;
use super::members::Members;
use super::outcome::{Failure, Refusal};
use super::settings::{EtcdError, EtcdSettings};
use super::{space, watch, wire};

/// No limit, as in etcd's own client: the request decides the size of its answer.
pub const MAX_ANSWER_BYTES: usize = i32::MAX as usize;

/// Coordination in an etcd cluster. Clones share its connections.
#[derive(Clone)]
pub struct Etcd {
    members: Arc<Members>,
}

impl fmt::Debug for Etcd {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Etcd").field("endpoints", &self.members.settings.endpoints).finish()
    }
}

impl Etcd {
    /// Sends no request: the first call finds out whether there is an etcd.
    pub fn open(settings: EtcdSettings, net: SharedNet) -> std::result::Result<Etcd, EtcdError> {
        Ok(Etcd { members: Arc::new(Members::new(settings, net)?) })
    }

    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// The error of a transaction that was refused for want of space. etcd refuses the transaction
    /// that crosses its quota after it has applied it; then its values are there.
    async fn without_space(&self, txn: &Txn, reason: String) -> Error {
        let ops = txn.then.iter().chain(&txn.otherwise);
        let puts = ops.filter_map(|op| match op {
            Op::Put(put) => Some(put),
            Op::Delete { .. } | Op::Range(_) => None,
        });
        for put in puts {
            let found = self.range(RangeRequest::new(KeyRange::single(put.key.clone()))).await;
            match found {
                Ok(found) if found.kvs.first().is_some_and(|kv| kv.value == put.value) => {
                    return Error::AnswerLost { reason };
                }
                Ok(_) => {}
                Err(_) => return Error::Unknown { reason },
            }
        }
        Error::NoSpace { reason }
    }

    /// The newest revision, asked for by way of a key that the caller may read.
    async fn revision(&self, key: &[u8]) -> Result<Revision> {
        let key = KeyRange::single(key.to_vec());
        let request = RangeRequest::new(key).projection(Projection::CountOnly);
        Ok(self.range(request).await?.revision)
    }
}

#[async_trait]
impl Coordination for Etcd {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        check::range(&request)?;
        let subject = Subject { revision: request.revision.unwrap_or_default(), lease: None };
        let (key, options) = wire::range_options(&request);
        call(&self.members, Effect::Read, subject, |asked| {
            range(asked.link, key.clone(), options.clone())
        })
        .await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse> {
        check::txn(&txn)?;
        let subject = Subject { revision: wire::newest_read(&txn), lease: wire::first_lease(&txn) };
        let request = wire::txn(&txn);
        let done = call(&self.members, Effect::Write, subject, |asked| {
            let request = request.clone();
            async move {
                let client = asked.link.client.kv_client();
                let mut client = client.max_decoding_message_size(MAX_ANSWER_BYTES);
                Ok(client.txn(request).await?.0)
            }
        });
        let answer_lost = |lost: wire::Incomplete| Error::AnswerLost { reason: lost.to_string() };
        let done = match done.await {
            Err(Error::NoSpace { reason }) => return Err(self.without_space(&txn, reason).await),
            done => done?,
        };
        self.members.answered_in(done.header.as_ref().map_or(0, |header| header.raft_term));
        wire::txn_response(done).map_err(answer_lost)
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchStream> {
        check::watch(&request)?;
        let Some((key, end)) = wire::bounds(&request.range) else {
            // No key can be in the range, so the watch never delivers; etcd itself would refuse it.
            return Ok(Box::pin(futures_util::stream::pending()));
        };
        // The revision is given also for a watch from now: the member may be behind, and would
        // deliver events again that its client has seen.
        let start = match request.start {
            Some(start) => start,
            None => self.revision(&key).await? + 1,
        };
        let mut options = WatchOptions::new().with_start_revision(start).with_fragment();
        if let Some(end) = end {
            options = options.with_range(end);
        }
        if request.prev_kv {
            options = options.with_prev_key();
        }
        let subject = Subject { revision: start, lease: None };
        let members = &self.members;
        call(members, Effect::Read, subject, |asked| {
            let opened = watch::open(asked.link, key.clone(), options.clone());
            async move { Ok(watch::batches(opened.await?, Arc::clone(members), asked.member)) }
        })
        .await
    }

    async fn lease_grant(&self, ttl: Duration) -> Result<Lease> {
        check::lease_ttl(ttl)?;
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        let seconds = i64::try_from(seconds.max(1)).expect("it was checked");
        let granted = call(&self.members, Effect::Write, Subject::default(), |asked| async move {
            Ok(asked.link.client.lease_client().grant(seconds, None).await?)
        });
        let granted = granted.await?;
        Ok(Lease { id: LeaseId(granted.id()), ttl: seconds_of(granted.ttl()) })
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration> {
        let subject = Subject { revision: 0, lease: Some(id) };
        call(&self.members, Effect::Renew, subject, |asked| renew(asked.link, id)).await
    }

    async fn lease_revoke(&self, id: LeaseId) -> Result<()> {
        let subject = Subject { revision: 0, lease: Some(id) };
        call(&self.members, Effect::Write, subject, |asked| async move {
            Ok(asked.link.client.lease_client().revoke(id.0).await.map(drop)?)
        })
        .await
    }

    async fn compact(&self, revision: Revision) -> Result<()> {
        check::revision(revision)?;
        let subject = Subject { revision, lease: None };
        call(&self.members, Effect::Write, subject, |asked| async move {
            Ok(asked.link.client.kv_client().compact(revision, None).await.map(drop)?)
        })
        .await
    }

    async fn space(&self) -> Result<Option<Space>> {
        space::read(self).await.map(Some)
    }

    async fn reclaim(&self) -> Result<()> {
        space::reclaim(self).await
    }
}

async fn range(
    link: Arc<Link>,
    key: Vec<u8>,
    options: GetOptions,
) -> std::result::Result<RangeResponse, Failure> {
    let mut client = link.client.kv_client().max_decoding_message_size(MAX_ANSWER_BYTES);
    let found = client.get(key, Some(options)).await?;
    wire::range_response(found.0).map_err(|incomplete| Failure::Unknown(incomplete.to_string()))
}

/// Renews twice: the client does not pass on the answer to the first renewal of a stream, which
/// holds the time to live.
async fn renew(link: Arc<Link>, id: LeaseId) -> std::result::Result<Duration, Failure> {
    let (mut keeper, mut renewals) = link.client.lease_client().keep_alive(id.0).await?;
    keeper.keep_alive().await?;
    let ended = || Failure::Unknown("the stream of renewals ended".to_owned());
    let renewed = renewals.message().await?.ok_or_else(ended)?;
    match renewed.ttl() {
        ..=0 => Err(Failure::Refused(Refusal::LeaseNotExist)),
        ttl => Ok(seconds_of(ttl)),
    }
}

fn seconds_of(ttl: i64) -> Duration {
    Duration::from_secs(u64::try_from(ttl).unwrap_or_default())
}
