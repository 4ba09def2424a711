//! The table of what the state says and what an executor holds.

use std::time::Duration;

use drydock_api::runservice::types::Reason;

use super::harness::{HOUR, at, settings};
use crate::engine::reconcile::{Outcome, Recorded, ReportedState, reconcile};

#[test]
fn every_row_of_the_table() {
    let running = |seconds| Recorded::Running { deadline: at(seconds) };
    let ended = |logs_exist, archives_exist| Recorded::Final { logs_exist, archives_exist };
    let silent = |seconds| ReportedState::Silent(Duration::from_secs(seconds));
    let adopted = |seconds| Outcome::Adopted { deadline: at(seconds) };
    let failed = Outcome::Failed;
    let missing = |logs, archives| Outcome::ObjectsMissing { logs, archives };
    for (recorded, reported, expected) in [
        // Adopted; the deadline as stored, but at least a minute from now.
        (running(2 * HOUR), ReportedState::Running, adopted(2 * HOUR)),
        (running(100), ReportedState::Running, adopted(HOUR + 60)),
        // The result is taken.
        (running(2 * HOUR), ReportedState::Ended, Outcome::ResultTaken),
        (running(100), ReportedState::Ended, Outcome::ResultTaken),
        // The executor has nothing, nor its claim.
        (running(2 * HOUR), ReportedState::Absent, Outcome::Wait),
        (running(2 * HOUR), ReportedState::Forgotten, failed(Reason::LostInRestore)),
        (running(2 * HOUR), ReportedState::Asked, Outcome::Wait),
        // The executor is silent.
        (running(2 * HOUR), silent(119), Outcome::Wait),
        (running(2 * HOUR), silent(120), failed(Reason::ExecutorLost)),
        // The state has nothing.
        (Recorded::Nothing, ReportedState::Running, Outcome::Unknown),
        (Recorded::Nothing, ReportedState::Ended, Outcome::Unknown),
        (Recorded::Nothing, ReportedState::Absent, Outcome::Nothing),
        (Recorded::Nothing, ReportedState::Forgotten, Outcome::Nothing),
        (Recorded::Nothing, ReportedState::Asked, Outcome::Nothing),
        (Recorded::Nothing, silent(1000), Outcome::Nothing),
        // The attempt is final, its objects exist.
        (ended(true, true), ReportedState::Running, Outcome::Unknown),
        (ended(true, true), ReportedState::Ended, Outcome::Nothing),
        (ended(true, true), ReportedState::Absent, Outcome::Nothing),
        (ended(true, true), ReportedState::Asked, Outcome::Nothing),
        (ended(true, true), silent(1000), Outcome::Nothing),
        // Objects are missing.
        (ended(false, true), ReportedState::Absent, missing(true, false)),
        (ended(true, false), ReportedState::Ended, missing(false, true)),
        (ended(false, false), silent(0), missing(true, true)),
    ] {
        let found = reconcile(recorded, reported, at(HOUR), &settings());
        assert_eq!(found, expected, "{recorded:?}, {reported:?}");
    }
}
