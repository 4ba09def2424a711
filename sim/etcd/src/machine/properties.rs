//! Properties that the machine keeps under any sequence of operations.

use std::time::Duration;

use etcd_client::proto::{PbDeleteRequest, PbPutRequest};
use proptest::prelude::*;

use super::tests::{compact, delete, delete_op, everything, put, put_op, success, txn_op};
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Put(u8, bool),
    Delete(u8, u8),
    Both(u8, u8),
    Compact(i64),
    Revoke,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = b'a'..b'f';
    let step = prop_oneof![
        4 => (key.clone(), any::<bool>()).prop_map(|(key, leased)| Step::Put(key, leased)),
        2 => (key.clone(), key.clone()).prop_map(|(from, to)| Step::Delete(from, to)),
        2 => (key.clone(), key).prop_map(|(put, delete)| Step::Both(put, delete)),
        1 => (1..20_i64).prop_map(Step::Compact),
        1 => Just(Step::Revoke),
    ];
    prop::collection::vec(step, 1..40)
}

fn run(machine: &mut Machine, step: &Step) {
    let text = |key: u8| char::from(key).to_string();
    match *step {
        Step::Put(key, leased) => {
            let lease = if leased && machine.lease(7).is_some() { 7 } else { 0 };
            let put = PbPutRequest { lease, ..put(&text(key), "value") };
            machine.put(&put).unwrap();
        }
        Step::Delete(from, to) => {
            machine.delete(&PbDeleteRequest { range_end: vec![to], ..delete(&text(from)) });
        }
        Step::Both(put, delete) => {
            let nested = success(vec![delete_op(&text(delete), "")]);
            let txn = success(vec![put_op(&text(put), "both"), txn_op(nested)]);
            machine.txn(&txn).unwrap();
        }
        Step::Compact(back) => {
            let revision = machine.revision() - back;
            let _ = compact(machine, revision);
        }
        Step::Revoke => {
            let _ = machine.revoke(7);
            machine.grant(7, 10, 2, Duration::ZERO).unwrap();
        }
    }
}

proptest! {
    #[test]
    fn what_is_saved_and_restored_answers_the_same(
        steps in steps(),
        more in steps(),
    ) {
        let mut machine = Machine::new();
        steps.iter().for_each(|step| run(&mut machine, step));
        let saved = machine.save(Duration::ZERO);
        let json = serde_json::to_string(&saved).unwrap();
        let saved: Saved = serde_json::from_str(&json).unwrap();
        let mut restored = Machine::restore(saved, Duration::ZERO).unwrap();
        more.iter().for_each(|step| {
            run(&mut machine, step);
            run(&mut restored, step);
        });
        prop_assert_eq!(restored.save(Duration::ZERO), machine.save(Duration::ZERO));
        prop_assert_eq!(&restored.leases, &machine.leases);
    }

    #[test]
    fn the_bytes_counted_are_those_of_the_versions_kept(steps in steps()) {
        let mut machine = Machine::new();
        for step in &steps {
            run(&mut machine, step);
            let kept: usize = machine.versions().map(kv::cost).sum();
            prop_assert_eq!(machine.bytes(), kept);
        }
    }

    #[test]
    fn a_lease_holds_exactly_the_keys_that_name_it(steps in steps()) {
        let mut machine = Machine::new();
        machine.grant(7, 10, 2, Duration::ZERO).unwrap();
        for step in &steps {
            run(&mut machine, step);
            let found = machine.range(&everything(), machine.revision()).unwrap();
            let named: Vec<_> =
                found.kvs.into_iter().filter(|kv| kv.lease == 7).map(|kv| kv.key).collect();
            let held: Vec<_> = machine.lease(7).unwrap().keys.iter().cloned().collect();
            prop_assert_eq!(held, named);
        }
    }
}
