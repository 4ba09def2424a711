//! What this process knows of an attempt, and no record says.

use drydock_api::runservice::types::Claimed;
use tokio::time::Instant;

use super::archives::{Restore, Uploads};
use super::caches::CacheProgress;
use super::pause::Pause;
use crate::attempt::{Outcome, Stop};

#[derive(Debug)]
pub struct Known {
    /// The answer to its claim, until it is started.
    pub claimed: Option<Claimed>,
    /// When this process came to know it, or got the answer to its claim last.
    pub claimed_at: Instant,
    pub restore: Restore,
    pub uploads: Uploads,
    pub caches: CacheProgress,
    /// It was handed to the driver, and its supervisor has ended before it began.
    pub is_to_start: bool,
    /// How often it was handed to the driver.
    pub starts: u32,
    /// The last order to stop that the driver has.
    pub ordered: Option<Stop>,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
    /// Its report is on its way.
    pub is_reported: bool,
    pub report_pause: Pause,
    /// How often the service has refused its report: the next one says less.
    pub refusals: u32,
    /// The result after so many refusals is kept.
    pub kept: Option<u32>,
    /// Since when it is over, and unknown to the service.
    pub unknown_since: Option<Instant>,
}

impl Default for Known {
    fn default() -> Known {
        Known {
            claimed: None,
            claimed_at: Instant::now(),
            restore: Restore::default(),
            uploads: Uploads::default(),
            caches: CacheProgress::default(),
            is_to_start: false,
            starts: 0,
            ordered: None,
            outcome: None,
            is_reported: false,
            report_pause: Pause::default(),
            refusals: 0,
            kept: None,
            unknown_since: None,
        }
    }
}
