//! Logs on their way to the service: whatever fails, the log that is read is what was printed, and
//! nothing of an attempt is removed before the service has its log.

use std::time::Duration;

use drydock_api::runservice::types::{AttemptId, HeldState, LogStep, Reason};
use drydock_executor::attempt::Task;
use drydock_executor::driver::Driver;
use drydock_executor::journal::Record;
use drydock_tests::client::Request;
use drydock_tests::faulty::Trouble as StoreTrouble;
use drydock_tests::run::{pass, until};

use crate::bad_net::Trouble;
use crate::machine::{exit, stopped};
use crate::world::{World, claim_id, one_step, with_world};

const STEP: LogStep = LogStep::Step(0);
const FIRST: &str = "runservice-1";

/// Bytes of which no two pieces are the same.
fn some_log(bytes: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|line| format!("line {line}\n").into_bytes());
    lines.take(bytes).collect()
}

/// Waits until instance 2 can read so much of the log of the step.
async fn arrived(world: &World, run: &str, bytes: usize) {
    until(async || world.log(run, "0").await.1.len() >= bytes).await;
}

/// The attempt ends, and what the service has of its log is what was printed.
async fn ends_whole(world: &World, run: &str, attempt: &str) {
    let printed = world.machine.attempts()[attempt].logs.clone();
    world.machine.end(attempt, exit(0));
    world.result(run, "success").await;
    world.released(attempt).await;
    for (step, log) in printed {
        let (state, read) = world.log(run, &step.to_string()).await;
        assert_eq!(state, "complete");
        assert!(read == log, "step {step}: {} of {} bytes", read.len(), log.len());
    }
}

#[test]
fn a_log_is_seen_while_it_is_written_and_all_of_it_is_there_before_the_release() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        let log = some_log(200_000);
        world.machine.print(&attempt, LogStep::Setup, b"a warning\n");
        world.machine.print(&attempt, STEP, &log[..150_000]);
        arrived(&world, &run, 150_000).await;
        assert_eq!(world.log(&run, "0").await, ("live".to_owned(), log[..150_000].to_vec()));
        world.machine.print(&attempt, STEP, &log[150_000..]);
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn the_first_line_is_sent_at_once() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        pass(Duration::from_secs(20)).await;
        world.machine.print(&attempt, STEP, b"first\n");
        pass(Duration::from_millis(80)).await;
        // Both instances are asked: only one has it in memory.
        let seen = [world.log_on(1, &run, "0").await, world.log_on(2, &run, "0").await];
        assert!(seen.iter().any(|(_, log)| log == b"first\n"), "{seen:?}");
        executor.kill().await;
    });
}

#[test]
fn no_piece_is_sent_before_the_service_welcomes_it() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        for _ in 0..200 {
            world.machine.print(&attempt, STEP, b"a line\n");
            pass(Duration::from_millis(100)).await;
        }
        // One at once, and then one after each two seconds.
        let pieces = world.machine.pieces();
        assert!((8..=11).contains(&pieces.len()), "{pieces:?}");
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn a_large_log_is_sent_in_pieces_and_once() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        let log = some_log(5 << 20);
        world.machine.print(&attempt, STEP, &log);
        arrived(&world, &run, log.len()).await;
        let pieces = world.machine.pieces();
        let lengths: Vec<_> = pieces.iter().map(|(_, piece)| piece.end - piece.start).collect();
        assert_eq!(lengths, [1 << 20; 5]);
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn the_end_of_an_attempt_waits_for_no_log_and_its_release_does() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        world.machine.print(&attempt, STEP, &some_log(300_000));
        arrived(&world, &run, 300_000).await;
        world.log_net.set(Trouble::Cut);
        world.machine.print(&attempt, STEP, b"the last line\n");
        world.succeeds(&run, &attempt).await;
        pass(Duration::from_secs(1800)).await;
        assert_eq!(world.held().attempts[&attempt.parse().unwrap()].state, HeldState::Sent);
        assert_eq!(world.log(&run, "0").await.0, "live");
        world.log_net.set(Trouble::None);
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn what_an_instance_had_in_memory_only_is_sent_again_to_another() {
    with_world(async |mut world| {
        let run = world.create(one_step()).await;
        world.log_net.set(Trouble::Without(FIRST));
        let executor = world.start();
        let attempt = world.started(1).await;
        let log = some_log(400_000);
        world.machine.print(&attempt, STEP, &log[..300_000]);
        let seen = async |instance| world.log_on(instance, &run, "0").await.1.len();
        until(async || seen(1).await == 300_000).await;
        world.machine.print(&attempt, STEP, &log[300_000..]);
        until(async || seen(2).await == log.len()).await;
        assert_eq!(seen(1).await, 300_000, "the rest is in memory");
        world.app.kill(2);
        world.log_net.set(Trouble::None);
        // The step is silent from now on, and whoever reads still sees all of it.
        until(async || seen(1).await == log.len()).await;
        world.succeeds(&run, &attempt).await;
        world.released(&attempt).await;
        assert!(world.log_on(1, &run, "0").await == ("complete".to_owned(), log));
        executor.kill().await;
    });
}

