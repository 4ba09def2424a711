//! The pieces of a log at the instances that get them.

use bytes::Bytes;
use drydock_api::runservice::types::AttemptId;
use futures_util::FutureExt;
use proptest::prelude::*;

use super::harness::{TestRuns, id};
use super::logs::{Claims, STEP, some_log};
use crate::blobs::garbage::Deletable;
use crate::logs::read::LogReader;

/// Sends a log as an executor does: it goes on from where the instance says.
async fn send(tails: &crate::logs::Tails, attempt: AttemptId, log: &Bytes, piece: usize) -> u64 {
    let mut offset = 0;
    loop {
        let end = (offset + piece).min(log.len());
        let sent = log.slice(offset..end);
        let answer = tails.append(attempt, STEP, offset as u64, sent).await.unwrap();
        offset = usize::try_from(answer.received).unwrap();
        if offset == log.len() {
            return answer.stored;
        }
    }
}

async fn read_from(
    runs: &TestRuns,
    tails: &crate::logs::Tails,
    attempt: AttemptId,
    at: u64,
) -> Vec<u8> {
    let mut reader = LogReader::new(runs.logs().0, tails.clone(), attempt, STEP);
    let mut found = Vec::new();
    while let Some(bytes) = reader.at(at + found.len() as u64).await.unwrap() {
        found.extend_from_slice(&bytes);
    }
    found
}

#[tokio::test]
async fn a_piece_is_taken_once_and_a_gap_never() {
    let runs = TestRuns::start().await;
    let (_, tails) = runs.logs();
    let attempt = AttemptId(id(1));
    let append = async |offset, bytes: &'static str| {
        let taken = tails.append(attempt, STEP, offset, Bytes::from(bytes)).await.unwrap();
        (taken.received, taken.stored)
    };
    assert_eq!(append(0, "hello").await, (5, 0));
    assert_eq!(append(0, "hello").await, (5, 0));
    assert_eq!(append(3, "lo wor").await, (9, 0));
    assert_eq!(append(20, "late").await, (9, 0));
    assert_eq!(append(9, "ld").await, (11, 0));
    assert_eq!(read_from(&runs, &tails, attempt, 0).await, b"hello world");
    assert_eq!(read_from(&runs, &tails, attempt, 6).await, b"world");
    assert_eq!(read_from(&runs, &tails, attempt, 11).await, b"");
}

#[tokio::test]
async fn in_another_lineage_an_instance_looks_again_at_what_is_stored() {
    let runs = TestRuns::start().await;
    let (logs, tails) = runs.logs();
    let (attempt, log) = (AttemptId(id(1)), some_log(1000));
    let ask = async |offset: usize| {
        let rest = log.slice(offset..);
        let taken = tails.append(attempt, STEP, offset as u64, rest).await.unwrap();
        (taken.received, taken.stored)
    };
    ask(0).await;
    tails.store_all(attempt).await.unwrap();
    // The lineage had the log complete, and is left now.
    let listed = logs.listed(attempt).await.unwrap();
    logs.delete(listed, &Default::default(), Deletable::All).await.unwrap();
    assert_eq!(ask(1000).await, (1000, 1000));
    tails.look_again().await;
    assert_eq!(ask(1000).await, (0, 0));
    assert_eq!(ask(0).await, (1000, 0));
    assert_eq!(read_from(&runs, &tails, attempt, 0).await, log);
}

#[tokio::test]
async fn only_whoever_has_more_than_a_part_may_go_on_at_once() {
    let runs = TestRuns::start().await;
    let (_, tails) = runs.logs();
    let pause = async |offset, size| {
        let taken = tails.append(AttemptId(id(1)), STEP, offset, some_log(size)).await.unwrap();
        taken.next_after_ms
    };
    assert_eq!(pause(0, 1000).await, 2000);
    assert_eq!(pause(1000, 256 * 1024).await, 0);
    assert_eq!(pause(1000 + 256 * 1024, 1000).await, 2000);
}

#[tokio::test]
async fn whoever_follows_is_told_of_the_first_piece_and_gets_small_ones() {
    let runs = TestRuns::start().await;
    let (_, tails) = runs.logs();
    let (attempt, piece) = (AttemptId(id(1)), Bytes::from("hello"));
    let mut received = tails.follow(attempt, STEP);
    let taken = tails.append(attempt, STEP, 0, piece.clone()).await.unwrap();
    assert_eq!(taken.next_after_ms, 200);
    let told = received.wait_for(|end| *end == 5).now_or_never();
    assert!(told.is_some_and(|told| told.is_ok()));
    drop(received);
    let taken = tails.append(attempt, STEP, 5, piece).await.unwrap();
    assert_eq!(taken.next_after_ms, 2000);
}

#[tokio::test]
async fn another_instance_goes_on_from_what_is_stored() {
    let runs = TestRuns::start().await;
    let ((_, one), (_, two)) = (runs.logs(), runs.logs());
    let (attempt, log) = (AttemptId(id(1)), some_log(700_000));
    let stored = send(&one, attempt, &log.slice(..500_000), 100_000).await;
    assert!((256 * 1024..500_000).contains(&stored), "{stored}");
    // The first is dead. The second does not have what only that one had in memory.
    let answer = two.append(attempt, STEP, 500_000, log.slice(500_000..600_000)).await.unwrap();
    assert_eq!((answer.received, answer.stored), (stored, stored));
    send(&two, attempt, &log, 100_000).await;
    assert_eq!(read_from(&runs, &two, attempt, 0).await, log);
    // And the first, if it was cut off only, learns of it when there is a gap.
    let answer = one.append(attempt, STEP, 690_000, log.slice(690_000..)).await.unwrap();
    assert!(answer.received > 500_000, "{answer:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whichever instance gets which piece, and whichever of them dies in between.
    #[test]
    fn the_log_is_what_was_sent(
        steps in proptest::collection::vec((0usize..3, 1usize..200_000, any::<bool>()), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let runs = TestRuns::start().await;
            let mut instances = [runs.logs().1, runs.logs().1, runs.logs().1];
            let (attempt, log) = (AttemptId(id(1)), some_log(600_000));
            let mut offset = 0;
            for (instance, length, dies) in steps {
                let end = (offset + length).min(log.len());
                let tails = &instances[instance];
                let piece = log.slice(offset..end);
                let answer = tails.append(attempt, STEP, offset as u64, piece).await.unwrap();
                offset = usize::try_from(answer.received).unwrap();
                if dies {
                    instances[instance] = runs.logs().1;
                }
            }
            let last = runs.logs().1;
            send(&last, attempt, &log, 150_000).await;
            assert!(read_from(&runs, &last, attempt, 0).await == log);
        });
    }
}

#[tokio::test]
async fn bytes_in_memory_are_counted_until_they_are_stored() {
    let claims = Claims::start().await;
    let metrics = claims.http.runs.log_metrics.clone();
    claims.append(0, some_log(1_000)).await;
    claims.append(500, some_log(1_500).slice(500..)).await;
    assert_eq!((metrics.held_bytes.get(), metrics.received_bytes.get()), (1_500, 1_500));
    claims.http.runs.pass(3);
    claims.http.served.service.tails.store_old().await;
    assert_eq!(metrics.held_bytes.get(), 0);
}
