//! Steps that save and restore caches, with the real helper processes. The test plays the executor.

use std::fs;
use std::os::unix::fs::FileExt;

use drydock_executor::attempt::{
    AttemptPhase, CacheContext, FOUND, FoundCache, Frame, NOTHING, Reason, StepAction, Task,
    TaskStep, WantedCache,
};
use rustix::event::poll;
use rustix::time::Timespec;

use crate::harness::{Attempt, step};

/// How often the keys of a step are looked for, and for how long.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
const LOOKS: usize = 12_000;

fn save(key: &str, paths: &[&str]) -> TaskStep {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let action = StepAction::SaveCache { key: key.to_owned(), paths };
    TaskStep { action, ..TaskStep::default() }
}

fn restore(keys: &[&str]) -> TaskStep {
    let keys = keys.iter().map(|&key| key.to_owned()).collect();
    TaskStep { action: StepAction::RestoreCache(keys), ..TaskStep::default() }
}

fn on_main(task: &mut Task) {
    let [branch, sha, arch] = ["main", "0123abc", "x86_64"].map(str::to_owned);
    task.cache = Some(CacheContext { branch, sha, arch });
}

/// Waits until a step wants something.
fn wanted(attempt: &Attempt) -> WantedCache {
    for _ in 0..LOOKS {
        let text = fs::read_to_string(attempt.folder.cache_keys_file());
        if let Some(wanted) = text.ok().and_then(|text| WantedCache::parse(&text)) {
            return wanted;
        }
        let _ = poll(&mut [], Some(&LOOK));
    }
    panic!("no step wants anything");
}

/// Answers a step, the first byte last.
fn answer(attempt: &Attempt, step: u16, first: u8, content: &[u8]) {
    let path = attempt.folder.cache_file(step.into());
    let file =
        fs::OpenOptions::new().write(true).open(path).expect("a test can use files and processes");
    file.write_all_at(content, 1).expect("a test can use files and processes");
    file.write_all_at(&[first], 0).expect("a test can use files and processes");
}

fn found(key: &str, archive: &[u8]) -> Vec<u8> {
    let found = FoundCache { key: key.to_owned(), scope: "branch/main".to_owned() };
    let (task, size) =
        ("cache".parse().expect("a test can use files and processes"), archive.len() as u64);
    [found.line(), Frame { task, above: [].into(), size }.line(), archive.to_vec()].concat()
}

#[test]
fn what_a_step_saves_another_attempt_restores() {
    let script = "mkdir deps; echo library > deps/a; echo 1 > lock";
    let key = "deps-${branch}-${arch}-${sha}-${hash:lock}";
    let saving = Attempt::with([step(script), save(key, &["deps/**"])], on_main);
    let outcome = saving.run();
    assert_eq!(outcome.phase, AttemptPhase::Success, "{}", saving.log(2));
    let saved = &outcome.caches["1"];
    let hash = blake3::hash(b"1\n").to_hex();
    assert_eq!(saved.key, format!("deps-main-x86_64-0123abc-{}", &hash[..32]));
    assert!(outcome.archives.is_empty(), "it is no archive of the task's");
    let file = fs::read(saving.folder.archive_file(1)).unwrap();
    let archive = &file[usize::try_from(saved.offset).unwrap()..];
    assert_eq!(saved.archive.size, archive.len() as u64);
    assert_eq!(saved.archive.blake3, blake3::hash(archive).to_hex().as_str());

    let steps = [
        step("echo 1 > lock"),
        restore(&[key, "deps-"]),
        step("cat deps/a"),
        save(key, &["deps/**"]),
    ];
    let restoring = Attempt::with(steps, on_main);
    let mut supervisor = restoring.supervise();
    let keys = [saved.key.clone(), "deps-".to_owned()].to_vec();
    assert_eq!(wanted(&restoring), WantedCache { step: 1, keys });
    answer(&restoring, 1, FOUND, &found(&saved.key, archive));
    assert!(supervisor.end().success());
    let outcome = restoring.outcome();
    assert_eq!(outcome.phase, AttemptPhase::Success, "{}", restoring.log(2));
    let log = restoring.log(2);
    assert!(log.starts_with(&format!("`{}` of `branch/main`: ", saved.key)), "{log}");
    assert_eq!(restoring.log(3), "library\n");
    assert_eq!(restoring.log(4), format!("`{}` is cached already\n", saved.key));
    assert!(outcome.caches.is_empty(), "nobody has to save it again");
    assert!(!restoring.folder.cache_file(1).exists(), "it takes no room any more");
}

#[test]
fn nothing_that_is_cached_is_no_failure() {
    let attempt = Attempt::with([restore(&["deps"]), step("echo on")], on_main);
    let mut supervisor = attempt.supervise();
    assert_eq!(wanted(&attempt).keys, ["deps"]);
    answer(&attempt, 0, NOTHING, b"nothing is cached under these keys");
    assert!(supervisor.end().success());
    assert_eq!(attempt.outcome().phase, AttemptPhase::Success);
    assert_eq!(attempt.log(1), "nothing is cached under these keys\n");
    assert_eq!(attempt.log(2), "on\n");
}

#[test]
fn a_run_without_caches_goes_on_without_them() {
    let steps = [step("echo x > x"), restore(&["${branch}"]), save("x", &["x"]), step("echo on")];
    let attempt = Attempt::new(steps);
    let outcome = attempt.run();
    assert_eq!(outcome.phase, AttemptPhase::Success, "{}", attempt.log(2));
    assert_eq!([attempt.log(2), attempt.log(3)], ["this run has no caches\n"; 2]);
    assert!(outcome.caches.is_empty());
}

#[test]
fn a_key_that_cannot_be_is_told_and_fails_the_task() {
    for (key, problem) in [
        ("a-${pr}", "has a placeholder that is none of"),
        ("${hash:absent}", "`./absent`: No such file"),
        ("${branch", "has a placeholder that is none of"),
        ("", "is no key of a cache"),
    ] {
        for step in [save(key, &["*"]), restore(&[key])] {
            let attempt = Attempt::with([step], on_main);
            let outcome = attempt.run();
            assert_eq!(outcome.reason, Some(Reason::ExitCode), "{key}");
            assert!(attempt.log(1).contains(problem), "{key}: {}", attempt.log(1));
            assert!(outcome.caches.is_empty());
        }
    }
}

#[test]
fn what_arrives_damaged_fails_the_step_and_leaves_the_folder_alone() {
    let attempt = Attempt::with([restore(&["deps"])], on_main);
    let mut supervisor = attempt.supervise();
    wanted(&attempt);
    answer(&attempt, 0, FOUND, &found("deps", b"no archive"));
    assert!(supervisor.end().success());
    assert_eq!(attempt.outcome().reason, Some(Reason::ExitCode), "{}", attempt.log(1));
}

#[test]
fn a_stop_ends_a_step_that_waits_for_its_cache() {
    let attempt = Attempt::with([restore(&["deps"]), step("echo never")], on_main);
    let mut supervisor = attempt.supervise();
    wanted(&attempt);
    attempt.stop(1, 0);
    assert!(supervisor.end().success());
    assert_eq!(attempt.outcome().phase, AttemptPhase::Stopped);
    assert_eq!(attempt.left_behind(), [0; 0]);
}
