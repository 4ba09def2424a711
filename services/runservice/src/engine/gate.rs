//! The resume gate: after maintenance, queued runs start a few at a time, counted over all
//! instances, because the count is part of the state.

use jiff::Timestamp;

use crate::record::ResumeGate;

const MINUTE_MS: i128 = 60_000;

/// The number of runs that may start through the gate now.
pub fn tokens(gate: &ResumeGate, now: Timestamp) -> u64 {
    let passed_ms = i128::from(now.as_millisecond()) - i128::from(gate.since.as_millisecond());
    let earned = passed_ms.max(0) * i128::from(gate.per_minute) / MINUTE_MS;
    u64::try_from(earned).unwrap_or(u64::MAX).saturating_sub(gate.taken)
}

/// When the gate has its next token, if it has none now.
pub fn opens_at(gate: &ResumeGate) -> Option<Timestamp> {
    let rate = i128::from(gate.per_minute);
    if rate == 0 {
        return None;
    }
    let wait_ms = (i128::from(gate.taken) + 1) * MINUTE_MS;
    let wait_ms = (wait_ms + rate - 1) / rate;
    let at = i128::from(gate.since.as_millisecond()) + wait_ms;
    Timestamp::from_millisecond(i64::try_from(at).ok()?).ok()
}
