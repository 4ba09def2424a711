//! Instances are replaced, one after the other.

use drydock_core::error::Kind;
use drydock_core::store::Durability;
use drydock_sim::history::{Answer, Operation};

use super::deployment::Deployment;

const PROGRESS: u64 = 60;
const ROUNDS: usize = 2;

/// Whether whoever asked may ask again without knowing more.
fn is_definite(operation: &Operation) -> bool {
    match operation.answer() {
        Some(Answer::Ok(_) | Answer::NotSent(_)) => true,
        Some(Answer::Refused { kind, .. }) => *kind != Kind::Timeout && *kind != Kind::Internal,
        Some(Answer::Unknown(_)) | None => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn a_rolling_restart_loses_no_write_and_leaves_no_request_in_doubt() {
    let mut deployment = Deployment::start(Durability::Quorum).await;
    let load = deployment.load();
    deployment.goes_on(PROGRESS, "nothing has happened yet").await;
    for _ in 0..ROUNDS {
        for number in 0..deployment.instances.len() {
            deployment.instances[number].signal("TERM");
            assert_eq!(deployment.instances[number].end().await, Some(0));
            deployment.goes_on(PROGRESS, "an instance is being replaced").await;
            deployment.instances[number].start_again().await;
        }
    }
    let found = load.end().await;
    let doubtful: Vec<String> = found
        .operations
        .iter()
        .filter(|operation| !is_definite(operation))
        .map(ToString::to_string)
        .collect();
    assert!(doubtful.is_empty(), "{doubtful:#?}");
}
