//! The same operations on the simulated and on a real etcd: same answers, revisions and events.
//!
//! proptest shrinks a divergence to the shortest sequence that shows it. Revisions are compared
//! relative to where a sequence begins, so that many can be run one after the other. Not compared:
//! ids, terms, what is left of a lease's time, and how events are spread over responses.
//!
//! `PROPTEST_CASES` asks for so many sequences, and new ones. Of old etcds, in which a
//! compaction takes the deletions at its own revision with it, no watch is begun there.
//!
//! Needs a real etcd, which `DRYDOCK_TEST_ETCD` names; so it is ignored unless it is asked for:
//! `cargo test --test differential -- --ignored`.

#[cfg(test)]
mod known;
#[cfg(test)]
mod ops;
#[cfg(test)]
mod side;
#[cfg(test)]
mod simulated;

use std::collections::BTreeMap;

use drydock_backends::testing::{self, EtcdServers};
use etcd_client::Client;
use proptest::test_runner::{Config as Runs, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use self::ops::{KINDS, ops};
use self::side::Side;
use self::simulated::Simulated;

/// Sequences, the same ones every time, unless `PROPTEST_CASES` says otherwise.
const SEQUENCES: u32 = 150;

#[test]
#[ignore = "needs real servers: `.ci/test` brings them"]
fn a_real_etcd_answers_the_same() {
    let program = testing::program(testing::ETCD);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut real, mut simulated) = runtime.block_on(async {
        let real = EtcdServers::start(&program, 1).await;
        let mut client = Client::connect(real.endpoints(), None).await.unwrap();
        let version = client.status().await.unwrap().version().to_owned();
        let forgetful = is_forgetful(&version);
        let simulated = Simulated::start().await;
        (
            Side::new("real", client, real).forgetful(forgetful),
            Side::new("simulated", simulated.client().await, simulated).forgetful(forgetful),
        )
    });
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let runs =
        Runs { cases: asked.unwrap_or(SEQUENCES), failure_persistence: None, ..Runs::default() };
    let mut reached: BTreeMap<(&str, bool), u32> = BTreeMap::new();
    let reached_now = std::cell::RefCell::new(&mut reached);
    let sides = std::cell::RefCell::new((&mut real, &mut simulated));
    let mut runner = match asked {
        Some(_) => TestRunner::new(runs),
        None => {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(runs, rng)
        }
    };
    let done = runner.run(&ops(), |ops| {
        let (real, simulated) = &mut *sides.borrow_mut();
        let (expected, found) =
            runtime.block_on(async { (real.run(&ops).await, simulated.run(&ops).await) });
        for (op, (expected, found)) in ops.iter().zip(expected.iter().zip(&found)) {
            if expected != found {
                let message = format!("{op:?}\n real: {expected:?}\n  sim: {found:?}");
                return Err(TestCaseError::fail(message));
            }
            *reached_now.borrow_mut().entry((op.kind(), expected.fine)).or_default() += 1;
        }
        Ok(())
    });
    if let Err(failed) = done {
        panic!("{failed}");
    }
    let missing: Vec<_> = KINDS
        .into_iter()
        .flat_map(|kind| [(kind, true), (kind, false)])
        .filter(|reached_at| !reached.contains_key(reached_at))
        .collect();
    assert!(missing.is_empty(), "never happened: {missing:?}, of {reached:?}");
}

/// Whether a compaction takes the deletions at its own revision from later watches: issue 18089,
/// mended in 3.4.34, in 3.5.16, and before 3.6.
fn is_forgetful(version: &str) -> bool {
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    let [from_3_4, from_3_5, until_3_5] = [vec![3, 4, 34], vec![3, 5], vec![3, 5, 16]];
    numbers < from_3_4 || (numbers >= from_3_5 && numbers < until_3_5)
}
