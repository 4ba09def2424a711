//! Steps that save and restore, with the real helper processes.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};

use drydock_executor::attempt::{
    AttemptPhase, Frame, Reason, StepAction, StepExit, Task, TaskStep, User,
};
use rustix::fs::{FileType, Mode};

use crate::harness::{Attempt, step};

fn save(paths: &[&str]) -> TaskStep {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    TaskStep { action: StepAction::Save(paths), ..TaskStep::default() }
}

fn restore() -> TaskStep {
    TaskStep { action: StepAction::Restore, ..TaskStep::default() }
}

/// What a task saves after this script.
fn saved(script: &str) -> Vec<u8> {
    let attempt = Attempt::new([step(script), save(&["*"])]);
    let outcome = attempt.run();
    assert_eq!(outcome.phase, AttemptPhase::Success, "{outcome:?} {}", attempt.log(2));
    fs::read(attempt.folder.archive_file(1)).expect("a test can use files and processes")
}

/// An attempt that restores what these tasks have saved, each after those above it.
fn restoring(archives: &[(&str, &[&str], Vec<u8>)], steps: Vec<TaskStep>) -> Attempt {
    restoring_with(archives, steps, |_| ())
}

fn restoring_with(
    archives: &[(&str, &[&str], Vec<u8>)],
    steps: Vec<TaskStep>,
    change: impl FnOnce(&mut Task),
) -> Attempt {
    let attempt = Attempt::with(steps, change);
    let mut restored = Vec::new();
    for (task, above, archive) in archives {
        let above = above
            .iter()
            .map(|name| name.parse().expect("a test can use files and processes"))
            .collect();
        let size = archive.len() as u64;
        restored.extend(
            Frame { task: task.parse().expect("a test can use files and processes"), above, size }
                .line(),
        );
        restored.extend(archive);
    }
    fs::write(attempt.folder.restore_file(), restored).expect("a test can use files and processes");
    attempt
}

#[test]
fn what_a_step_saves_another_task_restores() {
    let script = "mkdir -p out/bin; echo 'echo built' > out/bin/app; chmod 755 out/bin/app";
    let attempt = Attempt::new([step(script), save(&["out/**/app"]), step("echo after")]);
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Success, None));
    assert_eq!(outcome.steps[1].exit, Some(StepExit::Code(0)));
    let archive = fs::read(attempt.folder.archive_file(1)).unwrap();
    let report = &outcome.archives["1"];
    assert_eq!(report.size, archive.len() as u64);
    assert_eq!(report.blake3, blake3::hash(&archive).to_hex().as_str());
    assert!(attempt.log(2).starts_with("1 files and folders, 11 bytes"), "{}", attempt.log(2));

    let attempt = restoring(&[("build", &[], archive)], vec![restore(), step("sh out/bin/app")]);
    let outcome = attempt.run();
    assert_eq!(outcome.phase, AttemptPhase::Success, "{}", attempt.log(1));
    assert_eq!(attempt.log(2), "built\n");
    assert!(!outcome.logs.contains_key("setup"));
}

#[test]
fn nothing_to_restore_is_no_failure() {
    let attempt = Attempt::new([restore(), step("echo on")]);
    assert_eq!(attempt.run().phase, AttemptPhase::Success);
    assert_eq!(attempt.log(2), "on\n");
}

#[test]
fn a_task_may_save_and_restore_more_than_once() {
    let steps = || vec![restore(), step("rm x"), restore(), step("cat x")];
    let attempt = restoring(&[("a", &[], saved("echo x > x"))], steps());
    assert_eq!(attempt.run().phase, AttemptPhase::Success, "{}", attempt.log(3));
    assert_eq!(attempt.log(4), "x\n");
    let attempt = Attempt::new([step("echo a > a; echo b > -b"), save(&["a"]), save(&["-b"])]);
    let outcome = attempt.run();
    assert_eq!(outcome.phase, AttemptPhase::Success, "{}", attempt.log(3));
    let [one, other] = ["1", "2"].map(|step| &outcome.archives[step]);
    assert_ne!(one, other, "each step has an archive of its own");
}

#[test]
fn a_secret_in_the_name_of_a_file_is_masked_where_the_setup_tells_of_it() {
    let archives = [
        ("left", &[][..], saved("echo left > hunter22")),
        ("right", &[][..], saved("echo right > hunter22")),
    ];
    let attempt = restoring_with(&archives, vec![restore()], |task| {
        task.secrets.insert("PASSWORD".to_owned(), "hunter22".to_owned());
    });
    assert_eq!(attempt.run().phase, AttemptPhase::Success, "{}", attempt.log(1));
    let told = attempt.log(0) + &attempt.log(1);
    assert!(told.contains("` differs between") && !told.contains("hunter22"), "{told}");
}

#[test]
fn a_pattern_that_matches_nothing_fails_the_task() {
    let attempt = Attempt::new([save(&["target/app"]), step("echo never")]);
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::ExitCode)));
    assert!(outcome.archives.is_empty());
    assert!(attempt.log(1).contains("`target/app` matches nothing"), "{}", attempt.log(1));
    assert_eq!(outcome.steps[1].exit, None, "no further step runs");
}

