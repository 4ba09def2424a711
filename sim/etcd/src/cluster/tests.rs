use std::time::Duration;

use etcd_client::AlarmType;
use etcd_client::proto::{PbDeleteRequest, PbPutRequest};

use super::*;
use crate::error::Error;

const SECOND: Duration = Duration::from_secs(1);

fn config(members: usize) -> Config {
    let members = (0..members).map(|number| MemberConfig {
        name: format!("m{number}"),
        peer_url: format!("http://m{number}:2380"),
        client_url: format!("http://m{number}:2379"),
    });
    Config::new("test", members.collect())
}

fn put(cluster: &mut Cluster, key: &str) -> Result<i64, Error> {
    let put = PbPutRequest { key: key.into(), ..Default::default() };
    cluster.put(0, &put).map(|answer| answer.header.unwrap().revision)
}

#[test]
fn a_member_held_back_is_stale_until_it_is_released() {
    let mut cluster = Cluster::new(config(3));
    put(&mut cluster, "a").unwrap();
    cluster.hold(1);
    put(&mut cluster, "b").unwrap();
    assert_eq!((cluster.applied(0), cluster.applied(1)), (3, 2));
    cluster.release(1);
    assert_eq!(cluster.applied(1), 3);
}

#[test]
fn watchers_can_be_held_back_behind_the_keys() {
    let mut cluster = Cluster::new(config(1));
    cluster.hold_watches(0);
    put(&mut cluster, "a").unwrap();
    assert_eq!((cluster.applied(0), cluster.delivered(0)), (2, 1));
    cluster.release_watches(0);
    assert_eq!(cluster.delivered(0), 2);
}

#[test]
fn there_is_a_leader_while_a_majority_is_connected() {
    let mut cluster = Cluster::new(config(3));
    assert_eq!(cluster.leader(), Some(0));
    cluster.stop(0, SECOND);
    assert_eq!(cluster.leader(), None);
    cluster.tick(1, SECOND);
    assert_eq!(cluster.leader(), None, "an election takes its time");
    cluster.tick(1, 2 * SECOND);
    assert_eq!((cluster.leader(), cluster.term()), (Some(1), 3));
    cluster.isolate(2, 3 * SECOND);
    cluster.tick(1, 9 * SECOND);
    assert_eq!(cluster.leader(), None);
    assert_eq!(cluster.elect(1, 9 * SECOND), Err(Error::BadLeaderTransferee));
    cluster.rejoin(2, 10 * SECOND);
    cluster.tick(2, 11 * SECOND);
    assert_eq!(cluster.leader(), Some(1));
    assert!(cluster.led(2) && !cluster.led(0));
}

#[test]
fn a_new_leader_extends_all_leases() {
    let mut cluster = Cluster::new(config(3));
    cluster.grant(7, 10, Duration::ZERO).unwrap();
    cluster.elect(2, 9 * SECOND).unwrap();
    cluster.tick(2, 19 * SECOND);
    assert!(cluster.machine().lease(7).is_some());
    cluster.tick(2, 20 * SECOND);
    assert!(cluster.machine().lease(7).is_none());
}

#[test]
fn only_the_leader_ends_leases() {
    let mut cluster = Cluster::new(config(3));
    cluster.grant(7, 2, Duration::ZERO).unwrap();
    cluster.tick(1, 60 * SECOND);
    assert!(cluster.machine().lease(7).is_some());
    cluster.tick(0, 60 * SECOND);
    assert!(cluster.machine().lease(7).is_none());
}

#[test]
fn a_time_out_names_what_it_may_be_due_to() {
    let mut cluster = Cluster::new(config(3));
    assert_eq!(cluster.timeout(1, SECOND), Error::Timeout);
    cluster.isolate(1, SECOND);
    assert_eq!(cluster.timeout(1, SECOND), Error::TimeoutConnectionLost);
    cluster.depose(2 * SECOND);
    assert_eq!(cluster.timeout(2, SECOND), Error::TimeoutLeaderFailed);
}

#[test]
fn a_full_database_refuses_puts_until_it_is_compacted_and_disarmed() {
    let mut cluster = Cluster::new(Config { quota_bytes: 500, ..config(1) });
    let refused = (0..10).find_map(|_| put(&mut cluster, "a").err());
    assert_eq!(refused, Some(Error::NoSpace));
    assert!(cluster.machine().has_alarm(AlarmType::Nospace));
    assert_eq!(cluster.grant(0, 10, SECOND), Err(Error::NoSpace));
    let delete = PbDeleteRequest { key: b"a".to_vec(), ..Default::default() };
    assert_eq!(cluster.delete(&delete).unwrap().deleted, 1);
    let revision = cluster.machine().revision();
    let compaction = etcd_client::proto::PbCompactionRequest { revision, physical: true };
    cluster.compact(&compaction).unwrap();
    cluster.defragment();
    assert_eq!(put(&mut cluster, "a"), Err(Error::NoSpace), "the alarm is still raised");
    cluster.clear_alarm(cluster.members()[0].id, AlarmType::Nospace);
    assert!(put(&mut cluster, "a").is_ok());
}

#[test]
fn a_restart_loses_the_last_write_only_with_that_bug() {
    for (bug, revision) in [(None, 3), (Some(Bug::LostWrite), 2)] {
        let mut cluster = Cluster::new(Config { bugs: bug.into_iter().collect(), ..config(1) });
        put(&mut cluster, "a").unwrap();
        put(&mut cluster, "b").unwrap();
        cluster.stop(0, SECOND);
        cluster.start(0, SECOND);
        assert_eq!(cluster.machine().revision(), revision);
    }
}

#[test]
fn a_dumped_cluster_goes_on_where_it_was() {
    let mut cluster = Cluster::new(config(1));
    let (lease, _) = cluster.grant(0, 10, SECOND).unwrap();
    put(&mut cluster, "a").unwrap();
    let json = serde_json::to_string(&cluster.dump(4 * SECOND)).unwrap();
    let dump = serde_json::from_str(&json).unwrap();
    let mut loaded = Cluster::load(config(1), dump, 100 * SECOND).unwrap();
    assert_eq!(loaded.machine().lease(lease).unwrap().remaining(100 * SECOND), 7 * SECOND);
    assert_ne!(loaded.grant(0, 10, SECOND).unwrap().0, lease);
    assert_eq!(put(&mut loaded, "b"), Ok(3));
}

#[test]
fn bugs_are_read_by_name() {
    for bug in Bug::ALL {
        assert_eq!(bug.to_string().parse(), Ok(bug));
    }
    assert!("flaky".parse::<Bug>().is_err_and(|error| error.contains("`lost-write`")));
}
