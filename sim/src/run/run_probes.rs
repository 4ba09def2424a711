//! States of runs that are worth reaching.

use drydock_api::runservice::types::{AttemptPhase, Reason, RunResult};
use drydock_harness::record::Seq;
use drydock_runservice::record::{ApprovalState, Attempt, Run, Task};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::history::{Answer, Call, Operation, Reply, RunsCall, RunsReply};
use crate::timeline::{State, Timeline};

/// Name and meaning of every probe of runs.
pub const PROBES: &[(&str, &str)] = &[
    ("runs.approved", "a task was approved"),
    ("runs.bad_refused", "a request that is not as it should be was refused"),
    ("runs.claim_lost", "an executor had forgotten what it was given"),
    ("runs.claim_repeated", "a claim was asked for again and got the same attempt"),
    ("runs.failed", "a run failed"),
    ("runs.interrupted", "an attempt ended with its machine"),
    ("runs.kept", "a restarted run kept a task"),
    ("runs.log_followed", "somebody followed a log"),
    ("runs.log_lost", "an instance had lost bytes of a log, and its executor sent them again"),
    ("runs.lost_in_restore", "an import brought an attempt back that its executor had not"),
    ("runs.retried", "a task was tried again"),
    ("runs.status_stale", "an executor reported what had been ended otherwise"),
    ("runs.stopped", "a run was stopped"),
    ("runs.success", "a run succeeded"),
    ("runs.timeout", "an attempt took too long"),
    ("runs.unknown", "an executor held what was ended or is not there"),
];

/// How often each was reached.
pub fn count(timeline: Option<&Timeline>, operations: &[Operation]) -> Vec<(&'static str, usize)> {
    let mut counts = of_operations(operations);
    let mut last = State::new();
    if let Some(timeline) = timeline {
        let end = timeline.nth_at(Seq::MAX);
        timeline.replay(|place, state| {
            if place.nth == end {
                last.clone_from(state);
            }
        });
    }
    let runs: Vec<Run> = all(&last, "runs");
    let tasks: Vec<Task> = all(&last, "tasks");
    let attempts: Vec<Attempt> = all(&last, "attempts");
    let result = |wanted| runs.iter().filter(|run| run.result == wanted).count();
    let reason = |wanted| attempts.iter().filter(|it| it.reason == Some(wanted)).count();
    let approved =
        |task: &&Task| task.approval.as_ref().is_some_and(|it| it.state == ApprovalState::Approved);
    counts.extend([
        ("runs.approved", tasks.iter().filter(approved).count()),
        ("runs.claim_lost", reason(Reason::ClaimLost)),
        ("runs.failed", result(RunResult::Failed)),
        ("runs.interrupted", reason(Reason::ExecutorRestarted)),
        ("runs.kept", tasks.iter().filter(|task| task.kept.is_some()).count()),
        ("runs.lost_in_restore", reason(Reason::LostInRestore)),
        ("runs.retried", tasks.iter().filter(|task| task.retries > 0).count()),
        ("runs.stopped", attempts.iter().filter(|it| it.phase == AttemptPhase::Stopped).count()),
        ("runs.success", result(RunResult::Success)),
        ("runs.timeout", reason(Reason::Timeout)),
    ]);
    counts
}

fn all<T: DeserializeOwned>(state: &State, kind: &str) -> Vec<T> {
    let of_kind = state.iter().filter(|((of, _), _)| of == kind);
    of_kind
        .filter_map(|(_, value): (_, &Value)| serde_json::from_value(value.clone()).ok())
        .collect()
}

fn of_operations(operations: &[Operation]) -> Vec<(&'static str, usize)> {
    let calls = |wanted: &dyn Fn(&RunsCall, &Answer) -> bool| {
        let of_runs = operations.iter().filter(|it| match (&it.call, it.answer()) {
            (Call::Runs(call), Some(answer)) => wanted(call, answer),
            _ => false,
        });
        of_runs.count()
    };
    let mut seen = std::collections::BTreeSet::new();
    let mut repeated = 0;
    let mut unknown = 0;
    for operation in operations {
        match operation.reply() {
            Some(Reply::Runs(RunsReply::Claimed(Some(claimed)))) => {
                repeated += usize::from(!seen.insert(claimed.attempt.id));
            }
            Some(Reply::Runs(RunsReply::Orders(orders))) => unknown += orders.unknown.len(),
            _ => {}
        }
    }
    let refused = |call: &RunsCall, answer: &Answer| {
        matches!((call, answer), (RunsCall::Bad { .. }, Answer::Refused { .. }))
    };
    let stale = |call: &RunsCall, answer: &Answer| {
        matches!(call, RunsCall::Report { .. }) && answer.code() == Some("stale_attempt")
    };
    let followed = |call: &RunsCall, answer: &Answer| match (call, answer) {
        (RunsCall::Read { follow: true, .. }, Answer::Ok(Reply::Runs(RunsReply::Log(seen)))) => {
            !seen.bytes.is_empty()
        }
        _ => false,
    };
    let gap = |call: &RunsCall, answer: &Answer| match (call, answer) {
        (
            RunsCall::Append { offset, .. },
            Answer::Ok(Reply::Runs(RunsReply::Appended(appended))),
        ) => appended.received < *offset,
        _ => false,
    };
    vec![
        ("runs.bad_refused", calls(&refused)),
        ("runs.log_followed", calls(&followed)),
        ("runs.log_lost", calls(&gap)),
        ("runs.claim_repeated", repeated),
        ("runs.status_stale", calls(&stale)),
        ("runs.unknown", unknown),
    ]
}
