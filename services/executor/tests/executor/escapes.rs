use drydock_executor::attempt::{AttemptPhase, StepExit};

use crate::harness::{Attempt, is_gone, step};

#[test]
fn a_background_process_holds_the_output_for_two_seconds_and_lives_until_the_end() {
    let mut attempt = Attempt::new([
        step("echo before; sleep 1000 & echo $! > $EVENT; echo $! > pid"),
        step("kill -0 $(cat pid); echo it lives"),
    ]);
    let mut supervisor = attempt.supervise();
    let pid = attempt.pid();
    assert!(supervisor.end().success());
    let outcome = attempt.outcome();
    assert_eq!(outcome.phase, AttemptPhase::Success);
    assert!(attempt.log(1).starts_with("before\ndrydock: a process holds the output"));
    assert_eq!(attempt.log(2), "it lives\n");
    assert!(is_gone(pid));
    let step = &outcome.steps[0];
    let took = step.ended_at_ms.unwrap() - step.started_at_ms.unwrap();
    assert!((2000..20_000).contains(&took), "{took}");
}

#[test]
fn a_background_process_that_writes_is_never_blocked() {
    // It writes more than a pipe holds, and only then lets the second step end.
    let first = "mkfifo done; (while test ! -e go; do sleep 0.1; done; yes | head -c 300000; \
                 echo > done) & true";
    let attempt = Attempt::new([step(first), step("touch go; cat done")]);
    let outcome = attempt.run();
    assert_eq!(outcome.phase, AttemptPhase::Success, "{outcome:?}");
    assert!(!attempt.log(1).contains("y\ny\n"), "what it writes later is not kept");
}

/// Ways to leave the step's process group, its session, and its parent.
const ESCAPES: [&str; 4] = [
    "setsid sh ./stay &",
    "nohup sh ./stay &",
    "(setsid sh -c 'sh ./stay & sleep 1000 &' &)",
    "(env -i EVENT=$EVENT setsid sh ./stay &)",
];

#[test]
fn whatever_left_its_group_session_and_parent_dies_with_the_task() {
    for escape in ESCAPES {
        // Nothing holds the output, and the step ends once the escape has begun.
        let script = format!(
            "exec > /dev/null 2>&1\nmkfifo begun\ncat > stay <<'END'\n\
             trap '' TERM HUP INT; echo $$ > $EVENT; echo > begun; sleep 1000\nEND\n\
             {escape}\ncat begun"
        );
        let mut attempt = Attempt::new([step(&script)]);
        let mut supervisor = attempt.supervise();
        let pid = attempt.pid();
        assert!(supervisor.end().success());
        let outcome = attempt.outcome();
        assert_eq!(
            (outcome.phase, outcome.kill_incomplete),
            (AttemptPhase::Success, false),
            "{escape}"
        );
        assert!(is_gone(pid), "{escape}");
        assert_eq!(attempt.left_behind(), [0; 0], "{escape}");
    }
}

#[test]
fn a_tree_that_grows_while_it_is_killed_is_killed() {
    // Each process ignores the signal and starts two more, six floors deep; then all of them wait.
    let bomb = "trap '' TERM\n\
                if test $1 -gt 0; then for n in 1 2; do sh bomb $(($1 - 1)) & done; fi\n\
                test $1 -gt 0 || echo $$ > $EVENT\n\
                sleep 1000 & wait";
    let first = format!("cat > bomb <<'END'\n{bomb}\nEND\nsh bomb 6");
    let mut attempt = Attempt::new([step(&first)]);
    let mut supervisor = attempt.supervise();
    // Stopped while the tree still grows.
    let mut pids = vec![attempt.pid()];
    attempt.stop(1, 0);
    assert!(supervisor.end().success());
    let outcome = attempt.outcome();
    assert_eq!((outcome.phase, outcome.kill_incomplete), (AttemptPhase::Stopped, false));
    let exit = StepExit::Signal { signal: 9, core: false };
    assert_eq!(outcome.steps[0].exit, Some(exit));
    pids.extend(attempt.reported().iter().map(|pid| pid.parse::<i32>().unwrap()));
    assert!(pids.into_iter().all(is_gone));
    assert_eq!(attempt.left_behind(), [0; 0]);
}
