//! Crashes at any call to the disk: an answered change is there, an unanswered one is there as a
//! whole or not at all.

use std::collections::BTreeSet;

use drydock_core::coord::memory::Memory;
use drydock_core::coord::{CoordinationExt, LeaseId, Op, Put, Txn};
use proptest::collection::vec;
use proptest::prelude::*;

use super::disk::TestDisk;
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Put { key: u8, value_bytes: usize, leased: bool },
    PutMany { count: u8 },
    Delete { key: u8 },
    Grant,
    Revoke,
    Compact { back: Revision },
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6u8, 0..9000usize, any::<bool>()).prop_map(|(key, value_bytes, leased)| {
            Step::Put { key, value_bytes, leased }
        }),
        2 => (0..30u8).prop_map(|count| Step::PutMany { count }),
        2 => (0..6u8).prop_map(|key| Step::Delete { key }),
        2 => Just(Step::Grant),
        1 => Just(Step::Revoke),
        2 => (0..4i64).prop_map(|back| Step::Compact { back }),
    ]
}

fn key(n: u8) -> String {
    format!("k{n:02}")
}

/// One step; `Err` if the store failed. Refusals are answers.
async fn take(
    store: &dyn Coordination,
    step: &Step,
    lease: &mut Option<LeaseId>,
) -> Result<(), drydock_core::coord::Error> {
    let done = match step {
        Step::Put { key: n, value_bytes, leased } => {
            let mut put = Put::new(key(*n), vec![*n; *value_bytes]);
            put.lease = lease.filter(|_| *leased);
            store.put(put).await.map(drop)
        }
        Step::PutMany { count } => {
            let puts = (0..*count).map(|n| Op::put(key(n), vec![n; 100]));
            let txn = Txn { then: puts.collect(), ..Txn::default() };
            store.txn(txn).await.map(drop)
        }
        Step::Delete { key: n } => {
            let delete = Op::delete(KeyRange::single(key(*n)));
            store.txn(Txn::default().then(delete)).await.map(drop)
        }
        Step::Grant => {
            let granted = store.lease_grant(Duration::from_secs(60)).await;
            granted.map(|granted| *lease = Some(granted.id))
        }
        Step::Revoke => match lease.take() {
            Some(id) => store.lease_revoke(id).await,
            None => Ok(()),
        },
        Step::Compact { back } => {
            let (newest, _) = dump(store).await;
            store.compact((newest - back).max(1)).await
        }
    };
    match done {
        Err(error) if error.is_transient() => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn open(disk: TestDisk, clock: &Arc<ManualClock>) -> Embedded {
    let opened = Embedded::open_with_backend(disk, "disk", shared(clock), Execution::Inline);
    opened.unwrap()
}

/// Runs steps on a disk that stops, beside a reference that does not.
async fn crash(steps: &[Step], stop_after: usize, fates: Vec<usize>) {
    let clock = clock();
    let disk = TestDisk::default();
    let store = open(disk.clone(), &clock);
    let reference = Memory::new(shared(&clock));
    disk.stop_after(stop_after);
    let (mut lease, mut reference_lease) = (None, None);
    let mut answered = reference.dump();
    for step in steps {
        let before = reference.dump();
        let done = if store.range(RangeRequest::new(KeyRange::prefix(""))).await.is_ok() {
            take(&store, step, &mut lease).await
        } else {
            break;
        };
        take(&reference, step, &mut reference_lease).await.unwrap();
        answered = before;
        if done.is_err() {
            break;
        }
        answered = reference.dump();
        assert_eq!(dump(&store).await, answered);
    }
    let mut fates = fates.into_iter().cycle();
    let after_power_cut = disk.after_power_cut(|| fates.next().expect("a cycle"));
    for survivor in [disk.after_kill(), after_power_cut] {
        let survivor = open(survivor, &clock);
        let found = dump(&survivor).await;
        assert!(
            found == answered || found == reference.dump(),
            "found {:?}, answered {:?}",
            found.0,
            answered.0
        );
        // Later steps build on exactly the state that it shows.
        let (mut revision, mut kvs) = found;
        revision += 1;
        survivor.put(Put::new("z", "on")).await.unwrap();
        kvs.extend(survivor.get("z").await.unwrap().0);
        assert_eq!(dump(&survivor).await, (revision, kvs));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_crash_anywhere_loses_nothing_that_was_answered(
        steps in vec(steps(), 1..25),
        stop_after in 0..200usize,
        fates in vec(0..=8usize, 1..50),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(crash(&steps, stop_after, fates));
    }

    #[test]
    fn a_store_opened_again_is_the_store_that_was_closed(steps in vec(steps(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let clock = clock();
            let disk = TestDisk::default();
            let reference = Memory::new(shared(&clock));
            let (mut lease, mut reference_lease) = (None, None);
            let mut granted = BTreeSet::new();
            for step in &steps {
                // Opened anew for each step.
                let store = open(disk.after_kill(), &clock);
                drop(store);
                let store = open(disk.clone(), &clock);
                take(&store, step, &mut lease).await.unwrap();
                take(&reference, step, &mut reference_lease).await.unwrap();
                prop_assert_eq!(lease, reference_lease);
                granted.extend(lease);
            }
            let store = open(disk.clone(), &clock);
            let (newest, kvs) = reference.dump();
            prop_assert_eq!(dump(&store).await, (newest, kvs));
            for lease in granted {
                let (found, expected) =
                    (store.lease_keep_alive(lease).await, reference.lease_keep_alive(lease).await);
                prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
            }
            // So is its history.
            for revision in 1..=newest {
                let request = || RangeRequest::new(KeyRange::prefix("")).at(revision);
                let found = store.range(request()).await;
                let expected = reference.range(request()).await;
                prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
            }
            Ok(())
        })?;
    }
}
