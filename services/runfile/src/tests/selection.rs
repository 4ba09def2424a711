use drydock_api::runservice::types::OnNewer;
use drydock_api::when::RefNames;

use super::EXAMPLE;
use crate::parse;

fn branch(name: &str) -> RefNames<'_> {
    RefNames { branch: Some(name), ..RefNames::default() }
}

fn skipped(run: Option<&str>, names: RefNames<'_>) -> Result<Vec<String>, String> {
    let selected = parse(EXAMPLE).unwrap().select(run, names).map_err(|error| error.to_string())?;
    let skipped = selected.tasks.into_iter().filter(|(_, task)| task.skip);
    Ok(skipped.map(|(name, _)| name).collect())
}

#[test]
fn the_run_is_chosen_by_its_condition_and_tasks_are_skipped_by_theirs() {
    assert_eq!(skipped(None, branch("main")), Ok(vec![]));
    assert_eq!(skipped(Some("main"), branch("release-1")), Ok(vec!["report".to_owned()]));
    let nightly = RefNames { r#ref: Some("refs/nightly"), ..RefNames::default() };
    let selected = parse(EXAMPLE).unwrap().select(None, nightly).unwrap();
    assert_eq!((&*selected.name, selected.fail_fast, selected.on_newer), ("nightly", true, None));
    let main = parse(EXAMPLE).unwrap().select(None, branch("main")).unwrap();
    assert_eq!((&*main.name, main.on_newer), ("main", Some(OnNewer::Queue)));
}

#[test]
fn what_cannot_be_chosen_says_why() {
    let refused = |run, names| skipped(run, names).unwrap_err();
    assert_eq!(refused(None, branch("x")), "no run of the file is for this branch, tag or ref");
    assert_eq!(
        refused(Some("main"), branch("x")),
        "the run `main` is not for this branch, tag or ref"
    );
    let tag = RefNames { tag: Some("main"), ..RefNames::default() };
    assert_eq!(refused(None, tag), "no run of the file is for this branch, tag or ref");
    assert_eq!(
        refused(Some("mian"), branch("main")),
        "the file has no run `mian`; did you mean `main`?"
    );
    assert_eq!(
        refused(Some("deploy"), branch("main")),
        "the file has no run `deploy`, it has `main`, `nightly`"
    );
    let both = RefNames { r#ref: Some("refs/nightly"), ..branch("main") };
    assert_eq!(
        refused(None, both),
        "several runs of the file are for this branch, tag or ref, name one: `main`, `nightly`"
    );
}

#[test]
fn the_environment_names_its_variables_and_takes_their_values() {
    let run = parse(EXAMPLE).unwrap().select(None, branch("main")).unwrap();
    let names: Vec<_> = run.environment.variables().into_iter().collect();
    assert_eq!(names, ["registry-token"]);
    let resolved = run.environment.resolve(|name| (name == "registry-token").then_some("s3cret"));
    let resolved: Vec<_> = resolved.unwrap().into_iter().collect();
    let expected = [("RUST_BACKTRACE", "1"), ("TOKEN", "s3cret")];
    assert_eq!(resolved, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let missing = run.environment.resolve(|_| None).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "the environment needs variables that have no value for this run: `registry-token`"
    );
}
