use serde_json::{Value, json};

use super::harness::{name, specs};
use crate::engine::definition::{MAX_DEFINITION_BYTES, check};
use crate::engine::graph::{MAX_PARENTS, MAX_STEPS, MAX_TASKS};

fn errors(tasks: &Value) -> Vec<String> {
    let errors = check(&specs(tasks)).err().unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn every_mistake_is_named() {
    let with = |spec: Value| json!({"a": spec});
    for (tasks, expected) in [
        (json!({}), "a run has 1 to 256 tasks, not 0"),
        (with(json!({"steps": [], "depends": ["b"]})), "`a` depends on `b`, which does not exist"),
        (
            with(json!({"steps": [], "depends": ["b c"]})),
            "`a` depends on `b c`, which does not exist",
        ),
        (with(json!({"steps": [], "depends": ["a"]})), "`a` depends on itself"),
        (
            json!({"a": {"steps": []}, "b": {"steps": [], "depends": ["a", {"a": "always"}]}}),
            "`b` depends on `a` twice",
        ),
        (
            json!({"a": {"steps": []}, "b": {"steps": [], "depends": [{"a": []}]}}),
            "`b` depends on `a` under no condition",
        ),
        (json!({"a b": {"steps": []}}), "`a b` is no name of a task"),
        (
            with(json!({"steps": [], "labels": ["linux", "a b"]})),
            "`a` has the label `a b`: a label has 1 to 64 letters, digits, dashes, dots and \
             underscores, and begins with a letter or a digit",
        ),
        (with(json!({"steps": [], "labels": vec!["a"; 33]})), "`a` has more than 32 labels"),
        (
            with(json!({"steps": [], "arch": "x 86"})),
            "`a` names `x 86`, which is no name of an architecture or a pool",
        ),
        (with(json!({"steps": [{"run": {"command": " "}}]})), "step 0 of `a` has no command"),
        (
            with(json!({"steps": [{"restore": {}}, {"save": {"paths": []}}]})),
            "step 1 of `a` has no paths",
        ),
        (
            with(json!({"steps": [{"save": {"paths": ["x/../../etc"]}}]})),
            "step 0 of `a` has a path that leaves the working folder",
        ),
        (with(json!({"steps": [{"restore_cache": {"keys": []}}]})), "step 0 of `a` has no key"),
        (with(json!({"steps": [], "retry": {"max": 11}})), "`a` is tried again more than 10 times"),
        (
            with(json!({"steps": vec![json!({"restore": {}}); MAX_STEPS + 1]})),
            "`a` has more than 64 steps",
        ),
        (
            with(json!({"steps": [{"run": {"command": "x".repeat(MAX_DEFINITION_BYTES)}}]})),
            "the tasks take more than 262144 bytes",
        ),
    ] {
        let found = errors(&tasks);
        let start: String = tasks.to_string().chars().take(200).collect();
        assert_eq!(found, [expected], "{start}");
    }
}

#[test]
fn circles_are_named_without_the_tasks_below_them() {
    let tasks = json!({
        "root": {"steps": []},
        "a": {"steps": [], "depends": ["root", "c"]},
        "b": {"steps": [], "depends": ["a"]},
        "c": {"steps": [], "depends": ["b"]},
        "below": {"steps": [], "depends": ["c"]},
        "lower": {"steps": [], "depends": ["below"]},
    });
    assert_eq!(errors(&tasks), ["these tasks depend on each other in a circle: `a`, `b`, `c`"]);
}

#[test]
fn the_greatest_graph_is_taken_and_no_greater_one() {
    let many = |count: usize| {
        let entry = |nth: usize| (format!("t{nth}"), json!({"steps": []}));
        Value::Object((0..count).map(entry).collect())
    };
    assert_eq!(errors(&many(MAX_TASKS)), [""; 0]);
    assert_eq!(errors(&many(MAX_TASKS + 1)), ["a run has 1 to 256 tasks, not 257"]);
    let wide = |count: usize| {
        let mut tasks = many(count);
        let parents: Vec<_> = (0..count).map(|nth| format!("t{nth}")).collect();
        tasks["last"] = json!({"steps": [], "depends": parents});
        tasks
    };
    assert_eq!(errors(&wide(MAX_PARENTS)), [""; 0]);
    assert_eq!(errors(&wide(MAX_PARENTS + 1)), ["`last` has more than 64 parents"]);
}

#[test]
fn the_order_has_parents_first_and_names_break_ties() {
    let tasks = json!({
        "z": {"steps": []},
        "b": {"steps": [], "depends": ["z"]},
        "a": {"steps": [], "depends": ["z", {"b": "always"}]},
        "c": {"steps": []},
        // Redundant edges are allowed.
        "d": {"steps": [], "depends": ["a", "z"]},
    });
    let graph = check(&specs(&tasks)).unwrap().graph;
    assert_eq!(graph.order(), ["c", "z", "b", "a", "d"].map(name));
    let above: Vec<_> = graph.ancestors(&name("d")).into_iter().map(|it| it.as_str()).collect();
    assert_eq!(above, ["a", "b", "z"]);
}

#[test]
fn unknown_fields_are_refused() {
    for (task, valid) in [
        (
            json!({"steps": [{"run": {"command": "make", "timeout": "20m", "when": "always"}}]}),
            true,
        ),
        (
            json!({"steps": [], "allow_failure": [3], "retry": {"max": 2, "for": ["timeout", 3]}}),
            true,
        ),
        (json!({"steps": [], "more": 1}), false),
        (json!({"steps": [{"run": {"command": "make", "more": 1}}]}), false),
        (json!({"steps": [{"restore": {"more": 1}}]}), false),
        (json!({"steps": [{"jump": {}}]}), false),
        (json!({"steps": [], "retry": {"max": 1, "for": ["luck"]}}), false),
        (json!({"steps": [], "timeout": "soon"}), false),
        (json!({}), false),
    ] {
        let parsed =
            serde_json::from_value::<drydock_api::runservice::types::TaskSpec>(task.clone());
        assert_eq!(parsed.is_ok(), valid, "{task}");
        if let Ok(parsed) = parsed {
            assert_eq!(serde_json::to_value(&parsed).unwrap(), task);
        }
    }
}
