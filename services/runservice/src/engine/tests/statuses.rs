//! The table of statuses that an executor may report, and those that it may not.

use drydock_api::runservice::types::{AttemptPhase, LogState, Reason, Status};
use serde_json::{Value, json};
use uuid::Uuid;

use super::harness::{AFTER_AN_IMPORT, HERE, at, name, settings, started};
use crate::engine::RunState;
use crate::engine::attempt::{Ending, finish};
use crate::engine::status::{Verdict, judge, late_logs};
use crate::engine::stop::stop;

/// An attempt with a step that runs, one that may exit with 3, and one that saves.
fn running(exclusive: bool) -> RunState {
    let steps = json!([
        {"run": {"command": "make"}},
        {"run": {"command": "test", "allow_exit": [3]}},
        {"save": {"paths": ["x"]}},
    ]);
    let mut state = started(&json!({"a": {"steps": steps, "exclusive": exclusive}}));
    state.claim_at("a", at(100));
    state
}

fn judged(state: &RunState, status: &Status) -> Result<Verdict, String> {
    judged_in(HERE, state, status)
}

fn judged_in(lineage: Uuid, state: &RunState, status: &Status) -> Result<Verdict, String> {
    let attempt = state.attempts.values().next().unwrap();
    let verdict = judge(state.spec(&name("a")), attempt, status, lineage, at(200));
    verdict.map_err(|error| error.to_string())
}

fn status(value: &Value) -> Status {
    serde_json::from_value(value.clone()).unwrap()
}

fn ok() -> Value {
    json!({"exit": {"code": 0}})
}

fn digest() -> String {
    "ab".repeat(32)
}

fn archives(state: &RunState) -> Value {
    let attempt = state.attempts.keys().next().unwrap();
    let object = format!("archives/{attempt}/2-n0nce.tar.zst");
    json!({"2": {"object": object, "size": 5, "blake3": digest()}})
}

