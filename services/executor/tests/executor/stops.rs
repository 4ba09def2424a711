use drydock_executor::attempt::{AttemptPhase, Reason, StepExit, TaskStep};

use crate::harness::{Attempt, always, step};

const KILLED: Option<StepExit> = Some(StepExit::Signal { signal: 9, core: false });
/// A shell that waits for ever, and still hears of signals.
const WAIT: &str = "echo ready > $EVENT; while :; do sleep 1000 & wait $!; done";

#[test]
fn a_stop_lets_the_step_end_by_itself_and_what_always_runs_follows() {
    let first = format!("trap 'echo bye; exit 5' TERM; {WAIT}");
    let mut attempt = Attempt::new([step(&first), step("echo never"), always("echo cleanup")]);
    let mut supervisor = attempt.supervise();
    attempt.event();
    attempt.stop(1, 20_000);
    assert!(supervisor.end().success());
    let outcome = attempt.outcome();
    assert_eq!(
        (outcome.phase, outcome.reason),
        (AttemptPhase::Stopped, Some(Reason::StoppedByUser))
    );
    let exits: Vec<_> = outcome.steps.iter().map(|step| step.exit).collect();
    assert_eq!(exits, [Some(StepExit::Code(5)), None, Some(StepExit::Code(0))]);
    // Some shells say of the child that it waited for that it was terminated.
    assert_eq!((attempt.log(1).lines().last(), &*attempt.log(3)), (Some("bye"), "cleanup\n"));
}

#[test]
fn a_step_that_ignores_the_signal_is_killed_after_its_grace() {
    let mut attempt = Attempt::new([step(&format!("trap '' TERM; {WAIT}"))]);
    let mut supervisor = attempt.supervise();
    attempt.event();
    attempt.stop(1, 100);
    assert!(supervisor.end().success());
    let outcome = attempt.outcome();
    assert_eq!((outcome.phase, outcome.steps[0].exit), (AttemptPhase::Stopped, KILLED));
    assert!(!outcome.kill_incomplete);
}

#[test]
fn a_second_stop_leaves_no_grace_and_no_further_step() {
    let first = format!("trap '' TERM; {WAIT}");
    let mut attempt = Attempt::new([step(&first), always("echo never")]);
    let mut supervisor = attempt.supervise();
    attempt.event();
    attempt.stop(1, 600_000);
    attempt.stop(2, 600_000);
    assert!(supervisor.end().success());
    let outcome = attempt.outcome();
    assert_eq!((outcome.phase, outcome.steps[0].exit), (AttemptPhase::Stopped, KILLED));
    assert_eq!(outcome.steps[1].exit, None);
}

#[test]
fn a_stop_before_the_first_step_starts_none() {
    let attempt = Attempt::new([step("echo never"), always("echo cleanup")]);
    attempt.stop(1, 1000);
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.steps[0].started_at_ms), (AttemptPhase::Stopped, None));
    assert_eq!(attempt.log(2), "cleanup\n");
}

#[test]
fn a_stop_spares_the_step_that_always_runs_but_bounds_it() {
    let mut attempt = Attempt::with([always(WAIT), always("echo never")], |task| {
        task.cleanup_ms = 100;
    });
    let mut supervisor = attempt.supervise();
    attempt.event();
    attempt.stop(1, 0);
    assert!(supervisor.end().success());
    let outcome = attempt.outcome();
    assert_eq!((outcome.phase, outcome.steps[0].exit), (AttemptPhase::Stopped, KILLED));
    assert_eq!(outcome.steps[1].exit, None, "the time for cleaning up is used up");
}

#[test]
fn a_step_that_is_suspended_still_ends() {
    let script = "trap 'exit 6' TERM; echo ready > $EVENT; kill -STOP $$; sleep 1000 & wait";
    let mut attempt = Attempt::new([step(script)]);
    let mut supervisor = attempt.supervise();
    attempt.event();
    attempt.stop(1, 20_000);
    assert!(supervisor.end().success());
    assert_eq!(attempt.outcome().steps[0].exit, Some(StepExit::Code(6)));
}

#[test]
fn a_step_and_an_attempt_have_deadlines() {
    let slow = TaskStep { timeout_ms: Some(50), ..step("sleep 1000") };
    let attempt = Attempt::new([slow, step("echo never"), always("echo cleanup")]);
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::Timeout)));
    let ended = Some(StepExit::Signal { signal: 15, core: false });
    assert_eq!((outcome.steps[0].exit, outcome.steps[1].exit), (ended, None));
    assert_eq!(attempt.log(3), "cleanup\n");

    let attempt = Attempt::with([step("sleep 1000"), always("echo cleanup")], |task| {
        task.timeout_ms = Some(50);
    });
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::Timeout)));
    assert_eq!(attempt.log(2), "cleanup\n");
}

#[test]
fn the_signal_that_asks_can_be_chosen() {
    // The shell forks nothing after the event.
    let script = "trap 'exit 7' INT; (echo ready > $EVENT; exec sleep 1000) & wait $!";
    let mut attempt = Attempt::with([step(script)], |task| {
        task.stop_signal = drydock_executor::attempt::StopSignal::Int;
    });
    let mut supervisor = attempt.supervise();
    attempt.event();
    attempt.stop(1, 20_000);
    assert!(supervisor.end().success());
    assert_eq!(attempt.outcome().steps[0].exit, Some(StepExit::Code(7)));
}
