//! Whether this instance could have heard the executors: silence counts only while somebody was
//! able to listen. An instance that was paused, in maintenance or cut off begins anew.

use std::time::Duration;

/// The greatest pause between two looks that belong together.
const GAP: Duration = Duration::from_secs(10);

/// How long the instance has been fit without a pause, on its monotonic clock.
#[derive(Debug, Default)]
pub struct Fitness(Option<Span>);

#[derive(Debug, Clone, Copy)]
struct Span {
    first: Duration,
    last: Duration,
}

impl Fitness {
    /// Notes that the instance is fit now; answers for how long it has been.
    pub fn note(&mut self, now: Duration) -> Duration {
        let first = match self.0 {
            Some(Span { first, last }) if now.saturating_sub(last) <= GAP => first,
            _ => now,
        };
        self.0 = Some(Span { first, last: now });
        now.saturating_sub(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_begins_anew() {
        let at = Duration::from_secs;
        let mut fitness = Fitness::default();
        assert_eq!(fitness.note(at(100)), at(0));
        assert_eq!(fitness.note(at(104)), at(4));
        assert_eq!(fitness.note(at(114)), at(14));
        assert_eq!(fitness.note(at(125)), at(0), "it was paused");
        assert_eq!(fitness.note(at(126)), at(1));
    }
}
