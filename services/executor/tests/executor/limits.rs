use drydock_executor::attempt::{AttemptPhase, LogLimit, Reason, StepExit};

use crate::harness::{Attempt, always, step};

#[test]
fn a_full_log_keeps_its_beginning_and_end_and_the_task_goes_on() {
    let loud = "echo first; yes | head -c 1000000; echo last";
    let attempt = Attempt::with([step(loud), step("echo second")], |task| {
        task.limits.step_log_bytes = 1000;
    });
    let outcome = attempt.run();
    assert_eq!(outcome.phase, AttemptPhase::Success);
    let log = attempt.log(1);
    assert!(log.starts_with("first\ny\n") && log.ends_with("y\nlast\n"));
    assert!(log.contains("\ndrydock: the log is full after 1000 bytes\n"));
    let left_out = 6 + 1_000_000 + 5 - 1000 - (64 << 10);
    assert!(log.contains(&format!("\ndrydock: {left_out} bytes are left out here")));
    assert_eq!(attempt.log(2), "second\n");
}

#[test]
fn all_logs_together_have_a_limit() {
    let attempt = Attempt::with([step("printf 12345678"), step("printf 12345678")], |task| {
        task.limits.attempt_log_bytes = 12;
    });
    assert_eq!(attempt.run().phase, AttemptPhase::Success);
    assert_eq!(attempt.log(1), "12345678");
    assert!(attempt.log(2).starts_with("1234\ndrydock: the log is full after 4 bytes\n"));
}

#[test]
fn a_full_log_ends_the_attempt_if_the_task_says_so() {
    let attempt = Attempt::with([step("yes"), step("echo never")], |task| {
        task.limits.step_log_bytes = 1000;
        task.limits.log_limit = LogLimit::Fail;
    });
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::LogLimit)));
    assert_eq!(outcome.steps[1].exit, None);
}

#[test]
fn steps_have_the_limits_of_their_task_and_are_nicer_than_the_executor() {
    let show = "ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj; nice; umask";
    let attempt = Attempt::with([step(show)], |task| task.limits.open_files = Some(123));
    let outcome = attempt.run();
    assert_eq!(outcome.steps[0].exit, Some(StepExit::Code(0)));
    let own = rustix::process::getpriority_process(None).unwrap();
    let nice = (own + 5).min(19);
    assert_eq!(attempt.log(1), format!("123\n123\n0\n500\n{nice}\n0022\n"));
}

#[test]
fn a_log_that_cannot_be_written_ends_the_attempt() {
    // The step notes how far it has come where there is room.
    let loud = "trap 'echo ended > $EVENT; exit 1' TERM; yes & wait";
    let mut attempt = Attempt::new([step(loud), always("echo \"it runs\" > $EVENT")]);
    let mut supervisor = attempt.supervise_with_small_files();
    assert_eq!((attempt.event().as_str(), attempt.event().as_str()), ("ended", "it runs"));
    assert!(supervisor.end().success());
    let outcome = attempt.outcome();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::DiskFull)));
    let (log, report) = (attempt.log(1), &outcome.logs["0"]);
    assert_eq!(report.size, log.len() as u64);
    assert_eq!(report.blake3, blake3::hash(log.as_bytes()).to_hex().as_str());
    assert!(log.starts_with("y\ny\n"), "what fitted is kept");
}
