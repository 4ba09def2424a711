//! The status of each member, for operators; it is not part of the trait.

use std::sync::Arc;
use std::time::Duration;

use drydock_core::error::Chain;
use etcd_client::{AlarmAction, AlarmType};
use tokio::time::Instant;

use super::link::Link;
use super::store::Etcd;

/// One endpoint, and the status of the member behind it.
#[derive(Debug)]
pub struct MemberSurvey {
    pub endpoint: String,
    /// The status, or the reason why there is none.
    pub answer: Result<MemberStatus, String>,
}

#[derive(Debug, Clone)]
pub struct MemberStatus {
    pub version: String,
    pub cluster_id: u64,
    pub member_id: u64,
    /// 0: the member knows no leader.
    pub leader_id: u64,
    pub db_bytes: u64,
    /// The size of the database after a defragmentation.
    pub db_used_bytes: u64,
    /// The greatest size of the database.
    pub quota_bytes: u64,
    /// The number of members of the cluster, including those that are not among the endpoints.
    pub members: usize,
    pub alarms: Vec<&'static str>,
    /// The errors that the member reports.
    pub errors: Vec<String>,
    /// The time from the request to its answer.
    pub took: Duration,
}

impl Etcd {
    /// Asks every endpoint for its status.
    pub async fn survey(&self) -> Vec<MemberSurvey> {
        let members = self.members();
        let quota = members.settings.quota_bytes;
        let mut surveys = Vec::new();
        for member in 0..members.count() {
            let limit = members.settings.call_timeout;
            let answer = match members.link(member).await {
                Ok(link) => match tokio::time::timeout(limit, Box::pin(ask(link, quota))).await {
                    Ok(Ok(status)) => Ok(status),
                    // etcd's own text, if there is one.
                    Ok(Err(etcd_client::Error::GRpcStatus(status))) => {
                        Err(status.message().to_owned())
                    }
                    Ok(Err(error)) => Err(Chain(&error).to_string()),
                    Err(_) => Err(format!("no answer within {} ms", limit.as_millis())),
                },
                Err(reason) => Err(reason),
            };
            let endpoint = members.endpoint(member).to_owned();
            surveys.push(MemberSurvey { endpoint, answer });
        }
        surveys
    }
}

/// Asks one member for its status. `quota`: the quota in bytes that is assumed for a member whose
/// version does not report one.
async fn ask(link: Arc<Link>, quota: u64) -> Result<MemberStatus, etcd_client::Error> {
    let mut client = link.client.clone();
    let asked = Instant::now();
    let status = client.status().await?;
    let took = asked.elapsed();
    let known = client.member_list().await?;
    let alarms = client.alarm(AlarmAction::Get, AlarmType::None, None).await?;
    let alarms = alarms.alarms().iter().map(|alarm| match alarm.alarm() {
        AlarmType::None => "none",
        AlarmType::Nospace => "NOSPACE",
        AlarmType::Corrupt => "CORRUPT",
    });
    let bytes = |bytes: i64| u64::try_from(bytes).unwrap_or_default();
    let header = status.header();
    Ok(MemberStatus {
        version: status.version().to_owned(),
        cluster_id: header.map_or(0, |header| header.cluster_id()),
        member_id: header.map_or(0, |header| header.member_id()),
        leader_id: status.leader(),
        db_bytes: bytes(status.db_size()),
        db_used_bytes: bytes(status.raft_used_db_size()),
        quota_bytes: match bytes(status.db_size_quota()) {
            0 => quota,
            told => told,
        },
        members: known.members().len(),
        alarms: alarms.collect(),
        errors: status.errors().to_vec(),
        took,
    })
}