#[test]
fn statuses_that_can_be_true() {
    let state = running(false);
    let (ok, archives) = (ok(), archives(&state));
    let log = json!({"size": 9, "blake3": digest()});
    for given in [
        json!({"phase": "success", "steps": [ok, ok, ok], "archives": archives}),
        json!({"phase": "success", "steps": [ok, {"exit": {"code": 3}}, ok], "archives": archives}),
        json!({"phase": "failed", "reason": "exit_code", "steps": [{"exit": {"code": 3}}]}),
        json!({
            "phase": "failed", "reason": "signal",
            "steps": [ok, {"exit": {"signal": {"signal": 9, "core": false}}}],
        }),
        json!({"phase": "failed", "reason": "setup_failed"}),
        json!({"phase": "failed", "reason": "claim_lost"}),
        json!({"phase": "failed", "reason": "timeout", "steps": [ok, {}]}),
        json!({"phase": "failed", "reason": "executor_restarted", "steps": [ok]}),
        json!({
            "phase": "failed", "reason": "out_of_memory", "steps": [ok],
            "logs": {"setup": log, "0": log},
        }),
    ] {
        let verdict = judged(&state, &status(&given));
        assert!(matches!(verdict, Ok(Verdict::Ends(_))), "{given}: {verdict:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn statuses_that_cannot_be_true() {
    let state = running(false);
    let (ok, archives) = (ok(), archives(&state));
    let log = |size: u64, digest: &str| json!({"size": size, "blake3": digest});
    let failed = |key: &str, value: Value| {
        let mut failed = json!({"phase": "failed", "reason": "setup_failed"});
        failed[key] = value;
        failed
    };
    let archive = |key: &str, object: &str, size: u64| {
        let archive = json!({"object": object, "size": size, "blake3": digest()});
        failed("archives", json!({key: archive}))
    };
    let four = json!({"exit": {"code": 4}});
    let own = archives["2"]["object"].as_str().unwrap().to_owned();
    for (given, expected) in [
        (json!({"phase": "running"}), "`running` is no end of an attempt"),
        (json!({"phase": "stopping"}), "`stopping` is no end of an attempt"),
        (json!({"phase": "stopped"}), "the attempt was not told to stop"),
        (json!({"phase": "failed"}), "a failed attempt, and no other, has a reason"),
        (
            json!({"phase": "success", "reason": "timeout", "steps": [ok, ok, ok]}),
            "a failed attempt, and no other, has a reason",
        ),
        (
            json!({"phase": "failed", "reason": "executor_lost"}),
            "`executor_lost` is no reason that an executor may give",
        ),
        (
            json!({"phase": "failed", "reason": "stopped_by_user"}),
            "`stopped_by_user` is no reason that an executor may give",
        ),
        (
            json!({"phase": "failed", "reason": "lost_in_restore"}),
            "`lost_in_restore` is no reason that an executor may give",
        ),
        (
            json!({"phase": "failed", "reason": "exit_code", "steps": [ok]}),
            "the reason `exit_code` does not fit the steps",
        ),
        (
            json!({"phase": "failed", "reason": "signal", "steps": [{"exit": {"code": 9}}]}),
            "the reason `signal` does not fit the steps",
        ),
        (
            json!({"phase": "failed", "reason": "claim_lost", "steps": [ok]}),
            "the reason `claim_lost` does not fit the steps",
        ),
        (json!({"phase": "success", "steps": [ok, ok]}), "the task has 3 steps, not 2"),
        (failed("steps", json!([ok, ok, ok, ok])), "the task has 3 steps, not 4"),
        (
            json!({"phase": "success", "steps": [ok, four, ok], "archives": archives}),
            "step 1 did not succeed",
        ),
        (
            json!({"phase": "success", "steps": [ok, {}, ok], "archives": archives}),
            "step 1 did not succeed",
        ),
        (json!({"phase": "success", "steps": [ok, ok, ok]}), "the archive of step 2 is missing"),
        (
            failed("steps", json!([{"started_at": at(9), "ended_at": at(8)}])),
            "step 0 ends before it starts",
        ),
        (
            failed("logs", json!({"-1": log(1, &digest())})),
            "`-1` is no step of which there is a log",
        ),
        (failed("logs", json!({"3": log(1, &digest())})), "`3` is no step of which there is a log"),
        (
            failed("logs", json!({"00": log(1, &digest())})),
            "`00` is no step of which there is a log",
        ),
        (failed("logs", json!({"0": log(u64::MAX, &digest())})), "`0` is too large"),
        (
            failed("logs", json!({"0": log(1, "AB")})),
            "`0` has no BLAKE3 digest of 64 hexadecimal digits",
        ),
        (archive("0", &own, 1), "`0` is no step that saves"),
        (archive("99", &own, 1), "`99` is no step that saves"),
        (archive("2", &own, u64::MAX), "`2` is too large"),
        (
            archive("2", "archives/../secrets", 1),
            "the object of the archive of step `2` does not belong to the attempt",
        ),
        (
            archive("2", &own.replace("2-n0nce", "2-n0/nce"), 1),
            "the object of the archive of step `2` does not belong to the attempt",
        ),
    ] {
        assert_eq!(judged(&state, &status(&given)), Err(expected.to_owned()), "{given}");
    }
}

#[test]
fn an_attempt_says_stopped_only_when_it_was_told_to() {
    let mut state = running(false);
    let stopped = status(&json!({"phase": "stopped", "steps": [{"exit": {"code": 143}}]}));
    stop(&mut state, Reason::Superseded, at(150), &settings()).unwrap();
    let Ok(Verdict::Ends(ending)) = judged(&state, &stopped) else { panic!("refused") };
    assert_eq!((ending.phase, ending.reason), (AttemptPhase::Stopped, Some(Reason::Superseded)));
}

#[test]
fn an_attempt_that_was_brought_back_may_have_been_stopped_before() {
    let stopped = json!({"phase": "stopped", "steps": [{"exit": {"code": 143}}]});
    let killed = json!({"phase": "failed", "reason": "lost_in_restore"});
    let mut state = running(false);
    // Claimed here, claimed by a version that did not note where, and stopped once more.
    for (given, claimed_in, stop_again, expected) in [
        (&stopped, Some(HERE), false, (AttemptPhase::Stopped, Reason::LostInRestore)),
        (&stopped, None, false, (AttemptPhase::Stopped, Reason::LostInRestore)),
        (&killed, Some(HERE), false, (AttemptPhase::Failed, Reason::LostInRestore)),
        (&stopped, Some(HERE), true, (AttemptPhase::Stopped, Reason::StoppedByUser)),
    ] {
        state.attempts.values_mut().for_each(|attempt| attempt.lineage = claimed_in);
        if stop_again {
            stop(&mut state, Reason::StoppedByUser, at(150), &settings()).unwrap();
        }
        let status = status(given);
        let Ok(Verdict::Ends(ending)) = judged_in(AFTER_AN_IMPORT, &state, &status) else {
            panic!("refused: {given}");
        };
        assert_eq!((ending.phase, ending.reason), (expected.0, Some(expected.1)), "{given}");
        let mut after = state.clone();
        assert!(finish(&mut after, &name("a"), ending, at(200), &settings()));
        assert_eq!(judged_in(AFTER_AN_IMPORT, &after, &status), Ok(Verdict::Repeated));
        // Wherever it was claimed, the rest has to be true.
        let false_log = json!({"9": {"size": 1, "blake3": digest()}});
        let mut other = given.clone();
        other["logs"] = false_log;
        let refused = judged_in(AFTER_AN_IMPORT, &state, &self::status(&other));
        assert_eq!(refused, Err("`9` is no step of which there is a log".to_owned()));
    }
}

#[test]
fn the_executor_of_an_exclusive_task_may_lose_itself() {
    let lost = status(&json!({"phase": "failed", "reason": "executor_lost"}));
    assert!(judged(&running(true), &lost).is_ok());
    assert!(judged(&running(false), &lost).is_err());
}

#[test]
fn the_same_status_again_is_no_news_and_another_one_is_stale() {
    let mut state = running(false);
    let early = json!({"exit": {"code": 1}, "started_at": at(1), "ended_at": at(9_999)});
    let first = status(&json!({"phase": "failed", "reason": "exit_code", "steps": [early]}));
    let Ok(Verdict::Ends(ending)) = judged(&state, &first) else { panic!("refused") };
    // The executor's times are kept between the claim and now.
    assert_eq!(ending.steps[0].started_at, Some(at(100)));
    assert_eq!(ending.steps[0].ended_at, Some(at(200)));
    assert!(finish(&mut state, &name("a"), ending, at(200), &settings()));
    assert_eq!(judged(&state, &first), Ok(Verdict::Repeated));
    for other in [
        json!({"phase": "failed", "reason": "setup_failed"}),
        json!({"phase": "stopped"}),
        // Even one that could not be true is told how the attempt has ended.
        json!({"phase": "success", "steps": []}),
    ] {
        assert_eq!(judged(&state, &status(&other)), Ok(Verdict::Stale(AttemptPhase::Failed)));
    }
}

#[test]
fn a_status_after_a_loss_is_stale() {
    let mut state = running(false);
    let ending = Ending::unheard(AttemptPhase::Failed, Reason::ExecutorLost);
    state.end_at("a", ending, at(160));
    let late = status(&json!({"phase": "success", "steps": [ok(), ok(), ok()]}));
    assert_eq!(judged(&state, &late), Ok(Verdict::Stale(AttemptPhase::Failed)));
}

#[test]
fn logs_are_taken_once_from_a_report_that_comes_late() {
    let mut state = running(false);
    state.end_at("a", Ending::unheard(AttemptPhase::Failed, Reason::Timeout), at(160));
    let attempt = state.attempts.values().next().unwrap();
    assert!(attempt.lacks_logs());
    let log = json!({"size": 9, "blake3": digest()});
    let late = |attempt, logs: Value| {
        let late = status(&json!({"phase": "stopped", "logs": logs}));
        late_logs(state.spec(&name("a")), attempt, &late)
    };
    let known = late(attempt, json!({"0": log})).unwrap();
    assert_eq!((known.log_state, known.logs["0"].size), (LogState::Live, 9));
    assert_eq!(late(&known, json!({"1": log})), None, "they are known");
    let silent = late(attempt, json!({})).unwrap();
    assert_eq!(silent.log_state, LogState::Complete);
    assert_eq!(late(&silent, json!({"0": log})), None);
    assert_eq!(late(attempt, json!({"7": log})), None, "there is no such step");
}
