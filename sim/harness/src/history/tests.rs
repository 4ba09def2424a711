//! The search, on a register that holds a number.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::*;

enum Register {}

#[derive(Debug, Clone, Copy, PartialEq)]
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
    let two = [(0, 1, Effect::Write(1)), (2, 3, Effect::Read(1))];
    assert_eq!(verdict(&two, 1), Verdict::NotDecided);
    assert_eq!(verdict(&two, 2), Verdict::Linearizable);
}

/// Each may have taken effect, and none had to.
#[test]
fn many_calls_without_an_answer_are_decided() {
    let writes: Vec<_> = (0..200).map(|n| (n, u64::MAX, Effect::MaybeWrite(n % 50))).collect();
    let read = |at, value| (at, at + 1, Effect::Read(value));
    let good = [read(300, 1), read(302, 2), read(304, 1), read(306, 49)];
    assert_eq!(verdict(&[&writes[..], &good].concat(), 50_000), Verdict::Linearizable);
    let bad = [read(300, 1), read(302, 50)];
    assert_eq!(verdict(&[&writes[..], &bad].concat(), 50_000), Verdict::Broken { stuck: 201 });
}

/// Tries all orders, one after the other.
fn explained(parts: &[(u64, u64, Effect)], done: &mut Vec<usize>, state: u64) -> bool {
    let left = |at: &usize| !done.contains(at);
    let ends = (0..parts.len()).filter(left).map(|at| parts[at].1).min();
    if ends.is_none_or(|end| end == u64::MAX) {
        return true;
    }
    let next: Vec<usize> =
        (0..parts.len()).filter(left).filter(|at| Some(parts[*at].0) <= ends).collect();
    next.into_iter().any(|at| {
        let Some(state) = Register::step(&parts[at].2, &state) else { return false };
        done.push(at);
        let found = explained(parts, done, state);
        done.pop();
        found
    })
}

/// Small histories of every kind, right and wrong, have the verdict of trying everything.
#[test]
fn verdicts_are_those_of_trying_all_orders() {
    let part =
        (0u64..12, 1u64..8, 0u8..4, 0u64..3).prop_map(|(from, length, kind, value)| match kind {
            0 => (from, from + length, Effect::Write(value)),
            1 => (from, u64::MAX, Effect::MaybeWrite(value)),
            _ => (from, from + length, Effect::Read(value)),
        });
    let mut counts = [0; 2];
    let mut runner = TestRunner::deterministic();
    let parts = proptest::collection::vec(part, 1..8);
    for _ in 0..3_000 {
        let parts = parts.new_tree(&mut runner).unwrap().current();
        let right = explained(&parts, &mut Vec::new(), Register::initial());
        let said = verdict(&parts, 100_000);
        assert_eq!(said == Verdict::Linearizable, right, "{parts:?}: {said:?}");
        counts[usize::from(right)] += 1;
    }
    let [wrong, right] = counts;
    assert!(wrong > 300 && right > 300, "{wrong} wrong, {right} right");
}
