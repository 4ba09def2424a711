//! What follows when an executor, a service or a supervisor ends at the worst moment.

use std::time::Duration;

use drydock_api::runservice::types::{HeldState, LogStep};
use drydock_executor::attempt::Task;
use drydock_executor::driver::Driver;
use drydock_executor::journal::Record;
use drydock_executor::protocol::ExecutorError;
use drydock_tests::run::{pass, until};
use serde_json::json;

use crate::bad_net::Trouble;
use crate::machine::exit;
use crate::world::{claim_id, one_step, with_world};

#[test]
fn a_run_of_one_step_succeeds_and_is_released() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        assert_eq!(world.task(&run).await["status"], "running");
        world.succeeds(&run, &attempt).await;
        until(async || world.machine.attempts().is_empty()).await;
        assert!(world.held().attempts.is_empty());
        executor.kill().await;
    });
}

#[test]
fn a_claim_that_was_written_and_not_sent_is_asked_for_again() {
    with_world(async |mut world| {
        world.write(Record::Session { number: 1 });
        world.write(Record::Asked { claim: claim_id(5) });
        let executor = world.start();
        // There is no task at first.
        pass(Duration::from_secs(30)).await;
        let run = world.create(one_step()).await;
        let attempt = world.started(1).await;
        let held = world.held();
        assert_eq!(held.attempts[&attempt.parse().unwrap()].claim, claim_id(5));
        world.succeeds(&run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn a_claim_whose_answer_is_lost_gets_the_same_attempt() {
    with_world(async |mut world| {
        let run = world.create(one_step()).await;
        world.net.set(Trouble::Lossy);
        let executor = world.start();
        until(async || world.task(&run).await["status"] == "running").await;
        pass(Duration::from_secs(40)).await;
        assert_eq!(world.machine.ledger(), Vec::<String>::new());
        world.net.set(Trouble::None);
        let attempt = world.started(1).await;
        assert_eq!(world.task(&run).await["attempt"]["number"], 1);
        world.succeeds(&run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn an_attempt_whose_claim_the_journal_has_is_started_after_a_crash() {
    with_world(async |mut world| {
        let run = world.create(one_step()).await;
        let claimed = world.claimed_before(claim_id(5)).await;
        world.write(Record::Asked { claim: claim_id(5) });
        let executor = world.start();
        assert_eq!(world.started(1).await, claimed.attempt.id.to_string());
        assert_eq!(world.task(&run).await["attempt"]["number"], 1);
        executor.kill().await;
    });
}

#[test]
fn a_claim_that_the_journal_has_lost_is_followed_by_a_new_attempt() {
    with_world(async |mut world| {
        let run = world.create(one_step()).await;
        let claimed = world.claimed_before(claim_id(5)).await;
        let executor = world.start();
        let attempt = world.started(1).await;
        assert_ne!(attempt, claimed.attempt.id.to_string());
        assert_eq!(world.phase(&claimed.attempt.id.to_string()).await, "failed");
        world.succeeds(&run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn an_attempt_that_was_claimed_and_not_started_is_started_once() {
    with_world(async |mut world| {
        let run = world.create(one_step()).await;
        let attempt = world.held_before(HeldState::Claimed).await;
        let executor = world.start();
        assert_eq!(world.started(1).await, attempt.to_string());
        world.succeeds(&run, attempt).await;
        executor.kill().await;
    });
}

#[test]
fn an_attempt_whose_supervisor_had_not_begun_is_started_after_a_crash() {
    with_world(async |mut world| {
        let run = world.create(one_step()).await;
        let attempt = world.held_before(HeldState::Spawned).await;
        world.machine.set_broken(true);
        let name = || "x".to_owned();
        let task = Task::new(attempt.to_string(), name(), 1, name(), Vec::new());
        world.machine.start(&task).unwrap();
        world.machine.set_broken(false);
        let executor = world.start();
        assert_eq!(world.started(1).await, attempt.to_string());
        world.succeeds(&run, attempt).await;
        executor.kill().await;
    });
}

#[test]
fn an_attempt_of_which_nothing_is_left_is_not_started_again() {
    with_world(async |mut world| {
        let run = world.create(one_step()).await;
        world.held_before(HeldState::Spawned).await;
        let executor = world.start();
        world.result(&run, "failed").await;
        assert_eq!(world.task(&run).await["reason"], "executor_restarted");
        assert_eq!(world.machine.ledger(), Vec::<String>::new());
        executor.kill().await;
    });
}

#[test]
fn a_running_attempt_outlives_its_executor() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        executor.kill().await;
        pass(Duration::from_secs(20)).await;
        let executor = world.start();
        pass(Duration::from_secs(20)).await;
        assert!(world.machine.is_running(&attempt));
        assert_eq!(world.machine.stop(&attempt), None);
        executor.kill().await;
        // It ends while no executor is there.
        world.machine.end(&attempt, exit(0));
        let executor = world.start();
        world.result(&run, "success").await;
        assert_eq!(world.machine.ledger(), [attempt]);
        executor.kill().await;
    });
}

#[test]
fn an_attempt_whose_supervisor_died_has_failed_and_is_not_started_again() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        world.machine.power_cut();
        world.result(&run, "failed").await;
        assert_eq!(world.task(&run).await["reason"], "executor_restarted");
        executor.kill().await;
        let executor = world.start();
        pass(Duration::from_secs(60)).await;
        assert_eq!(world.machine.ledger(), [attempt]);
        executor.kill().await;
    });
}

#[test]
fn a_power_cut_fails_what_ran_and_a_retry_is_a_new_attempt() {
    with_world(async |mut world| {
        let retry = json!({ "max": 1 });
        let step = json!({ "run": { "command": "make" } });
        let run = world.create(json!({ "build": { "steps": [step], "retry": retry } })).await;
        let executor = world.start();
        let first = world.started(1).await;
        executor.kill().await;
        world.machine.power_cut();
        let executor = world.start();
        let second = world.started(2).await;
        assert_ne!(first, second);
        world.succeeds(&run, &second).await;
        executor.kill().await;
    });
}

#[test]
fn a_report_whose_answer_is_lost_is_sent_again() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        world.net.set(Trouble::Lossy);
        // It is not released as long as its log is missing.
        world.log_net.set(Trouble::Cut);
        world.machine.print(&attempt, LogStep::Step(0), b"a line\n");
        world.machine.end(&attempt, exit(3));
        world.result(&run, "failed").await;
        pass(Duration::from_secs(60)).await;
        let id = attempt.parse().unwrap();
        assert_eq!(world.held().attempts[&id].state, HeldState::Exited);
        executor.kill().await;
        world.net.set(Trouble::None);
        let executor = world.start();
        until(async || world.held().attempts[&id].state == HeldState::Sent).await;
        world.log_net.set(Trouble::None);
        world.released(&attempt).await;
        executor.kill().await;
    });
}

#[test]
fn a_report_of_an_attempt_that_ended_otherwise_counts_as_taken() {
    with_world(async |mut world| {
        let run = world.create(one_step()).await;
        let attempt = world.held_before(HeldState::Exited).await;
        let ended = drydock_api::runservice::types::Status {
            phase: drydock_api::runservice::types::AttemptPhase::Failed,
            reason: Some(drydock_api::runservice::types::Reason::Timeout),
            steps: Vec::new(),
            logs: Default::default(),
            archives: Default::default(),
        };
        let ctx = drydock_core::context::Context::background();
        world.own().report(&ctx, attempt, &ended).await.unwrap();
        let executor = world.start();
        until(async || world.held().attempts.is_empty()).await;
        assert_eq!(world.task(&run).await["reason"], "timeout");
        executor.kill().await;
    });
}

#[test]
fn a_second_executor_with_the_same_token_ends_the_first_or_itself() {
    with_world(async |mut world| {
        let executor = world.start();
        pass(Duration::from_secs(10)).await;
        // A newer session of the same folder.
        let newer = world.start();
        let ended = executor.end().await;
        assert!(matches!(ended, Err(ExecutorError::Replaced(_))), "{ended:?}");
        assert!(newer.is_running());
        // An older session: a folder that was lost begins with the first.
        world.journal = Default::default();
        let ended = world.start().end().await;
        assert!(matches!(ended, Err(ExecutorError::Replaced(_))), "{ended:?}");
        newer.kill().await;
    });
}
