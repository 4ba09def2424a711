//! The whole suite once more, on a real etcd and a real S3 server, with the same snapshots.

use std::process::Command;

use drydock_backends::testing::{ETCD, EtcdServers, WEED, Weed, program};
use drydock_tests::servers::VARIABLE;

/// This test, and two that show the moment at which a second instance is ready: on servers that is
/// found out one look later.
const LEFT_OUT: &[&str] = &[
    "on_servers::",
    "lineages::a_restore_brings_back_what_an_import_took_the_place_of",
    "maintenance::the_status_lists_every_instance",
    // Waits often for what keeps an instance alive: many minutes where time is real.
    "outages::",
    // Leases end when the time of the server says so, which these tests cannot pass.
    "runs_liveness::",
    // It waits for a log to expire.
    "runs_logs::a_log_that_was_kept_for_long_enough_is_told_from_a_deleted_one",
    // They wait for an archive to expire, for a sweep, or for the pause after an import.
    "runs_archives::a_state_that_names_what_is_not_there",
    "runs_archives::an_archive_that_",
    "runs_archives::an_import_whose_archives_are_there",
    "runs_archives::what_no_attempt_names_is_deleted",
    "runs_archives::without_object_storage",
    // They wait for an entry to expire, for a sweep, or for what was noted to be committed.
    "runs_caches_kept::slow_",
    // Conflicts, and who leads, are a matter of time.
    "forwarding::",
    // The gateway has no store. What it asks of the others is asked by their own tests, and its
    // tests wait for streams that end.
    "gateway_",
];

#[test]
#[ignore = "needs real servers: `.ci/test` brings them"]
fn the_suite_passes_on_servers() {
    let (etcd, weed) = (program(ETCD), program(WEED));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (etcd, weed) =
        runtime.block_on(async { (EtcdServers::start(&etcd, 1).await, Weed::start(&weed).await) });
    let mut suite = Command::new(std::env::current_exe().unwrap());
    suite.args(LEFT_OUT.iter().flat_map(|test| ["--skip", test]));
    suite.env(VARIABLE, format!("{} {}", etcd.endpoints()[0], weed.address()));
    // They are what is compared with, not what is made here.
    suite.env("INSTA_UPDATE", "no");
    let ended = suite.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    println!("{said}");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
