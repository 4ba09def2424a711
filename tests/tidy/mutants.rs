//! Mutants are patches that break an invariant on purpose. One that does not apply any more proves
//! nothing.

use crate::tracked::{File, files, run};

fn mutants() -> Vec<File> {
    let is_mutant = |file: &File| file.path.starts_with("sim/mutants/");
    files().into_iter().filter(is_mutant).filter(|it| it.path.ends_with(".patch")).collect()
}

#[test]
fn every_mutant_says_what_it_breaks() {
    for mutant in mutants() {
        let head = mutant.text.lines().next().unwrap_or_default();
        let sentence = head.contains(' ') && !head.starts_with("diff ") && !head.starts_with("---");
        assert!(sentence, "{} does not begin with a sentence: `{head}`", mutant.path);
    }
}

#[test]
fn every_mutant_applies() {
    for mutant in mutants() {
        run("git", &["apply", "--check", &mutant.path]);
    }
}
