use drydock_executor::attempt::AttemptPhase;
use drydock_executor::supervisor::kill_attempt;

use crate::harness::{Attempt, await_end, is_gone, step, watch};

#[test]
fn of_two_supervisors_one_gives_up() {
    let mut attempt = Attempt::new([step("echo $$ > $EVENT; cat $EVENT.go")]);
    let go = attempt.make_gate();
    let mut first = attempt.supervise();
    attempt.pid();
    assert_eq!(attempt.supervise().end().code(), Some(3));
    go.open();
    assert!(first.end().success());
    assert_eq!(attempt.outcome().phase, AttemptPhase::Success);
    assert_eq!(attempt.supervise().end().code(), Some(4), "it is never begun again");
    assert_eq!(attempt.outcome().phase, AttemptPhase::Success);
}

#[test]
fn what_a_killed_supervisor_leaves_is_found_and_killed() {
    let escape = "(setsid sh -c 'echo $$ > $EVENT; sleep 1000' < /dev/null > /dev/null 2>&1 &)\n\
                  echo $$ > $EVENT; sleep 1000";
    let mut attempt = Attempt::new([step(escape)]);
    let mut supervisor = attempt.supervise();
    let pids = [attempt.pid(), attempt.pid()];
    let processes = pids.map(watch);
    assert!(attempt.folder.lock().unwrap().is_none());
    supervisor.kill();
    assert!(attempt.folder.lock().unwrap().is_some(), "the lock ends with its holder");
    assert!(!pids.into_iter().any(is_gone));
    assert!(kill_attempt(&attempt.id));
    processes.iter().for_each(await_end);
    assert_eq!(attempt.supervise().end().code(), Some(4), "it is never begun again");
    assert_eq!(attempt.folder.read_outcome().unwrap(), None);
}

#[test]
fn a_suspended_supervisor_goes_on() {
    let mut attempt = Attempt::new([step("echo $$ > $EVENT; cat $EVENT.go")]);
    let go = attempt.make_gate();
    let mut supervisor = attempt.supervise();
    attempt.pid();
    rustix::process::kill_process(supervisor.pid(), rustix::process::Signal::STOP).unwrap();
    go.open();
    assert!(attempt.folder.lock().unwrap().is_none(), "it still has the attempt");
    rustix::process::kill_process(supervisor.pid(), rustix::process::Signal::CONT).unwrap();
    assert!(supervisor.end().success());
    assert_eq!(attempt.outcome().phase, AttemptPhase::Success);
}
