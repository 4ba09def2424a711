//! Code points: named places in the product's code where the simulator may interfere.
//!
//! Code calls `env.point("commit.before_txn").await?`. Without the feature `fault-points` that is
//! an `Ok(())` which the compiler removes; the product does not know which faults a plan has there.
//! A point may stand only where a crash, a delay or a failure of the next step is possible anyway.

use async_trait::async_trait;

/// A failure that a plan injected at a code point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("injected failure at `{0}`")]
pub struct Injected(pub &'static str);

/// Decides the effect of a code point: none, a delay, a failure, or never returning.
#[async_trait]
pub trait FaultPoints: Send + Sync + 'static {
    async fn reach(&self, point: &'static str) -> Result<(), Injected>;
}

/// No code point has an effect.
pub(crate) struct Quiet;

#[async_trait]
impl FaultPoints for Quiet {
    async fn reach(&self, _point: &'static str) -> Result<(), Injected> {
        Ok(())
    }
}