#[test]
fn an_instance_that_takes_over_gets_what_it_lacks() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        for piece in some_log(90_000).chunks(10_000) {
            world.machine.print(&attempt, STEP, piece);
            pass(Duration::from_millis(700)).await;
            // It is alive, and has bytes that the other one lacks.
            world.log_net.set(Trouble::Without(FIRST));
            pass(Duration::from_millis(700)).await;
            world.log_net.set(Trouble::Without("runservice-2"));
        }
        world.log_net.set(Trouble::None);
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn answers_that_are_lost_lose_no_byte_and_double_none() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        for piece in some_log(60_000).chunks(10_000) {
            world.log_net.set(Trouble::Lossy);
            world.machine.print(&attempt, STEP, piece);
            pass(Duration::from_secs(3)).await;
            world.log_net.set(Trouble::None);
            pass(Duration::from_secs(1)).await;
        }
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn storage_that_fails_for_an_hour_delays_logs_and_loses_none() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        world.app.objects.trouble.set(StoreTrouble::Full);
        world.machine.print(&attempt, STEP, &some_log(900_000));
        pass(Duration::from_secs(1500)).await;
        world.app.objects.trouble.set(StoreTrouble::None);
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn a_busy_service_is_left_alone_as_long_as_it_wants() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        world.log_net.set(Trouble::Busy);
        world.log_net.dials();
        world.machine.print(&attempt, STEP, b"a line\n");
        pass(Duration::from_secs(70)).await;
        let asked = world.log_net.dials();
        assert!((3..=11).contains(&asked), "{asked}: every seven seconds or less often");
        world.log_net.set(Trouble::None);
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn an_executor_that_was_started_again_goes_on_where_the_service_is() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        let log = some_log(700_000);
        world.machine.print(&attempt, STEP, &log[..400_000]);
        arrived(&world, &run, 400_000).await;
        executor.kill().await;
        world.machine.print(&attempt, STEP, &log[400_000..]);
        world.machine.pieces();
        let executor = world.start();
        arrived(&world, &run, log.len()).await;
        assert_eq!(world.machine.pieces(), [(STEP, 400_000..700_000)]);
        executor.kill().await;
        // It ends while no executor is there.
        world.machine.print(&attempt, STEP, b"the last line\n");
        let executor = world.start();
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn an_executor_that_drains_waits_for_the_last_log() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        world.log_net.set(Trouble::Cut);
        world.machine.print(&attempt, STEP, b"a line\n");
        world.machine.end(&attempt, exit(0));
        executor.shutdown.drain.cancel();
        world.result(&run, "success").await;
        pass(Duration::from_secs(300)).await;
        assert!(executor.is_running(), "the machine may be removed when it ends");
        world.log_net.set(Trouble::None);
        executor.end().await.unwrap();
        assert_eq!(world.log(&run, "0").await, ("complete".to_owned(), b"a line\n".to_vec()));
    });
}

#[test]
fn an_hour_of_maintenance_loses_no_line() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        let log = some_log(200_000);
        world.machine.print(&attempt, STEP, &log[..100_000]);
        pass(Duration::from_secs(1)).await;
        world.app.maintenance_on().await;
        world.machine.print(&attempt, STEP, &log[100_000..]);
        pass(Duration::from_secs(2500)).await;
        world.app.maintenance_off().await;
        ends_whole(&world, &run, &attempt).await;
        executor.kill().await;
    });
}

#[test]
fn an_attempt_that_was_lost_still_gives_all_of_its_log() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        let log = some_log(100_000);
        world.machine.print(&attempt, STEP, &log[..60_000]);
        arrived(&world, &run, 60_000).await;
        executor.kill().await;
        world.result(&run, "failed").await;
        assert_eq!(world.task(&run).await["reason"], "executor_lost");
        world.machine.print(&attempt, STEP, &log[60_000..]);
        let executor = world.start();
        until(async || world.machine.stop(&attempt).is_some()).await;
        world.machine.print(&attempt, STEP, b"it is killed\n");
        world.machine.end(&attempt, stopped(Reason::ExecutorLost));
        world.released(&attempt).await;
        let (state, read) = world.log(&run, "0").await;
        assert!(state == "complete" && read == [&log, &b"it is killed\n"[..]].concat(), "{state}");
        executor.kill().await;
    });
}

