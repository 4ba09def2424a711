use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use drydock_executor::attempt::{AttemptPhase, Outcome, Reason, StepExit, Stop};
use drydock_executor::driver::{AttemptState, Driver, DriverError};
use drydock_executor::process_driver::ProcessDriver;

use crate::harness::{Attempt, await_end, step, watch};

/// A driver of the folder in which the attempt's is. The attempt is only prepared in it.
fn driver(attempt: &Attempt) -> ProcessDriver {
    let program = env!("CARGO_BIN_EXE_drydock-executor-test").into();
    ProcessDriver::new(
        attempt.folder.path().parent().expect("an attempt is in a folder").to_owned(),
        program,
        Vec::new(),
    )
}

/// An attempt whose folder has the name that a driver gives it, and which is not there yet.
fn unprepared(script: &str) -> (Attempt, drydock_executor::attempt::Task) {
    let attempt = Attempt::new([step(script)]).renamed();
    let task = attempt.folder.read_task().expect("the task can be read").expect("there is a task");
    fs::remove_dir_all(attempt.folder.path()).expect("the folder can be removed");
    (attempt, task)
}

/// The state of an attempt that does not run. A process that another test forks holds a copy of the
/// lock until it becomes another program: so long the attempt seems to run.
fn settled(driver: &mut ProcessDriver, attempt: &str) -> AttemptState {
    let look = || driver.look(attempt).expect("the attempt can be looked at");
    let mut states = std::iter::repeat_with(look).take(100_000);
    states.find(|state| *state != AttemptState::Running).unwrap_or(AttemptState::Running)
}

