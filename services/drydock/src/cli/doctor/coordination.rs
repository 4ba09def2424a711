//! Checks of the coordination store: its members, its versions and alarms, and how fast it is.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drydock_backends::embedded::Embedded;
use drydock_backends::etcd::{MemberStatus, MemberSurvey};
use drydock_core::coord::{
    Bounded, Compare, Coordination, CoordinationExt, KeyRange, Op, RangeRequest, Txn,
};
use drydock_core::db::Execution;
use drydock_core::env::{Env, SystemClock};
use drydock_core::error::Chain;
use tokio::time::Instant;

use super::report::{Level, Report};
use super::versions;
use crate::cli::exit::Failure;
use crate::cli::store;
use crate::config::Config;
use crate::config::stores::CoordinationKind;

/// The number of transactions that are timed; the median counts.
const ROUNDS: usize = 9;
/// The bound of a write, which every commit waits for.
const SLOW_WRITE: Duration = Duration::from_millis(50);
const SLOW_READ: Duration = Duration::from_millis(25);
/// The least number of members of which one may fail without an interruption.
const SAFE_MEMBERS: usize = 3;
/// The oldest release that Drydock is tested against.
const OLDEST: (u64, u64) = (3, 4);

pub async fn check(
    config: &Config,
    data_dir: &Path,
    env: &Env,
    report: &mut Report,
) -> Result<(), Failure> {
    match config.coordination.kind {
        CoordinationKind::Embedded => {
            embedded(data_dir, &config.cluster, report).await;
            Ok(())
        }
        CoordinationKind::Etcd => {
            let etcd = store::open_etcd(&config.coordination)?;
            members(&etcd.survey().await, report);
            time_outs(config, report);
            if !config.store.tasks.compact {
                let text = "`store.tasks.compact` is off: etcd must compact itself, with \
                            `--auto-compaction-mode` and `--auto-compaction-retention`";
                report.add(Level::Note, "etcd", text);
            }
            let timeout = Duration::from_millis(config.store.coordination_timeout_ms);
            let coord = Bounded::new(Arc::new(etcd), timeout);
            let key = format!("drydock/{}/check/{}", config.cluster, env.new_id());
            if let Err(error) = transactions(&coord, &key, report).await {
                report.add(Level::Missing, "etcd", Chain(&error));
            } else {
                versions::check(&coord, &config.cluster, report).await;
            }
            Ok(())
        }
    }
}

async fn embedded(data_dir: &Path, cluster: &str, report: &mut Report) {
    let path = data_dir.join("coordination.redb");
    if !path.exists() {
        report.add(Level::Ok, "embedded coordination", "not there yet; the first start makes it");
        return;
    }
    let clock = Arc::new(SystemClock::default());
    match Embedded::open(&path, clock, Execution::Inline) {
        Ok(coord) => {
            report.add(Level::Ok, "embedded coordination", format!("`{}`", path.display()));
            versions::check(&coord, cluster, report).await;
        }
        Err(drydock_backends::embedded::OpenError::Lock(error)) => {
            report.add(Level::Note, "embedded coordination", Chain(&error));
        }
        Err(error) => report.add(Level::Missing, "embedded coordination", Chain(&error)),
    }
}

fn members(surveys: &[MemberSurvey], report: &mut Report) {
    let mut clusters = BTreeSet::new();
    let mut known = 0;
    let mut answering = BTreeSet::new();
    for MemberSurvey { endpoint, answer } in surveys {
        let at = format!("etcd `{endpoint}`");
        match answer {
            Err(reason) => report.add(Level::Missing, at, reason),
            Ok(status) => {
                clusters.insert(status.cluster_id);
                answering.insert(status.member_id);
                known = known.max(status.members);
                member(&at, status, report);
            }
        }
    }
    if clusters.len() > 1 {
        report.add(Level::Unsafe, "etcd", "the endpoints belong to different clusters");
    }
    if answering.is_empty() {
        return;
    }
    if known > answering.len() {
        let text = format!("{known} members, of which the endpoints reach {}", answering.len());
        report.add(Level::Note, "etcd", text);
    }
    if known < SAFE_MEMBERS {
        let text = format!("{known} of {SAFE_MEMBERS} members: writes stop when one is lost");
        report.add(Level::Note, "etcd", text);
    }
}