#[test]
fn an_attempt_that_nobody_knows_is_kept_and_seldom_asked_for() {
    with_world(async |mut world| {
        let (claim, attempt) = (claim_id(5), AttemptId(uuid::Uuid::from_u128(0xaa)));
        world.write(Record::Asked { claim });
        world.write(Record::Claimed { claim, attempt, exclusive: false });
        world.write(Record::Spawned { attempt });
        let (id, name) = (attempt.to_string(), || "x".to_owned());
        world.machine.start(&Task::new(id.clone(), name(), 1, name(), Vec::new())).unwrap();
        world.machine.print(&id, STEP, b"a line\n");
        let executor = world.start();
        until(async || world.machine.stop(&id).is_some()).await;
        world.machine.end(&id, exit(0));
        pass(Duration::from_secs(3000)).await;
        assert!(world.machine.attempts().contains_key(&id), "404 does not mean that it may go");
        let pieces = world.machine.pieces();
        assert_eq!(pieces, [], "an adopted log is asked for, and here in vain");
        executor.kill().await;
    });
}

#[test]
fn a_token_that_is_not_known_loses_nothing() {
    with_world(async |mut world| {
        world.create(one_step()).await;
        let executor = world.start();
        let attempt = world.started(1).await;
        let gone = Request::delete("/api/v1/executors/linux");
        world.app.send(gone).await.expect(204);
        world.machine.print(&attempt, STEP, b"a line\n");
        world.machine.end(&attempt, exit(0));
        pass(Duration::from_secs(1800)).await;
        assert!(world.machine.attempts().contains_key(&attempt));
        executor.kill().await;
    });
}

/// Row 2 of reconciling: the steps did run, and nothing runs them again.
#[test]
fn a_result_that_an_import_has_undone_is_sent_again() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        let export = world.app.export().await;
        world.log_net.set(Trouble::Cut);
        world.machine.print(&attempt, STEP, b"made\n");
        world.machine.end(&attempt, exit(0));
        world.result(&run, "success").await;
        until(async || world.held().attempts.values().all(|it| it.state == HeldState::Sent)).await;
        world.app.maintenance_on().await;
        world.app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        world.app.maintenance_off().await;
        assert_eq!(world.run(&run).await["phase"], "running", "as it was exported");
        world.result(&run, "success").await;
        assert_eq!(world.machine.ledger().len(), 1);
        world.log_net.set(Trouble::None);
        world.released(&attempt).await;
        assert_eq!(world.log(&run, "0").await, ("complete".to_owned(), b"made\n".to_vec()));
        executor.kill().await;
    });
}

/// The same after its release: the result is kept, and the log is in the bucket.
#[test]
fn a_result_that_an_import_has_undone_is_sent_again_after_its_release() {
    with_world(async |mut world| {
        let (run, executor, attempt) = world.begun().await;
        let export = world.app.export().await;
        world.machine.print(&attempt, STEP, b"made\n");
        world.machine.end(&attempt, exit(0));
        world.released(&attempt).await;
        world.app.maintenance_on().await;
        world.app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        world.app.maintenance_off().await;
        assert_eq!(world.run(&run).await["phase"], "running", "as it was exported");
        world.result(&run, "success").await;
        assert_eq!(world.machine.ledger().len(), 1);
        let log = ("complete".to_owned(), b"made\n".to_vec());
        until(async || world.log(&run, "0").await == log).await;
        executor.kill().await;
    });
}

/// The service has it, is set back to a state without it, and never knows it again.
#[test]
fn an_attempt_that_an_import_has_removed_is_kept_for_a_while_only() {
    with_world(async |mut world| {
        world.settings.keep_unknown = Duration::from_secs(600);
        let export = world.app.export().await;
        world.log_net.set(Trouble::Cut);
        let (run, executor, attempt) = world.begun().await;
        world.machine.print(&attempt, STEP, b"made\n");
        world.machine.end(&attempt, exit(0));
        world.result(&run, "success").await;
        until(async || world.held().attempts.values().all(|it| it.state == HeldState::Sent)).await;
        world.app.maintenance_on().await;
        world.app.send(Request::post("/api/v1/import").body(export)).await.expect(200);
        world.app.maintenance_off().await;
        pass(world.settings.keep_unknown / 2).await;
        assert!(world.machine.attempts().contains_key(&attempt));
        pass(world.settings.keep_unknown).await;
        world.released(&attempt).await;
        executor.kill().await;
    });
}
