//! What each member says of itself: for operators, not for the trait.

use std::sync::Arc;
use std::time::Duration;

use drydock_core::error::Chain;
use etcd_client::{AlarmAction, AlarmType};
use tokio::time::Instant;

use super::link::Link;
use super::store::Etcd;

/// One endpoint, and what is behind it.
#[derive(Debug)]
pub struct MemberSurvey {
    pub endpoint: String,
    /// Or why there is no answer.
    pub answer: Result<MemberStatus, String>,
}

#[derive(Debug, Clone)]
pub struct MemberStatus {
    pub version: String,
    pub cluster_id: u64,
    pub member_id: u64,
    /// 0 without one.
    pub leader_id: u64,
    pub db_bytes: u64,
    /// What a defragmentation would leave.
    pub db_used_bytes: u64,
    /// All that the cluster has, whether they are among the endpoints or not.
    pub members: usize,
    pub alarms: Vec<&'static str>,
    /// What the member finds wrong with itself.
    pub errors: Vec<String>,
    /// From a request to its answer.
    pub took: Duration,
}

impl Etcd {
    /// Asks every endpoint, each for itself.
    pub async fn survey(&self) -> Vec<MemberSurvey> {
        let members = self.members();
        let mut surveys = Vec::new();
        for member in 0..members.count() {
            let limit = members.settings.call_timeout;
            let answer = match members.link(member).await {
                Ok(link) => match tokio::time::timeout(limit, Box::pin(ask(link))).await {
                    Ok(Ok(status)) => Ok(status),
                    // etcd's own words, where they are.
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

async fn ask(link: Arc<Link>) -> Result<MemberStatus, etcd_client::Error> {
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
        members: known.members().len(),
        alarms: alarms.collect(),
        errors: status.errors().to_vec(),
        took,
    })
}