fn ended(state: AttemptState) -> Outcome {
    match state {
        AttemptState::Ended(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

/// Reports its supervisor's pid, and waits for ever.
const WAIT: &str = "echo so far; echo $PPID > $EVENT; echo $$ > $EVENT; sleep 1000";

#[test]
fn an_attempt_is_started_once_stopped_and_removed() {
    let (mut attempt, task) = unprepared(WAIT);
    let mut driver = driver(&attempt);
    assert_eq!(settled(&mut driver, &attempt.id), AttemptState::Absent);
    driver.start(&task).unwrap();
    assert_eq!(driver.look(&attempt.id).unwrap(), AttemptState::Running);
    let again = driver.start(&task);
    assert!(matches!(again, Err(DriverError::Running(_))), "{again:?}");
    let supervisor = watch(attempt.pid());
    assert!(matches!(driver.remove(&attempt.id), Err(DriverError::Running(_))));
    assert_eq!(driver.list().unwrap(), std::slice::from_ref(&attempt.id));
    let stop = Stop { reason: Reason::Superseded, grace_ms: 20_000, order: 1 };
    driver.order(&attempt.id, &stop).unwrap();
    await_end(&supervisor);
    let outcome = ended(settled(&mut driver, &attempt.id));
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Stopped, Some(Reason::Superseded)));
    let again = driver.start(&task);
    assert!(matches!(again, Err(DriverError::AlreadyStarted(_))), "{again:?}");
    driver.remove(&attempt.id).unwrap();
    assert_eq!(settled(&mut driver, &attempt.id), AttemptState::Absent);
    assert!(matches!(driver.order(&attempt.id, &stop), Err(DriverError::Absent(_))));
    driver.remove(&attempt.id).unwrap();
}

#[test]
fn a_running_attempt_is_adopted_by_the_next_driver() {
    let (mut attempt, task) = unprepared("echo $PPID > $EVENT; cat $EVENT.go; echo done");
    let go = attempt.make_gate();
    driver(&attempt).start(&task).unwrap();
    let supervisor = watch(attempt.pid());
    let mut next = driver(&attempt);
    assert_eq!(next.list().unwrap(), std::slice::from_ref(&attempt.id));
    assert_eq!(next.look(&attempt.id).unwrap(), AttemptState::Running);
    go.open();
    await_end(&supervisor);
    assert_eq!(ended(settled(&mut next, &attempt.id)).phase, AttemptPhase::Success);
    assert_eq!(attempt.log(1), "done\n");
}

#[test]
fn an_attempt_whose_supervisor_was_killed_has_failed_and_nothing_of_it_runs() {
    let (mut attempt, task) = unprepared(WAIT);
    let mut driver = driver(&attempt);
    driver.start(&task).unwrap();
    let (supervisor, shell) = (attempt.pid(), watch(attempt.pid()));
    let ends = watch(supervisor);
    let pid = rustix::process::Pid::from_raw(supervisor).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    await_end(&ends);
    let outcome = ended(settled(&mut driver, &attempt.id));
    await_end(&shell);
    assert_eq!(
        (outcome.phase, outcome.reason),
        (AttemptPhase::Failed, Some(Reason::ExecutorRestarted))
    );
    // What the supervisor had not read from the pipe is gone with it.
    let written = b"so far\n";
    let log = &outcome.logs["0"];
    let kept = usize::try_from(log.size).unwrap();
    assert!([0, written.len()].contains(&kept), "{log:?}");
    assert_eq!(log.blake3, blake3::hash(&written[..kept]).to_hex().as_str());
    assert!(!attempt.folder.task_file().exists(), "it holds secrets");
    assert_eq!(ended(settled(&mut driver, &attempt.id)), outcome, "it is said once and for all");
    assert!(matches!(driver.start(&task), Err(DriverError::AlreadyStarted(_))));
}

#[test]
fn an_attempt_that_was_only_prepared_is_started() {
    let (mut attempt, task) = unprepared("echo $PPID > $EVENT");
    let mut driver = driver(&attempt);
    // As after a crash between the task's file and the supervisor.
    fs::create_dir(attempt.folder.path()).unwrap();
    attempt.folder.write_task(&task).unwrap();
    assert_eq!(settled(&mut driver, &attempt.id), AttemptState::NotStarted);
    while let Err(error) = driver.start(&task) {
        assert!(matches!(error, DriverError::Running(_)), "{error}");
    }
    await_end(&watch(attempt.pid()));
    let outcome = ended(settled(&mut driver, &attempt.id));
    assert_eq!(outcome.steps[0].exit, Some(StepExit::Code(0)));
}

#[test]
fn a_supervisor_that_cannot_be_started_leaves_the_attempt_to_be_started() {
    let (attempt, task) = unprepared("true");
    let root = attempt.folder.path().parent().unwrap().to_owned();
    let mut broken = ProcessDriver::new(root, "/nowhere/drydock".into(), Vec::new());
    assert!(matches!(broken.start(&task), Err(DriverError::Io { .. })));
    assert_eq!(settled(&mut broken, &attempt.id), AttemptState::NotStarted);
}

#[test]
fn ids_are_names_of_files_and_nothing_else() {
    let (attempt, task) = unprepared("true");
    let mut driver = driver(&attempt);
    for id in ["", ".", "..", "a/b", "../x", "a b", "a\0b", &"a".repeat(65)] {
        let task = drydock_executor::attempt::Task { attempt: id.to_owned(), ..task.clone() };
        assert!(matches!(driver.start(&task), Err(DriverError::InvalidId(_))), "{id}");
        assert!(matches!(driver.look(id), Err(DriverError::InvalidId(_))), "{id}");
        assert!(matches!(driver.remove(id), Err(DriverError::InvalidId(_))), "{id}");
    }
}

#[test]
fn folders_that_steps_have_closed_are_removed_and_links_are_not_followed() {
    let (attempt, _) = unprepared("true");
    let outside = attempt.folder.path().with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("kept"), "kept").unwrap();
    let closed = attempt.folder.work().join("closed/inner");
    fs::create_dir_all(&closed).unwrap();
    std::os::unix::fs::symlink(&outside, closed.join("link")).unwrap();
    for folder in [closed.as_path(), closed.parent().unwrap()] {
        fs::set_permissions(folder, Permissions::from_mode(0o0)).unwrap();
    }
    driver(&attempt).remove(&attempt.id).unwrap();
    assert!(!attempt.folder.path().exists());
    assert_eq!(fs::read_to_string(outside.join("kept")).unwrap(), "kept");
}
