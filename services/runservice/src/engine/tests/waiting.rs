use drydock_api::runservice::types::{Label, WaitingFor};
use serde_json::json;

use super::harness::{DAY, at, name, queued, started};
use crate::engine::RunState;
use crate::engine::group::Start;
use crate::engine::pick::{ExecutorCapacity, Load, PickSettings, ProjectLoad, ReadyTask};
use crate::engine::waiting::{WaitingContext, waiting_for};

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn ready(state: &RunState) -> Vec<ReadyTask> {
    let ready = state.tasks.values().filter_map(|task| {
        Some(ReadyTask {
            task: task.id,
            name: task.name.clone(),
            project: task.project,
            run_place: 1,
            place: task.place,
            priority: 0,
            ready_at: task.ready_at?,
            not_before: task.not_before,
            labels: task.labels.clone(),
            arch: task.arch.clone(),
            pool: task.pool.clone(),
        })
    });
    ready.collect()
}

fn executor(labels: &[&str], active: u32) -> ExecutorCapacity {
    let labels = labels.iter().map(|text| label(text)).collect();
    ExecutorCapacity { labels, arch: Some("arm64".to_owned()), limit: 1, active }
}

fn of(
    state: &RunState,
    task: &str,
    executors: &[ExecutorCapacity],
    load: &Load,
) -> Option<WaitingFor> {
    let (ready, settings) = (ready(state), PickSettings::default());
    let context = WaitingContext {
        start: Start::Nothing,
        executors,
        ready: &ready,
        load,
        settings: &settings,
    };
    waiting_for(state, &name(task), &context, at(0))
}

#[test]
fn a_task_of_a_queued_run_waits_for_its_group_or_the_gate() {
    let state = queued(&json!({"a": {"steps": []}}));
    let (load, settings) = (Load::default(), PickSettings::default());
    for (start, expected) in [
        (Start::Nothing, WaitingFor::Group),
        (Start::Gate, WaitingFor::Gate),
        (Start::Held(at(5)), WaitingFor::Executor { until: at(5) }),
    ] {
        let context =
            WaitingContext { start, executors: &[], ready: &[], load: &load, settings: &settings };
        assert_eq!(waiting_for(&state, &name("a"), &context, at(0)), Some(expected));
    }
}

#[test]
fn everything_that_waits_says_for_what() {
    let tasks = json!({
        "a": {"steps": [], "labels": ["linux", "gpu"]},
        "b": {"steps": [], "depends": ["a", "c"]},
        "c": {"steps": [], "approval": {}},
        "d": {"steps": [], "labels": ["linux"], "concurrency": "db"},
    });
    let mut state = started(&tasks);
    let none = Load::default();
    let both = vec![name("a"), name("c")];
    let expires_at = at(7 * DAY);
    let missing = WaitingFor::Labels {
        labels: vec![label("gpu"), label("linux")],
        missing: vec![label("gpu")],
        arch: None,
    };
    let busy = Load { pools: [("db".to_owned(), 1)].into(), ..Load::default() };
    let project = state.run.project;
    let load = ProjectLoad { running: 1000, last_claim: 1 };
    let full = Load { projects: [(project, load)].into(), ..Load::default() };
    let (linux, gpu) = ([executor(&["linux"], 0)], [executor(&["linux", "gpu"], 1)]);
    for (task, executors, load, expected) in [
        ("b", &[][..], &none, WaitingFor::Tasks { tasks: both }),
        ("c", &[], &none, WaitingFor::Approval { expires_at }),
        ("a", &[], &none, WaitingFor::AnyExecutor),
        ("a", &linux, &none, missing),
        ("a", &gpu, &none, WaitingFor::FreeExecutor),
        ("a", &gpu, &full, WaitingFor::ProjectLimit { limit: 1000 }),
        ("d", &linux, &none, WaitingFor::Turn),
        ("d", &linux, &busy, WaitingFor::Pool { pool: "db".to_owned() }),
    ] {
        assert_eq!(of(&state, task, executors, load), Some(expected), "{task}");
    }
    state.claim("a");
    assert_eq!(of(&state, "a", &linux, &none), None);
    state.succeed("a");
    let open = WaitingFor::Tasks { tasks: vec![name("c")] };
    assert_eq!(of(&state, "b", &linux, &none), Some(open), "only what is not final");
    assert_eq!(of(&state, "a", &linux, &none), None);
    let mut again = started(&json!({"a": {"steps": [], "retry": {"max": 1}}}));
    again.fail("a", 1);
    assert_eq!(of(&again, "a", &linux, &none), Some(WaitingFor::Retry { at: at(5) }));
}