fn member(at: &str, status: &MemberStatus, report: &mut Report) {
    let role = match status.leader_id {
        0 => "without a leader",
        leader if leader == status.member_id => "leader",
        _ => "follower",
    };
    let level = if status.leader_id == 0 { Level::Missing } else { Level::Ok };
    report.add(level, at, format!("version {}, {role}", status.version));
    if let Some(why) = unsafe_version(&status.version) {
        report.add(Level::Unsafe, at, why);
    }
    for alarm in &status.alarms {
        report.add(Level::Unsafe, at, format!("the alarm `{alarm}` is raised"));
    }
    for error in &status.errors {
        report.add(Level::Unsafe, at, error);
    }
    space(at, status, report);
    report.time(at, "status", status.took, SLOW_READ);
}

/// The space in use against the quota, beyond which every write is refused.
fn space(at: &str, status: &MemberStatus, report: &mut Report) {
    let [used, file, quota] =
        [status.db_used_bytes, status.db_bytes, status.quota_bytes].map(|bytes| bytes >> 20);
    let text = format!("{used} MiB in use, {file} MiB allocated, of a quota of {quota} MiB");
    let level = if status.db_used_bytes >= status.quota_bytes / 10 * 9 {
        Level::Unsafe
    } else if status.db_bytes >= status.quota_bytes / 2 {
        Level::Note
    } else {
        Level::Ok
    };
    report.add(level, at, text);
}

/// Why a version must not be used.
fn unsafe_version(version: &str) -> Option<String> {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse::<u64>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    let (major, minor, patch) = (part(), part(), part());
    if (major, minor) < OLDEST {
        let (major, minor) = OLDEST;
        return Some(format!("older than {major}.{minor}, the oldest release that is tested"));
    }
    // https://etcd.io/docs/v3.5/op-guide/data_corruption/
    if (major, minor) == (3, 5) && patch < 3 {
        return Some("3.5.0 to 3.5.2 may lose data when a member is killed".to_owned());
    }
    None
}

fn time_outs(config: &Config, report: &mut Report) {
    let call = config.coordination.call_timeout;
    let patience = Duration::from_millis(config.store.coordination_timeout_ms);
    if call >= patience {
        let text = format!(
            "`coordination.call_timeout` is not below `store.coordination_timeout_ms`: \
             no second member is tried within {} ms",
            patience.as_millis()
        );
        report.add(Level::Unsafe, "time-outs", text);
    }
}

/// Times writes such as a commit makes and reads such as a request waits for, and deletes the key.
async fn transactions(
    coord: &Bounded,
    key: &str,
    report: &mut Report,
) -> drydock_core::coord::Result<()> {
    let mut times = Vec::new();
    let mut revision = 0;
    for _ in 0..ROUNDS {
        let write = Txn::default()
            .when(Compare::mod_revision(key.to_owned(), revision))
            .then(Op::put(key.to_owned(), "check"));
        let asked = Instant::now();
        revision = coord.txn(write).await?.revision;
        times.push(asked.elapsed());
    }
    report.time("etcd", "write", median(&mut times), SLOW_WRITE);
    times.clear();
    for _ in 0..ROUNDS {
        let asked = Instant::now();
        coord.get(key.to_owned()).await?;
        times.push(asked.elapsed());
    }
    report.time("etcd", "linearizable read", median(&mut times), SLOW_READ);
    let range = KeyRange::single(key.to_owned());
    coord.txn(Txn::default().then(Op::delete(range.clone()))).await?;
    if coord.range(RangeRequest::new(range)).await?.count > 0 {
        report.add(Level::Unsafe, "etcd", "a deleted key is still there");
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_lose_data_or_are_too_old_are_named() {
        for good in ["3.4.23", "3.5.3", "3.5.16", "3.6.0", "3.6.0-rc.1", "4.0.0"] {
            assert_eq!(unsafe_version(good), None, "{good}");
        }
        for bad in ["3.3.27", "3.5.0", "3.5.2", ""] {
            assert!(unsafe_version(bad).is_some(), "{bad}");
        }
    }
}
