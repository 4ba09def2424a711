//! The table of what the state says and what an executor holds.

use std::time::Duration;

use drydock_api::runservice::types::Reason;

use super::harness::{HOUR, at, settings};
use crate::engine::reconcile::{Outcome, Recorded, Said, reconcile};

#[test]
fn every_row_of_the_table() {
    let running = |seconds| Recorded::Running { deadline: at(seconds) };
    let ended = |logs_exist, archives_exist| Recorded::Final { logs_exist, archives_exist };
    let silent = |seconds| Said::Silent(Duration::from_secs(seconds));
    let adopted = |seconds| Outcome::Adopted { deadline: at(seconds) };
    let failed = Outcome::Failed;
    let missing = |logs, archives| Outcome::ObjectsMissing { logs, archives };
    for (recorded, said, expected) in [
        // Adopted; the deadline as stored, but at least a minute from now.
        (running(2 * HOUR), Said::Running, adopted(2 * HOUR)),
        (running(100), Said::Running, adopted(HOUR + 60)),
        // The result is taken.
        (running(2 * HOUR), Said::Ended, Outcome::ResultTaken),
        (running(100), Said::Ended, Outcome::ResultTaken),
        // The executor has nothing, nor its claim.
        (running(2 * HOUR), Said::Nothing, failed(Reason::LostInRestore)),
        (running(2 * HOUR), Said::Asked, Outcome::Wait),
        // The executor is silent.
        (running(2 * HOUR), silent(119), Outcome::Wait),
        (running(2 * HOUR), silent(120), failed(Reason::ExecutorLost)),
        // The state has nothing.
        (Recorded::Nothing, Said::Running, Outcome::Unknown),
        (Recorded::Nothing, Said::Ended, Outcome::Unknown),
        (Recorded::Nothing, Said::Nothing, Outcome::Nothing),
        (Recorded::Nothing, Said::Asked, Outcome::Nothing),
        (Recorded::Nothing, silent(1000), Outcome::Nothing),
        // The attempt is final, its objects exist.
        (ended(true, true), Said::Running, Outcome::Unknown),
        (ended(true, true), Said::Ended, Outcome::Nothing),
        (ended(true, true), Said::Nothing, Outcome::Nothing),
        (ended(true, true), Said::Asked, Outcome::Nothing),
        (ended(true, true), silent(1000), Outcome::Nothing),
        // Objects are missing.
        (ended(false, true), Said::Nothing, missing(true, false)),
        (ended(true, false), Said::Ended, missing(false, true)),
        (ended(false, false), silent(0), missing(true, true)),
    ] {
        let found = reconcile(recorded, said, at(HOUR), &settings());
        assert_eq!(found, expected, "{recorded:?}, {said:?}");
    }
}
