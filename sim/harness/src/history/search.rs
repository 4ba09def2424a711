//! Whether a history is linearizable: the object is followed through the history's events, with
//! every state that it may be in.
//!
//! An operation has to take effect before its answer, so the possible states are worked out anew at
//! each answer, from the operations that are under way (G. Lowe, "Testing for linearizability",
//! 2017: just-in-time linearization). Their number depends on what overlaps, not on the history's
//! length. An operation that was never answered may take effect late or never. Two things keep
//! those from multiplying: of such with equal effects, the one that began first is taken; and a
//! possibility that uses more of them than another one, for the same state, is dropped.
//!
//! The search is bounded by steps, not by time, so that its verdict is deterministic; a history on
//! which it gives up is *not decided*. Linearizability is local: check each object by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::Seq;

/// One object as a state machine.
pub trait Model {
    /// What an operation says of the object, or does to it. Equal effects are interchangeable.
    type Effect: PartialEq;
    type State: Clone + Ord;

    fn initial() -> Self::State;

    /// The state afterwards; `None` if the effect contradicts the state.
    fn step(effect: &Self::Effect, state: &Self::State) -> Option<Self::State>;
}

/// One operation on one object, between two events.
#[derive(Debug, Clone)]
pub struct Interval<E> {
    pub from: Seq,
    /// [`Seq::MAX`]: never answered. Then it may have taken no effect.
    pub to: Seq,
    pub effect: E,
    /// The operation's place in the history.
    pub operation: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Linearizable,
    /// No order explains the answer of this operation, and all before it.
    Broken {
        stuck: usize,
    },
    /// The search was too long.
    NotDecided,
}

/// Looks for an order of the intervals that their effects allow, for at most so many steps.
pub fn search<M: Model>(intervals: &[Interval<M::Effect>], max_steps: u64) -> Verdict {
    let calls = intervals.iter().enumerate().map(|(at, it)| (it.from, false, at));
    let answers = intervals.iter().enumerate().filter(|(_, it)| it.to != Seq::MAX);
    let answers = answers.map(|(at, it)| (it.to, true, at));
    // At the same event calls come before answers.
    let events: BTreeSet<_> = calls.chain(answers).collect();
    let mut under_way = UnderWay { intervals, answered: Vec::new(), open: Vec::new() };
    let mut possible = vec![Possibility::<M>::initial()];
    let mut steps = max_steps;
    for (_, is_answer, at) in events {
        if !is_answer {
            match intervals[at].to {
                Seq::MAX => under_way.open.push(at),
                _ => under_way.answered.push(at),
            }
            continue;
        }
        let Some(found) = under_way.answer(at, possible, &mut steps) else {
            return Verdict::NotDecided;
        };
        if found.is_empty() {
            return Verdict::Broken { stuck: intervals[at].operation };
        }
        possible = found;
        under_way.answered.retain(|other| *other != at);
    }
    Verdict::Linearizable
}

/// Operations that have begun.
struct UnderWay<'a, E> {
    intervals: &'a [Interval<E>],
    /// Those whose answer comes later.
    answered: Vec<usize>,
    /// Those without an answer, in the order in which they began.
    open: Vec<usize>,
}

/// Places in the history.
type Operations = BTreeSet<usize>;

/// What may be so: a state, and which of the operations under way have taken effect.
struct Possibility<M: Model> {
    state: M::State,
    answered: Operations,
    open: Operations,
}

impl<M: Model> Possibility<M> {
    fn initial() -> Possibility<M> {
        Possibility { state: M::initial(), answered: Operations::new(), open: Operations::new() }
    }
}

impl<E: PartialEq> UnderWay<'_, E> {
    /// The possibilities in which the operation has taken effect, when it is answered; `None` after
    /// too many steps.
    fn answer<M: Model<Effect = E>>(
        &self,
        at: usize,
        possible: Vec<Possibility<M>>,
        steps: &mut u64,
    ) -> Option<Vec<Possibility<M>>> {
        let (mut waiting, mut seen) = (Waiting::default(), Seen::default());
        let mut found = Vec::new();
        for it in possible {
            waiting.add(it, &mut seen);
        }
        // Those that use the fewest open operations come first, so that none that comes later makes
        // one of them needless.
        while let Some(mut it) = waiting.next() {
            if it.answered.remove(&at) {
                found.push(it);
                continue;
            }
            for next in self.candidates(&it) {
                *steps = steps.checked_sub(1)?;
                let Some(state) = M::step(&self.intervals[next].effect, &it.state) else {
                    continue;
                };
                let (mut answered, mut open) = (it.answered.clone(), it.open.clone());
                match self.intervals[next].to {
                    Seq::MAX => open.insert(next),
                    _ => answered.insert(next),
                };
                waiting.add(Possibility { state, answered, open }, &mut seen);
            }
        }
        Some(found)
    }

    /// The operations that may take effect next.
    fn candidates<M: Model>(&self, it: &Possibility<M>) -> Vec<usize> {
        let effect = |at: usize| &self.intervals[at].effect;
        let mut open: Vec<usize> = Vec::new();
        for at in self.open.iter().copied().filter(|at| !it.open.contains(at)) {
            if !open.iter().any(|first| effect(*first) == effect(at)) {
                open.push(at);
            }
        }
        let answered = self.answered.iter().copied().filter(|at| !it.answered.contains(at));
        answered.chain(open).collect()
    }
}

/// Possibilities to be looked at, by how many open operations they use.
struct Waiting<M: Model>(BTreeMap<usize, Vec<Possibility<M>>>);

/// For a state and the answered operations in it: the smallest sets of open ones that lead there.
struct Seen<M: Model>(BTreeMap<(M::State, Operations), Vec<Operations>>);

impl<M: Model> Default for Waiting<M> {
    fn default() -> Waiting<M> {
        Waiting(BTreeMap::new())
    }
}

impl<M: Model> Default for Seen<M> {
    fn default() -> Seen<M> {
        Seen(BTreeMap::new())
    }
}

impl<M: Model> Waiting<M> {
    /// Adds it, unless another one needs no more for the same.
    fn add(&mut self, it: Possibility<M>, seen: &mut Seen<M>) {
        let smallest = seen.0.entry((it.state.clone(), it.answered.clone())).or_default();
        if smallest.iter().any(|other| other.is_subset(&it.open)) {
            return;
        }
        smallest.push(it.open.clone());
        self.0.entry(it.open.len()).or_default().push(it);
    }

    fn next(&mut self) -> Option<Possibility<M>> {
        let mut first = self.0.first_entry()?;
        let it = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
        }
        it
    }
}
