//! The commands of README and CONTRIBUTING share what they build: a dependency that has other
//! features in tests than in programs is built twice, and so is all that stands on it.

use std::collections::BTreeSet;

use super::tracked::{files, run};

/// Every package with its features, as these kinds of dependencies make them.
fn packages(kinds: &str) -> BTreeSet<String> {
    let tree = ["tree", "--workspace", "--offline", "--locked", "--prefix", "none"];
    let format = ["--format", "{p} [{f}]", "--edges", kinds];
    let tree = run(env!("CARGO"), &[&tree[..], &format].concat());
    tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

#[test]
fn tests_change_no_features_of_what_programs_are_built_of() {
    let (programs, with_tests) = (packages("normal,build"), packages("normal,build,dev"));
    let changed: Vec<_> = programs.difference(&with_tests).collect();
    assert_eq!(changed, [""; 0], "let `drydock-tests` depend on what adds the features");
}

/// With `-p` cargo takes the features of one package alone.
#[test]
fn no_command_for_newcomers_chooses_a_package() {
    let pages = files().into_iter().filter(|file| {
        ["README.md", "CONTRIBUTING.md", "justfile", ".cargo/config.toml"].contains(&&*file.path)
    });
    let chosen: Vec<_> = pages
        .flat_map(|page| page.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.contains("cargo ") && line.contains(" -p "))
        .collect();
    assert_eq!(chosen, [""; 0]);
}
