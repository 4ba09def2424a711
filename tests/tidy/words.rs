//! Words that must not appear. They are put together here so that they do not appear here either.

use crate::tracked::{File, files, rust_files};

/// Where `words` appear in the files that are `meant`.
fn found(files: &[File], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            let line = line.trim();
            let is_word = |word: &&&str| line.contains(**word);
            if let Some(word) = words.iter().find(is_word) {
                found.push(format!("{}:{}: {word}", file.path, number + 1));
            }
        }
    }
    found
}

#[test]
fn no_path_of_a_particular_machine_appears() {
    let paths =
        [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/tm", "p/")];
    assert_eq!(found(&files(), &paths), [""; 0]);
}

#[test]
fn nothing_is_left_to_be_done_or_silenced() {
    let words = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
        concat!("#[al", "low("),
        concat!("#![al", "low("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("XX", "X"),
    ];
    assert_eq!(found(&rust_files(), &words), [""; 0]);
}

/// Test code that waits for something outside of its process, by looking again and again.
const LOOKING: [&str; 3] = [
    "services/drydock/tests/process/harness.rs",
    // A handler that takes its time, for tests whose time is paused.
    "services/http/src/tests/service.rs",
    "tests/process/deployment.rs",
];

/// A sleep under paused time, or in the simulator's world, is a step of simulated time; any other
/// makes a test slow or wrong.
#[test]
fn tests_do_not_sleep() {
    let sleep = concat!("sle", "ep(");
    let mut asleep = Vec::new();
    for file in rust_files() {
        let (code, beside) = file.parts();
        let tests = if file.is_test() { code } else { beside };
        let simulated =
            file.text.contains("start_paused") || file.path.starts_with("sim/harness/src/world/");
        if !simulated && tests.iter().any(|line| line.contains(sleep)) {
            asleep.push(file.path);
        }
    }
    assert_eq!(asleep, LOOKING);
}
