//! The search, on a register that holds a number.

use super::*;

enum Register {}

#[derive(Debug, Clone, Copy)]
enum Effect {
    Write(u64),
    Read(u64),
    MaybeWrite(u64),
}

impl Model for Register {
    type Effect = Effect;
    type State = u64;

    fn initial() -> u64 {
        0
    }

    fn step(effect: &Effect, state: &u64) -> Option<u64> {
        match effect {
            Effect::Write(value) | Effect::MaybeWrite(value) => Some(*value),
            Effect::Read(value) => (value == state).then_some(*state),
        }
    }
}

fn verdict(parts: &[(u64, u64, Effect)], max_steps: u64) -> Verdict {
    let parts = parts.iter().enumerate();
    let intervals = parts.map(|(operation, (from, to, effect))| Interval {
        from: *from,
        to: *to,
        effect: *effect,
        operation,
    });
    search::<Register>(&intervals.collect::<Vec<_>>(), max_steps)
}

#[test]
fn calls_that_overlap_may_take_effect_in_either_order() {
    for seen in [0, 1] {
        let overlap = [(0, 5, Effect::Write(1)), (1, 4, Effect::Read(seen))];
        assert_eq!(verdict(&overlap, 100), Verdict::Linearizable);
    }
}

#[test]
fn a_stale_read_after_an_answered_write_is_found() {
    let stale = [(0, 1, Effect::Write(1)), (2, 3, Effect::Read(0))];
    assert_eq!(verdict(&stale, 100), Verdict::Broken { stuck: 1 });
}

#[test]
fn a_call_without_an_answer_may_take_effect_late_or_never() {
    for seen in [0, 7] {
        let late = [(0, u64::MAX, Effect::MaybeWrite(7)), (10, 11, Effect::Read(seen))];
        assert_eq!(verdict(&late, 100), Verdict::Linearizable);
    }
}

#[test]
fn a_search_that_is_too_long_is_not_decided() {
    let writes = (0..40).map(|n| (n, u64::MAX, Effect::MaybeWrite(n)));
    let contradiction = [(100, 101, Effect::Read(1)), (102, 103, Effect::Read(2))];
    let back = [(104, 105, Effect::Read(1)), (106, 107, Effect::Read(99))];
    let all: Vec<_> = writes.chain(contradiction).chain(back).collect();
    assert_eq!(verdict(&all, 1_000), Verdict::NotDecided);
}
