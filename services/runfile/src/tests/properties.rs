//! Whatever a file says is written and read again without a difference, and no text is too much.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::names::Name;
use drydock_api::runservice::types::{
    AllowFailure, ApprovalRule, Condition, Conditions, Dependency, OnNewer, Retry, RetryFor,
    RetryKind, RunStep, SaveStep, Step, StepWhen, TimeSpan,
};
use drydock_api::when::{RefNames, When, WhenConditions};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::EXAMPLE;
use crate::{
    EnvironmentValue, FromVariable, RunDefinition, RunFile, TaskDefinition, Version, levels, parse,
};

/// A text of one line, which may look like a number, a boolean or the syntax of YAML.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~äß€]{1,12}",
        select(vec!["yes", "on", "true", "null", "~", "1", "0x1", "1.5", "- a", "#", "&a", "*"])
            .prop_map(str::to_owned),
    ]
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9._-]{0,8}"
}

fn span() -> impl Strategy<Value = TimeSpan> {
    (1_u64..365 * 86_400_000).prop_map(TimeSpan::from_ms)
}

fn conditions() -> impl Strategy<Value = WhenConditions> {
    (vec(line(), 0..3), vec(line(), 0..3))
        .prop_filter("a condition says something", |(include, exclude)| {
            !include.is_empty() || !exclude.is_empty()
        })
        .prop_map(|(include, exclude)| WhenConditions { include, exclude })
}

