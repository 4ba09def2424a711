//! Whether this instance could have heard the executors: silence counts only while somebody was
//! able to listen. An instance that was paused, in maintenance or cut off begins anew.

use std::time::Duration;

/// The greatest pause between two looks that belong together.
const GAP: Duration = Duration::from_secs(5);

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

    /// Notes that the instance is not fit.
    pub fn lose(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_or_a_failure_begins_anew() {
        let at = Duration::from_secs;
        let mut fitness = Fitness::default();
        assert_eq!(fitness.note(at(100)), at(0));
        assert_eq!(fitness.note(at(104)), at(4));
        assert_eq!(fitness.note(at(109)), at(9));
        assert_eq!(fitness.note(at(115)), at(0), "it was paused");
        assert_eq!(fitness.note(at(116)), at(1));
        fitness.lose();
        assert_eq!(fitness.note(at(117)), at(0));
    }
}
