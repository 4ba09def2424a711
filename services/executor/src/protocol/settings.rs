use std::collections::BTreeSet;
use std::time::Duration;

use drydock_api::runservice::types::Label;

/// What an executor says of itself, and its times.
#[derive(Debug, Clone)]
pub struct ProtocolSettings {
    pub labels: BTreeSet<Label>,
    /// The architecture of the machine.
    pub arch: Option<String>,
    /// The greatest number of attempts at once.
    pub limit: u32,
    pub heartbeat_every: Duration,
    /// How long a heartbeat, a report, and a claim beyond its wait may take.
    pub call_timeout: Duration,
    /// How long the sending of a piece of a log may take.
    pub piece_timeout: Duration,
    /// How long the upload of what an attempt has saved may be tried in vain, besides the time
    /// that so many bytes may take. After that the attempt has failed.
    pub upload_timeout: Duration,
    /// How long the service may keep a claim waiting for a task.
    pub claim_wait: Duration,
    /// The least time from one claim without a task to the next.
    pub claim_pause: Duration,
    /// The time between two looks at the attempts that run.
    pub look_every: Duration,
    /// After so long without an answered heartbeat, exclusive attempts are ended.
    pub silence: Duration,
    /// The least time from one answered report of an attempt's end to the next.
    pub report_again: Duration,
    /// How long an attempt that the service does not know is kept after its end.
    pub keep_unknown: Duration,
}

impl Default for ProtocolSettings {
    fn default() -> ProtocolSettings {
        ProtocolSettings {
            labels: BTreeSet::new(),
            arch: None,
            limit: 1,
            heartbeat_every: Duration::from_secs(5),
            call_timeout: Duration::from_secs(10),
            piece_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_secs(600),
            claim_wait: Duration::from_secs(20),
            claim_pause: Duration::from_secs(1),
            look_every: Duration::from_millis(50),
            silence: Duration::from_secs(60),
            report_again: Duration::from_secs(30),
            keep_unknown: Duration::from_secs(7 * 24 * 3600),
        }
    }
}
