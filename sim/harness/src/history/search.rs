//! Whether a history is linearizable, by the algorithm of Wing, Gong and Lowe.
//!
//! The search is bounded by steps, not by time, so that its verdict is deterministic; a history on
//! which it gives up is *not decided*. Linearizability is local: check each object by itself.

use std::collections::BTreeSet;

use crate::record::Seq;

/// One object as a state machine.
pub trait Model {
    /// What an operation says of the object, or does to it.
    type Effect;
    type State: Clone + Ord;

    fn initial() -> Self::State;

    /// The state afterwards; `None` if the effect contradicts the state.
    fn step(effect: &Self::Effect, state: &Self::State) -> Option<Self::State>;
}

/// One operation on one object, between two events.
#[derive(Debug, Clone)]
pub struct Interval<E> {
    pub from: Seq,
    /// [`Seq::MAX`]: never answered.
    pub to: Seq,
    pub effect: E,
    /// The operation's place in the history.
    pub operation: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Linearizable,
    /// No order explains it. The longest explained prefix stops at this operation.
    Broken {
        stuck: usize,
    },
    /// The search was too long.
    NotDecided,
}

/// Looks for an order of the intervals that their effects allow, for at most so many steps.
pub fn search<M: Model>(intervals: &[Interval<M::Effect>], max_steps: u64) -> Verdict {
    let mut entries = Entries::new(intervals);
    let mut state = M::initial();
    let mut done = Done::new(intervals.len());
    let mut tried = BTreeSet::new();
    let mut path: Vec<(usize, M::State)> = Vec::new();
    let mut entry = entries.first();
    let (mut steps, mut deepest, mut stuck) = (0, 0, 0);
    while let Some(at) = entry {
        steps += 1;
        if steps > max_steps {
            return Verdict::NotDecided;
        }
        match entries.call(at) {
            Some(interval) => {
                let next = M::step(&intervals[interval].effect, &state);
                let fresh = next.filter(|next| {
                    done.insert(interval);
                    let fresh = tried.insert((done.0.clone(), next.clone()));
                    done.remove(interval);
                    fresh
                });
                match fresh {
                    Some(next) => {
                        path.push((interval, std::mem::replace(&mut state, next)));
                        done.insert(interval);
                        entries.lift(interval);
                        entry = entries.first();
                    }
                    None => entry = entries.after(at),
                }
            }
            // A return whose call is not explained yet: something before it was chosen wrongly.
            None => {
                if path.len() >= deepest {
                    (deepest, stuck) = (path.len(), intervals[entries.returned(at)].operation);
                }
                let Some((interval, before)) = path.pop() else {
                    return Verdict::Broken { stuck };
                };
                state = before;
                done.remove(interval);
                entries.unlift(interval);
                entry = entries.after(entries.call_of(interval));
            }
        }
    }
    Verdict::Linearizable
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Done(Vec<u64>);

impl Done {
    fn new(count: usize) -> Done {
        Done(vec![0; count.div_ceil(64)])
    }

    fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn remove(&mut self, at: usize) {
        self.0[at / 64] &= !(1 << (at % 64));
    }
}

/// Calls and returns in order, as a doubly linked list from which they are lifted in pairs. Entry 0
/// is the head.
struct Entries {
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Of each entry: its interval, and whether it is the call.
    of: Vec<(usize, bool)>,
    /// Of each interval: the entries of its call and its return.
    places: Vec<(usize, usize)>,
}

impl Entries {
    fn new<E>(intervals: &[Interval<E>]) -> Entries {
        let ends = intervals.iter().enumerate().flat_map(|(index, interval)| {
            // Calls come before returns where both are unanswered: those may take place at any
            // time.
            [(interval.from, 0, index, true), (interval.to, 1, index, false)]
        });
        let mut ends: Vec<_> = ends.collect();
        ends.sort_unstable();
        let count = ends.len() + 1;
        let mut entries = Entries {
            next: (1..=count).map(|next| next % count).collect(),
            previous: (0..count).map(|at| (at + count - 1) % count).collect(),
            of: vec![(usize::MAX, false)],
            places: vec![(0, 0); intervals.len()],
        };
        for (_, _, index, is_call) in ends {
            let at = entries.of.len();
            entries.of.push((index, is_call));
            match is_call {
                true => entries.places[index].0 = at,
                false => entries.places[index].1 = at,
            }
        }
        entries
    }

    fn first(&self) -> Option<usize> {
        self.after(0)
    }

    fn after(&self, at: usize) -> Option<usize> {
        Some(self.next[at]).filter(|next| *next != 0)
    }

    /// The interval, if the entry is a call.
    fn call(&self, at: usize) -> Option<usize> {
        let (interval, is_call) = self.of[at];
        is_call.then_some(interval)
    }

    fn returned(&self, at: usize) -> usize {
        self.of[at].0
    }

    fn call_of(&self, interval: usize) -> usize {
        self.places[interval].0
    }

    fn lift(&mut self, interval: usize) {
        let (call, ret) = self.places[interval];
        for at in [call, ret] {
            let (previous, next) = (self.previous[at], self.next[at]);
            self.next[previous] = next;
            self.previous[next] = previous;
        }
    }

    fn unlift(&mut self, interval: usize) {
        let (call, ret) = self.places[interval];
        for at in [ret, call] {
            let (previous, next) = (self.previous[at], self.next[at]);
            self.next[previous] = at;
            self.previous[next] = at;
        }
    }
}
