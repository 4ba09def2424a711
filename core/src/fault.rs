//! Named places in the product's code where the simulator may interfere.
//!
//! Code says `env.point("commit.before_txn").await?`. Without the feature `fault-points` that is an
//! `Ok(())` which the compiler removes; the product knows nothing of what a plan does there. A
//! point stands only where a crash, a delay or a failure of what follows is possible anyway.

use async_trait::async_trait;

/// A failure that a plan put here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("injected failure at `{0}`")]
pub struct Injected(pub &'static str);

/// Decides what happens at a point: nothing, a delay, a failure, or never coming back.
#[async_trait]
pub trait FaultPoints: Send + Sync + 'static {
    async fn reach(&self, point: &'static str) -> Result<(), Injected>;
}

/// Lets everything pass.
pub(crate) struct Quiet;

#[async_trait]
impl FaultPoints for Quiet {
    async fn reach(&self, _point: &'static str) -> Result<(), Injected> {
        Ok(())
    }
}
