use std::fs;

use drydock_executor::attempt::{AttemptPhase, Reason, StepExit, StepOutcome, TaskStep};

use crate::harness::{Attempt, always, step};

#[test]
fn steps_run_in_order_in_one_folder_and_their_logs_are_proven() {
    let attempt = Attempt::new([
        step("echo out; echo err >&2; pwd > where; cat"),
        step(
            "test \"$(cat where)\" = \"$PWD\"; echo $DRYDOCK_STEP of $DRYDOCK_TASK $DRYDOCK_NUMBER",
        ),
    ]);
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Success, None));
    assert_eq!((&*attempt.log(1), &*attempt.log(2)), ("out\nerr\n", "1 of build 7\n"));
    for (number, name) in [(1, "0"), (2, "1")] {
        let content = fs::read(attempt.folder.log_file(number)).unwrap();
        assert_eq!(outcome.logs[name].size, content.len() as u64);
        assert_eq!(outcome.logs[name].blake3, blake3::hash(&content).to_hex().as_str());
    }
    assert!(!outcome.logs.contains_key("setup"));
    for step in &outcome.steps {
        assert_eq!(step.exit, Some(StepExit::Code(0)));
        assert!(step.started_at_ms.unwrap() <= step.ended_at_ms.unwrap());
    }
    assert!(!attempt.folder.task_file().exists(), "it holds secrets");
}

#[test]
fn the_environment_holds_nothing_of_the_executor() {
    let attempt = Attempt::with([step("env")], |task| {
        task.env.insert("LANG".to_owned(), "de".to_owned());
        task.env.insert("DRYDOCK_NUMBER".to_owned(), "8".to_owned());
        task.secrets.insert("PASSWORD".to_owned(), "wonderland".to_owned());
    });
    attempt.run();
    let log = attempt.log(1);
    let mut names: Vec<_> = log.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    let own =
        ["ATTEMPT", "MASK", "NUMBER", "RUN", "STEP", "TASK"].map(|it| format!("DRYDOCK_{it}"));
    let other = ["EVENT", "HOME", "LANG", "LOGNAME", "PASSWORD", "PATH", "TMPDIR", "USER"];
    let mut expected: Vec<_> = own.iter().map(String::as_str).chain(other).collect();
    expected.insert(0, "CI");
    assert_eq!(names, expected);
    for line in ["LANG=de", "DRYDOCK_NUMBER=7", "PASSWORD=***"] {
        assert!(log.lines().any(|other| other == line), "{line} in {log}");
    }
}

#[test]
fn after_a_failed_step_only_those_follow_that_always_run() {
    let attempt = Attempt::new([
        step("exit 3"),
        step("echo never"),
        always("echo always; exit 4"),
        always("echo last"),
    ]);
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::ExitCode)));
    assert_eq!(outcome.message.as_deref(), Some("step 0 ended with exit code 3"));
    let exits: Vec<_> = outcome.steps.iter().map(|step| step.exit).collect();
    let code = |code| Some(StepExit::Code(code));
    assert_eq!(exits, [code(3), None, code(4), code(0)]);
    assert_eq!(outcome.steps[1], StepOutcome::default());
    assert_eq!(outcome.logs.keys().collect::<Vec<_>>(), ["0", "2", "3"]);
}

#[test]
fn a_script_ends_at_its_first_error_and_listed_codes_are_no_error() {
    let allowed = TaskStep { allow_exit: vec![3], ..step("(exit 3); echo never") };
    let attempt = Attempt::new([allowed.clone(), step("true")]);
    assert_eq!(attempt.run().phase, AttemptPhase::Success);
    assert_eq!(attempt.log(1), "");
    let attempt = Attempt::new([TaskStep { command: "exit 4".to_owned(), ..allowed }]);
    assert_eq!(attempt.run().reason, Some(Reason::ExitCode));
}

#[test]
fn a_step_that_is_killed_has_failed_by_its_signal() {
    let outcome = Attempt::new([step("kill -9 $$")]).run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::Signal)));
    let exit = StepExit::Signal { signal: 9, core: false };
    assert_eq!(outcome.steps[0].exit, Some(exit));
}

#[test]
fn a_shell_that_cannot_be_executed_is_no_exit_code() {
    let attempt = Attempt::with([step("true"), step("true")], |task| {
        task.shell = vec!["/nowhere/shell".to_owned()];
    });
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::SetupFailed)));
    assert_eq!((outcome.steps[0].exit, outcome.steps[0].errno), (None, Some(2)));
    assert!(outcome.message.unwrap().contains("`/nowhere/shell` cannot be executed"));
    assert!(attempt.log(1).contains("No such file or directory"));
}

#[test]
fn a_task_that_cannot_be_read_is_a_result_too() {
    let attempt = Attempt::new([step("true")]);
    fs::write(attempt.folder.task_file(), "{").unwrap();
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::SetupFailed)));
}
