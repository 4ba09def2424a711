use std::collections::BTreeMap;
use std::convert::Infallible;

use drydock_api::runservice::endpoints::run::Create;
use drydock_api::runservice::types::{CacheScopes, Phase, RestartFrom, RunId, RunResult};
use drydock_core::env::Clock;
use drydock_runtime::encryption::Bound;
use serde_json::json;

use super::harness::{TestRuns, code, new_run, one_task, project};
use crate::action::log;
use crate::action::restart::restart;
use crate::action::run::{Environment, KeptTasks, New, create};
use crate::action::state::definition;
use crate::record::Run;
use crate::schema::RUN_DEFINITIONS;

async fn again(
    runs: &TestRuns,
    run: RunId,
    from: RestartFrom,
) -> Result<Run, drydock_core::error::BoxError> {
    with_values(runs, run, from, BTreeMap::new()).await
}

async fn with_values(
    runs: &TestRuns,
    run: RunId,
    from: RestartFrom,
    environment: Environment,
) -> Result<Run, drydock_core::error::BoxError> {
    let (settings, encryptor) = (runs.settings.clone(), runs.encryptor.clone());
    runs.act(move |tx| restart(tx, &settings, &encryptor, run, from, &environment)).await
}

#[tokio::test]
async fn a_restart_from_failed_keeps_what_succeeded() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let tasks = json!({
        "a": {"steps": []},
        "b": {"steps": [], "depends": ["a"]},
        "c": {"steps": [], "depends": ["b"]},
    });
    let first = runs.create(&tasks).await;
    let of_a = runs.claim(executor).await.unwrap();
    runs.succeed(&of_a).await;
    let of_b = runs.claim(executor).await.unwrap();
    runs.fail(&of_b).await;
    assert_eq!(runs.statuses(first.id).await, "a=success b=failed c=skipped");
    let second = again(&runs, first.id, RestartFrom::Failed).await.unwrap();
    assert_eq!((second.number, second.phase), (2, Phase::Running));
    assert_eq!(runs.statuses(second.id).await, "a=success b=ready c=not_started");
    let state = runs.state(second.id).await;
    let kept = state.tasks.values().next().unwrap().kept.unwrap();
    assert_eq!((kept.run, kept.attempt), (first.id, Some(of_a.id)));
    assert_eq!(state.specs, runs.state(first.id).await.specs);
    // A restart of the restart points to where the task was run.
    let of_b = runs.claim(executor).await.unwrap();
    assert_eq!((of_b.run, of_b.number), (second.id, 1));
    runs.fail(&of_b).await;
    let third = again(&runs, second.id, RestartFrom::Failed).await.unwrap();
    let state = runs.state(third.id).await;
    assert_eq!(state.tasks.values().next().unwrap().kept, Some(kept));
    let fourth = again(&runs, first.id, RestartFrom::Start).await.unwrap();
    assert_eq!(fourth.phase, Phase::Queued);
    assert_eq!(runs.statuses(fourth.id).await, "a=not_started b=not_started c=not_started");
}

#[tokio::test]
async fn the_logs_of_a_kept_attempt_stay_as_long_as_a_run_refers_to_it() {
    const DAY: u64 = 24 * 3600;
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let tasks = json!({"a": {"steps": []}, "b": {"steps": [], "depends": ["a"]}});
    let first = runs.create(&tasks).await;
    let of_a = runs.claim(executor).await.unwrap();
    runs.succeed(&of_a).await;
    let of_b = runs.claim(executor).await.unwrap();
    runs.fail(&of_b).await;
    // Both ended without logs: these are complete, and expire as others do.
    let expired = async |attempt| {
        let before = runs.clock.wall() - jiff::SignedDuration::from_hours(24 * 30);
        runs.act(move |tx| log::expire::<Infallible>(tx, attempt, before)).await.unwrap()
    };
    runs.pass(20 * DAY);
    again(&runs, first.id, RestartFrom::Failed).await.unwrap();
    runs.pass(15 * DAY);
    // The restarted run still runs, and has an attempt of its own of `b`.
    assert!(!expired(of_a.id).await && expired(of_b.id).await);
    let again_b = runs.claim(executor).await.unwrap();
    runs.succeed(&again_b).await;
    runs.pass(29 * DAY);
    assert!(!expired(of_a.id).await);
    runs.pass(2 * DAY);
    assert!(expired(of_a.id).await && !expired(of_a.id).await);
}

#[tokio::test]
async fn only_an_ended_run_with_a_failure_is_restarted_from_there() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let run = runs.create(&one_task()).await;
    let refused = again(&runs, run.id, RestartFrom::Start).await;
    assert_eq!(code(refused), "run_not_restartable");
    let attempt = runs.claim(executor).await.unwrap();
    runs.succeed(&attempt).await;
    assert_eq!(runs.outcome(run.id).await, (Phase::Finished, RunResult::Success));
    let refused = again(&runs, run.id, RestartFrom::Failed).await;
    assert_eq!(code(refused), "run_not_restartable");
    assert_eq!(
        code(again(&runs, RunId(super::harness::id(9)), RestartFrom::Start).await),
        "run_not_exist"
    );
    let bad = runs.create(&json!({"a": {"steps": [], "depends": ["a"]}})).await;
    assert_eq!(code(again(&runs, bad.id, RestartFrom::Start).await), "run_not_restartable");
}

fn values(of: &[(&str, &str)]) -> Environment {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_restart_takes_values_from_the_run_but_those_of_variables_anew() {
    let runs = TestRuns::start().await;
    let executor = runs.executor("one", 1).await;
    let new = New {
        variables: values(&[("TOKEN", "registry_token"), ("KEY", "deploy_key")]),
        cache: Some(CacheScopes { read: vec!["branch/a".to_owned()], write: None }),
        ..new_run(project(7), &one_task())
    };
    let given = values(&[("TOKEN", "before"), ("KEY", "before"), ("PLAIN", "1")]);
    let (settings, encryptor) = (runs.settings.clone(), runs.encryptor.clone());
    let none = KeptTasks::new();
    let first = runs
        .act(move |tx| create::<Create>(tx, &settings, &encryptor, &new, &given, &none))
        .await
        .unwrap();
    let attempt = runs.claim(executor).await.unwrap();
    runs.fail(&attempt).await;
    let rotated = values(&[("TOKEN", "after")]);
    let second = with_values(&runs, first.id, RestartFrom::Start, rotated).await.unwrap();
    assert_eq!(second.variables, first.variables);
    assert!(first.cache.is_some());
    assert_eq!(second.cache, first.cache);
    let run = second.clone();
    let definition = runs.read(move |tx| Ok(definition(tx, &run)?)).await.unwrap();
    let bound = Bound { kind: RUN_DEFINITIONS, id: second.id.0 };
    let plain = runs.encryptor.keys.decrypt(bound, &definition.environment.unwrap()).unwrap();
    let stored: Environment = serde_json::from_slice(&plain).unwrap();
    assert_eq!(stored, values(&[("PLAIN", "1"), ("TOKEN", "after")]));
}
