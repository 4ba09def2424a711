//! Short and long forms, and what they mean to runservice.

use std::collections::BTreeMap;

use drydock_api::runservice::types::TaskSpec;
use serde_json::{Value, json};

use super::EXAMPLE;
use crate::parse;

/// The tasks of a file with one run, as the body of POST `/runs` has them.
fn tasks(text: &str) -> Value {
    let file = parse(text).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
    let run = file.runs.values().next().unwrap();
    serde_json::to_value(run.specs()).unwrap()
}

#[test]
fn the_example_means_what_the_documentation_says() {
    let specs = parse(EXAMPLE).unwrap().runs["main"].specs();
    let text = serde_json::to_value(&specs).unwrap();
    let again: BTreeMap<String, TaskSpec> = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(again, specs, "runservice reads the same");
    assert_eq!(
        text,
        json!({
            "build": {
                "labels": ["linux"],
                "steps": [
                    {"restore_cache": {"keys": ["cargo-${branch}", "cargo-"]}},
                    {"run": {"command": "cargo build --release"}},
                    {"save": {"paths": ["target/release/app"]}},
                ],
            },
            "lint": {"steps": [{"run": {"command": "cargo clippy"}}], "allow_failure": true},
            "test": {
                "depends": ["build"],
                "retry": {"max": 2, "for": ["executor_lost", 137]},
                "steps": [
                    {"restore": {}},
                    {"run": {"command": "./run-tests.sh", "timeout": "20m"}},
                    {"run": {"command": "./collect.sh", "when": "always"}},
                ],
            },
            "deploy": {
                "depends": ["test", {"lint": ["on_success", "on_skipped"]}],
                "approval": {"timeout": "3d"},
                "exclusive": true,
                "steps": [{"restore": {}}, {"run": {"command": "./deploy.sh"}}],
            },
            "report": {
                "depends": [{"test": "always"}, {"deploy": "always"}],
                "steps": [{"run": {"command": "./report.sh\necho \"done\"\n"}}],
            },
        })
    );
}

#[test]
fn json_is_read_like_yaml() {
    let json = r#"{
	"version": 1,
	"runs": {"main": {"tasks": {"a": {"steps": [{"run": "echo \"\ud83d\ude00\" \/ \u0041\n"}]}}}}
}"#;
    let expected = json!({"a": {"steps": [{"run": {"command": "echo \"😀\" / A\n"}}]}});
    assert_eq!(tasks(json), expected);
}

#[test]
fn anchors_are_replaced_within_a_file() {
    let text = "version: 1\nruns:\n  main:\n    tasks:\n      a: &x { steps: [{ run: make }] }\n\
                \x20     b: *x\n";
    let task = json!({"steps": [{"run": {"command": "make"}}]});
    assert_eq!(tasks(text), json!({"a": task, "b": task}));
}

#[test]
fn quotes_make_a_text_of_every_word() {
    let text = "version: 1\nruns:\n  'on':\n    env: { A: 'yes', B: \"off\" }\n    tasks:\n      \
                \"no\": { steps: [{ run: 'on' }, { run: \"true\" }, { run: '1' }] }\n";
    let commands = ["on", "true", "1"].map(|command| json!({"run": {"command": command}}));
    assert_eq!(tasks(text), json!({"no": {"steps": commands}}));
}
