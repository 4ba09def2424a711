use drydock_api::runservice::types::{AttemptId, Phase, Reason, RestartFrom, RunId, TaskId};
use serde_json::json;

use super::harness::{at, id, name, queued, started};
use crate::engine::RunState;
use crate::engine::restart::{NotRestartable, kept};
use crate::engine::stop::cancel;
use crate::record::Kept;

fn names(state: &RunState) -> Result<String, NotRestartable> {
    let kept = kept(state, RestartFrom::Failed)?;
    Ok(kept.keys().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

/// Two tasks that save, one that fails, and two below it.
fn failed_run() -> RunState {
    let save = json!({"save": {"paths": ["x"]}});
    let tasks = json!({
        "build": {"steps": [save.clone()]},
        "lint": {"steps": [], "allow_failure": true},
        "test": {"steps": [{"restore": {}}], "depends": ["build"]},
        "deploy": {"steps": [], "depends": ["test", "lint"]},
        "report": {"steps": [], "depends": [{"test": "always"}]},
    });
    let mut state = started(&tasks);
    state.succeed("build");
    state.fail("lint", 1);
    state.fail("test", 1);
    state.succeed("report");
    assert_eq!(state.run.phase, Phase::Finished);
    state
}

#[test]
fn from_failed_keeps_successes_without_anything_new_above_them() {
    let state = failed_run();
    assert_eq!(names(&state), Ok("build lint".to_owned()));
    let of_build = kept(&state, RestartFrom::Failed).unwrap()[&name("build")];
    let build = state.task(&name("build"));
    assert_eq!(of_build, Kept { run: build.run, task: build.id, attempt: build.attempt });
    assert_eq!(kept(&state, RestartFrom::Start), Ok([].into()));
}

#[test]
fn what_was_kept_before_is_kept_as_the_first_attempt() {
    let mut state = failed_run();
    let first = Kept { run: RunId(id(50)), task: TaskId(id(51)), attempt: Some(AttemptId(id(52))) };
    state.task_mut(&name("build")).kept = Some(first);
    assert_eq!(kept(&state, RestartFrom::Failed).unwrap()[&name("build")], first);
}

#[test]
fn a_restart_that_could_not_work_is_refused() {
    let mut state = failed_run();
    state.task_mut(&name("build")).archives_missing = true;
    let (task, needs) = (name("build"), name("test"));
    assert_eq!(names(&state), Err(NotRestartable::ArchivesExpired { task, needs }));
    // From the start, nothing is needed; and archives that nobody restores are not missed.
    assert_eq!(kept(&state, RestartFrom::Start), Ok([].into()));
    let mut state = failed_run();
    state.task_mut(&name("lint")).archives_missing = true;
    assert_eq!(names(&state), Ok("build lint".to_owned()));
}

#[test]
fn only_a_run_that_has_ended_is_restarted() {
    let tasks = json!({"a": {"steps": []}});
    let mut cancelled = queued(&tasks);
    cancel(&mut cancelled, Reason::StoppedByUser, at(0)).unwrap();
    let mut done = started(&tasks);
    done.succeed("a");
    let mut bad = queued(&tasks);
    bad.run.phase = Phase::SetupError;
    for (state, from, expected) in [
        (queued(&tasks), RestartFrom::Start, Some(NotRestartable::Phase(Phase::Queued))),
        (started(&tasks), RestartFrom::Start, Some(NotRestartable::Phase(Phase::Running))),
        (bad, RestartFrom::Start, Some(NotRestartable::Phase(Phase::SetupError))),
        (cancelled.clone(), RestartFrom::Start, None),
        (cancelled, RestartFrom::Failed, None),
        (done.clone(), RestartFrom::Start, None),
        (done, RestartFrom::Failed, Some(NotRestartable::NothingFailed)),
    ] {
        assert_eq!(kept(&state, from).err(), expected, "{} from {from}", state.run.phase);
    }
}
