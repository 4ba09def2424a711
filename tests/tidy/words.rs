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
        concat!("#[al", "low("),
        concat!("#![al", "low("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("XX", "X"),
    ];
    assert_eq!(found(&rust_files(), &words), [""; 0]);
}

/// The tests that need what `.ci/servers` fetches; no other may be left out.
const IGNORED: [&str; 3] = [
    concat!("#[ig", "nore = \"needs real servers: `.ci/test` brings them\"]"),
    concat!("#[ig", "nore = \"needs Chromium: `.ci/test` brings it\"]"),
    concat!("#[ig", "nore = \"needs openapi-python-client: `.ci/test` brings it\"]"),
];

#[test]
fn only_tests_of_what_is_fetched_are_ignored() {
    let ignored = found(&rust_files(), &[concat!("#[ig", "nore")]);
    let lines: Vec<_> = rust_files()
        .iter()
        .flat_map(|file| {
            let lines = file.text.lines().map(|line| line.trim().to_owned());
            lines.filter(|line| IGNORED.contains(&line.as_str())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(ignored.len(), lines.len(), "others among {ignored:#?}");
}

/// Functions that make files or folders which other users may read.
#[test]
fn the_product_makes_files_for_their_owner_only() {
    let bare = [
        concat!("fs::wr", "ite("),
        concat!("File::cre", "ate"),
        concat!("File::opt", "ions("),
        concat!("OpenOptions::n", "ew("),
        concat!("DirBuilder::n", "ew("),
        concat!("create_", "dir("),
        concat!("fs::create_", "dir_all("),
        concat!("fs::co", "py("),
    ];
    let product = ["core/", "backends/src/", "services/"];
    let mut made = Vec::new();
    for file in rust_files() {
        let inside = product.iter().any(|folder| file.path.starts_with(folder));
        let helper = ["core/src/private.rs", "backends/src/testing/"];
        if !inside || file.is_test() || helper.iter().any(|path| file.path.starts_with(path)) {
            continue;
        }
        for line in file.parts().0 {
            if bare.iter().any(|word| line.contains(word)) {
                made.push(format!("{}: {}", file.path, line.trim()));
            }
        }
    }
    assert_eq!(made, [""; 0], "use `drydock_core::private`");
}

/// A thread that sleeps may be one of the runtime's, which others need: tasks sleep by the runtime.
#[test]
fn no_thread_of_the_product_sleeps() {
    let asleep = [concat!("thread::sle", "ep"), concat!("busy_time", "out(")];
    let mut found = found(&rust_files(), &asleep);
    found.retain(|line| !line.starts_with("tests/") && !line.starts_with("sim/"));
    // The one call turns the waiting of SQLite off.
    let [one] = &found[..] else { panic!("use tokio's time: {found:#?}") };
    assert!(one.starts_with("core/src/db/mod.rs:"), "{one}");
}

/// Test code that waits for something outside of its process, by looking again and again.
const LOOKING: [&str; 5] = [
    "services/drydock/tests/process/harness.rs",
    // A handler that takes its time, for tests whose time is paused.
    "services/http/src/tests/service.rs",
    // Its time is that of a runtime that is paused.
    "tests/api/outages.rs",
    "tests/backends/space.rs",
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