#[test]
fn files_that_parents_have_made_differently_are_told_in_the_log_of_the_setup() {
    let archives = [
        ("left", &[][..], saved("echo left > both; echo same > same")),
        ("right", &[][..], saved("echo right > both; echo same > same")),
    ];
    let attempt = restoring(&archives, vec![restore(), step("cat both same")]);
    let outcome = attempt.run();
    assert_eq!(outcome.phase, AttemptPhase::Success, "{}", attempt.log(1));
    assert_eq!(attempt.log(2), "right\nsame\n");
    let setup = attempt.log(0);
    assert!(setup.starts_with("drydock: warning: `both` differs between"), "{setup}");
    assert_eq!(setup.lines().count(), 1, "{setup}");
    assert_eq!(outcome.logs["setup"].blake3, blake3::hash(setup.as_bytes()).to_hex().as_str());
}

#[test]
fn an_archive_that_is_damaged_fails_the_task() {
    let mut archive = saved("echo x > x");
    let last = archive.len() - 1;
    archive.truncate(last);
    let attempt = restoring(&[("a", &[], archive)], vec![restore(), step("echo never")]);
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::ExitCode)));
    assert_eq!(outcome.steps[1].exit, None);
}

#[test]
fn a_stop_ends_the_packing_too() {
    let attempt = Attempt::new([
        step("mkfifo pipe; echo x > x; mkdir many; cd many; for i in $(seq 500); do : > $i; done"),
        save(&["*"]),
    ]);
    // The order is there before the first step: the packing does not begin.
    attempt.stop(1, 0);
    let outcome = attempt.run();
    assert_eq!(outcome.phase, AttemptPhase::Stopped);
    assert!(outcome.archives.is_empty());
    assert_eq!(attempt.left_behind(), [0; 0]);
}

#[test]
fn the_process_that_unpacks_knows_its_attempt_alone_and_ends_with_a_stop() {
    let archive = saved("head -c 300000 /dev/urandom > random");
    let attempt = Attempt::new([restore()]);
    let path = attempt.folder.restore_file();
    rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
    // Open for both: the supervisor need not wait for a writer, and there is no end.
    let mut pipe = File::options().read(true).write(true).open(&path).unwrap();
    let mut supervisor = attempt.supervise();
    let size = archive.len() as u64 + 1;
    let frame = Frame { task: "a".parse().unwrap(), above: BTreeSet::new(), size };
    pipe.write_all(&frame.line()).unwrap();
    // It is more than a pipe holds: afterwards, the process has begun to unpack.
    pipe.write_all(&archive).unwrap();
    let [pid] = attempt.left_behind()[..] else { panic!("one process unpacks") };
    let environment = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    assert_eq!(environment, format!("DRYDOCK_ATTEMPT={}\0", attempt.id));
    attempt.stop(1, 0);
    assert!(supervisor.end().success());
    assert_eq!(attempt.outcome().phase, AttemptPhase::Stopped);
    assert_eq!(attempt.left_behind(), [0; 0]);
}

/// Only root can tell the steps' user from the executor's.
#[test]
fn a_step_saves_nothing_that_its_user_cannot_read() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (uid, gid) = (65534, 65534);
    let attempt = Attempt::with([step("echo mine > mine"), save(&["*"])], |task| {
        task.user = Some(User { name: "nobody".to_owned(), uid, gid });
    });
    // As a folder of attempts is: the way to the steps' home is open.
    let outer = attempt.folder.path().parent().unwrap();
    fs::set_permissions(outer, Permissions::from_mode(0o711)).unwrap();
    let outcome = attempt.run();
    assert_eq!(outcome.phase, AttemptPhase::Success, "{outcome:?}");
    let mode = attempt.folder.archive_file(1).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the archive is the executor's");

    // A file of the executor's own in the working folder, as a hard link can bring it there.
    let waits = step("echo up > $EVENT; cat $EVENT.go");
    let attempt = Attempt::with([waits, save(&["*"])], |task| {
        task.user = Some(User { name: "nobody".to_owned(), uid, gid });
    });
    let outer = attempt.folder.path().parent().unwrap();
    fs::set_permissions(outer, Permissions::from_mode(0o711)).unwrap();
    chown(outer.join("events"), Some(uid), Some(gid)).unwrap();
    let gate = attempt.make_gate();
    chown(outer.join("events.go"), Some(uid), Some(gid)).unwrap();
    let mut attempt = attempt;
    let mut supervisor = attempt.supervise();
    assert_eq!(attempt.event(), "up");
    let secret = attempt.folder.work().join("secret");
    fs::write(&secret, "the executor's").unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    gate.open();
    assert!(supervisor.end().success());
    let outcome = attempt.outcome();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::ExitCode)));
    assert!(attempt.log(2).contains("`secret`: Permission denied"), "{}", attempt.log(2));
    assert!(outcome.archives.is_empty());
}
