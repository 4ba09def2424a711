use std::sync::{Arc, Mutex};

use bytes::Bytes;

/// What the look at the end saw, as far as it came.
#[derive(Debug, Default, Clone)]
pub struct FinalState {
    /// A complete export of each instance.
    pub exports: Vec<(usize, Bytes)>,
    /// The position of the last recovery, if any, by the status; `None`: not asked yet.
    pub recovered: Option<Option<u64>>,
    /// What did not come to an end.
    pub pending: Vec<String>,
}

pub type SharedFinalState = Arc<Mutex<FinalState>>;