fn when() -> impl Strategy<Value = When> {
    (of(conditions()), of(conditions()), of(conditions()))
        .prop_map(|(branch, tag, r#ref)| When { branch, tag, r#ref })
        .prop_filter("a condition says something", |when| *when != When::default())
}

fn path() -> impl Strategy<Value = String> {
    "[a-z*]{1,5}(/[a-z*]{1,5}){0,2}"
}

fn step() -> impl Strategy<Value = Step> {
    let command = "[ -~\\n\\täß€]{0,20}[a-z]";
    let when = select(vec![StepWhen::OnSuccess, StepWhen::Always]);
    let run = (command, of(span()), when, vec(any::<u8>(), 0..3)).prop_map(
        |(command, timeout, when, allow_exit)| {
            Step::Run(RunStep { command, timeout, when, allow_exit })
        },
    );
    let key = prop_oneof!["[a-z-]{1,9}", Just("a-${branch}-${hash:Cargo.lock}".to_owned())];
    prop_oneof![
        run,
        vec(path(), 1..3).prop_map(|paths| Step::Save(SaveStep { paths })),
        Just(Step::Restore {}),
        (key.clone(), vec(path(), 1..3)).prop_map(|(key, paths)| Step::SaveCache { key, paths }),
        vec(key, 1..3).prop_map(|keys| Step::RestoreCache { keys }),
    ]
}

fn retry() -> impl Strategy<Value = Retry> {
    let kinds = vec![RetryKind::ExecutorLost, RetryKind::Timeout, RetryKind::Failed];
    let failure =
        prop_oneof![select(kinds).prop_map(RetryFor::Kind), any::<u8>().prop_map(RetryFor::Code)];
    (0_u8..=10, of(vec(failure, 1..3))).prop_map(|(max, r#for)| Retry { max, r#for })
}

fn task() -> impl Strategy<Value = TaskDefinition> {
    let allow_failure = prop_oneof![
        any::<bool>().prop_map(AllowFailure::Always),
        vec(any::<u8>(), 1..3).prop_map(AllowFailure::Codes)
    ];
    let approval = (of(span()), any::<bool>())
        .prop_map(|(timeout, forbid_creator)| ApprovalRule { timeout, forbid_creator });
    let first = (of(when()), vec(word(), 0..3), of(word()), vec(step(), 0..4), of(retry()));
    let second = (of(approval), allow_failure, any::<bool>(), of(span()), of(word()));
    (first, second).prop_map(|(first, second)| {
        let (when, labels, arch, steps, retry) = first;
        let (approval, allow_failure, exclusive, timeout, concurrency) = second;
        TaskDefinition {
            when,
            depends: Vec::new(),
            labels,
            arch,
            steps,
            retry,
            approval,
            allow_failure,
            exclusive,
            timeout,
            concurrency,
        }
    })
}

/// How a task depends on one before it.
fn edge() -> impl Strategy<Value = Option<Conditions>> {
    let condition = || {
        select(vec![
            Condition::OnSuccess,
            Condition::OnFailure,
            Condition::OnSkipped,
            Condition::Always,
        ])
    };
    of(prop_oneof![
        condition().prop_map(Conditions::One),
        vec(condition(), 1..4).prop_map(Conditions::Any),
    ])
}

/// Tasks of which each may depend on those whose names come before its own.
fn tasks() -> impl Strategy<Value = BTreeMap<String, TaskDefinition>> {
    let edges = vec((any::<bool>(), edge()), 0..5);
    btree_map(word(), (task(), edges), 1..6).prop_map(|drawn| {
        let names: Vec<String> = drawn.keys().cloned().collect();
        let mut tasks = BTreeMap::new();
        for (nth, (name, (mut task, edges))) in drawn.into_iter().enumerate() {
            for (parent, (is_drawn, conditions)) in names[..nth].iter().zip(edges) {
                let edge = match conditions {
                    None => Dependency::Name(parent.clone()),
                    Some(conditions) => {
                        Dependency::Conditional(BTreeMap::from([(parent.clone(), conditions)]))
                    }
                };
                task.depends.extend(is_drawn.then_some(edge));
            }
            tasks.insert(name, task);
        }
        tasks
    })
}

fn environment() -> impl Strategy<Value = BTreeMap<String, EnvironmentValue>> {
    let variable = "[a-z][a-z0-9]{1,8}".prop_map(|name| {
        EnvironmentValue::Variable(FromVariable { from_variable: name.parse::<Name>().unwrap() })
    });
    let text = prop_oneof![line(), Just(String::new()), Just("two\nlines".to_owned())];
    let value = prop_oneof![text.prop_map(EnvironmentValue::Text), variable];
    btree_map("[A-Z_][A-Z0-9_]{0,5}", value, 0..4)
}

fn file() -> impl Strategy<Value = RunFile> {
    let on_newer = select(vec![OnNewer::Queue, OnNewer::CancelQueued, OnNewer::StopRunning]);
    let run = (of(when()), of(on_newer), any::<bool>(), environment(), tasks()).prop_map(
        |(when, on_newer, fail_fast, env, tasks)| RunDefinition {
            when,
            on_newer,
            fail_fast,
            env,
            tasks,
        },
    );
    btree_map(line(), run, 1..3).prop_map(|runs| RunFile { version: Version, runs })
}

fn read_again(text: &str) -> Result<RunFile, TestCaseError> {
    parse(text).map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))
}

/// The same file with short forms wherever there is one.
fn shortened(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let entry = |(key, value): (String, Value)| {
                let value = match (&*key, shortened(value)) {
                    ("run", Value::Object(run)) if run.len() == 1 => run["command"].clone(),
                    ("branch" | "tag" | "ref", Value::Object(when)) if when.len() == 1 => {
                        match when.get("include") {
                            Some(Value::Array(include)) if include.len() == 1 => include[0].clone(),
                            Some(include) => include.clone(),
                            None => Value::Object(when),
                        }
                    }
                    (_, value) => value,
                };
                (key, value)
            };
            Value::Object(map.into_iter().map(entry).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(shortened).collect()),
        value => value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_file_that_is_written_is_read_again_without_a_difference(file in file()) {
        let long = serde_json::to_string_pretty(&file).unwrap();
        let read = read_again(&long)?;
        prop_assert_eq!(&read, &file);
        prop_assert_eq!(serde_json::to_string_pretty(&read).unwrap(), long);
        let short = shortened(json!(file)).to_string();
        let read = read_again(&short)?;
        prop_assert_eq!(&read, &file);
    }

    #[test]
    fn levels_have_every_task_once_and_below_its_parents(file in file()) {
        for run in file.runs.values() {
            let specs = run.specs();
            let levels = levels(&specs);
            let mut above = BTreeSet::new();
            for level in &levels {
                for name in level {
                    let parents = crate::levels::parents_of(&specs[*name]);
                    prop_assert!(parents.iter().all(|parent| above.contains(parent)));
                }
                above.extend(level.iter().copied());
            }
            prop_assert_eq!(levels.iter().map(Vec::len).sum::<usize>(), specs.len());
        }
    }

    #[test]
    fn a_selected_run_has_all_tasks(file in file(), branch in line()) {
        for name in file.runs.keys() {
            let names = RefNames { branch: Some(&branch), ..RefNames::default() };
            if let Ok(run) = file.select(Some(name), names) {
                prop_assert!(run.tasks.keys().eq(file.runs[name].tasks.keys()));
            }
        }
    }

    #[test]
    fn errors_are_in_the_text(
        at in 0..EXAMPLE.len(),
        cut in 0_usize..40,
        put in "[ -~\\n\\t]{0,3}",
    ) {
        let end = (at + cut).min(EXAMPLE.len());
        let text = format!("{}{put}{}", &EXAMPLE[..at], &EXAMPLE[end..]);
        if let Err(errors) = parse(&text) {
            let lines = text.lines().count() as u64;
            prop_assert!(errors.iter().next().is_some());
            for error in &errors {
                prop_assert!((1..=lines + 1).contains(&error.at.line), "{error}");
                prop_assert!(error.at.column >= 1 && !error.message.is_empty());
                prop_assert!(!error.message.contains('\n'), "{error}");
            }
        }
    }
}
