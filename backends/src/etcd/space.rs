//! The space that the members take up, and giving it back.
//!
//! What compactions free stays in a member's file until that member is defragmented, and the alarm
//! NOSPACE stays raised until somebody disarms it. A member that is being defragmented answers
//! nobody, so it is done to one after the other.

use std::time::Duration;

use drydock_core::coord::{Error, Result, Space};
use drydock_core::error::Chain;
use etcd_client::{AlarmAction, AlarmOptions, AlarmType};

use super::store::Etcd;
use super::survey::MemberSurvey;

/// How long a member may be defragmented.
const DEFRAGMENT_TIMEOUT: Duration = Duration::from_secs(120);
/// A tenth of the quota is left for what makes room and for operators.
const RESERVE_PART: u64 = 10;
const NO_SPACE: &str = "NOSPACE";

/// The greatest numbers of all members that answer.
pub async fn read(etcd: &Etcd) -> Result<Space> {
    let (mut space, mut reasons) = (None::<Space>, Vec::new());
    for MemberSurvey { endpoint, answer } in etcd.survey().await {
        match answer {
            Ok(status) => {
                let before = space.unwrap_or(Space { quota_bytes: u64::MAX, ..Space::default() });
                let quota_bytes = before.quota_bytes.min(status.quota_bytes);
                space = Some(Space {
                    used_bytes: before.used_bytes.max(status.db_used_bytes),
                    file_bytes: before.file_bytes.max(status.db_bytes),
                    quota_bytes,
                    reserve_bytes: quota_bytes / RESERVE_PART,
                    is_full: before.is_full || status.alarms.contains(&NO_SPACE),
                });
            }
            Err(reason) => reasons.push(format!("`{endpoint}`: {reason}")),
        }
    }
    space.ok_or_else(|| Error::Unavailable { reason: reasons.join(", ") })
}

/// Defragments the members, one after the other, and disarms the alarm NOSPACE. A member that does
/// not answer is left out: it raises the alarm again if it has no space.
pub async fn reclaim(etcd: &Etcd) -> Result<()> {
    let mut reasons = Vec::new();
    for member in 0..etcd.members().count() {
        if let Err(reason) = defragment(etcd, member).await {
            reasons.push(format!("`{}`: {reason}", etcd.members().endpoint(member)));
        }
    }
    if reasons.len() == etcd.members().count() {
        return Err(Error::Unavailable { reason: reasons.join(", ") });
    }
    for reason in reasons {
        tracing::warn!(reason, "a member of etcd was not defragmented");
    }
    disarm(etcd).await
}

async fn defragment(etcd: &Etcd, member: usize) -> std::result::Result<(), String> {
    let link = etcd.members().link(member).await?;
    let mut client = link.client.clone();
    match tokio::time::timeout(DEFRAGMENT_TIMEOUT, client.defragment()).await {
        Ok(done) => done.map(drop).map_err(|error| Chain(&error).to_string()),
        Err(_) => Err(format!("not done within {} s", DEFRAGMENT_TIMEOUT.as_secs())),
    }
}

/// Asks the first member that answers.
async fn disarm(etcd: &Etcd) -> Result<()> {
    let (limit, mut last) = (etcd.members().settings.call_timeout, String::new());
    for member in 0..etcd.members().count() {
        let asked = tokio::time::timeout(limit, disarm_at(etcd, member)).await;
        match asked {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(reason)) => last = reason,
            Err(_) => last = format!("no answer within {} ms", limit.as_millis()),
        }
    }
    Err(Error::Unknown { reason: last })
}

async fn disarm_at(etcd: &Etcd, member: usize) -> std::result::Result<(), String> {
    let link = etcd.members().link(member).await?;
    let mut client = link.client.clone();
    let text = |error: etcd_client::Error| Chain(&error).to_string();
    let raised = client.alarm(AlarmAction::Get, AlarmType::Nospace, None).await.map_err(text)?;
    for alarm in raised.alarms() {
        let mut of = AlarmOptions::new();
        of.with_member(alarm.member_id());
        let disarmed = client.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(of)).await;
        disarmed.map_err(text)?;
    }
    Ok(())
}
