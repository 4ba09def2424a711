//! All forms of all secrets of an attempt, as one automaton.

use std::collections::BTreeSet;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;

use super::forms::{MAX_LENGTH, MIN_LENGTH, forms};

/// The total length in bytes of all forms of all secrets.
const MAX_TOTAL_LENGTH: usize = 2 << 20;

/// Why a secret cannot be masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmaskable {
    #[error("a secret has less than {MIN_LENGTH} bytes")]
    TooShort,
    #[error("a secret has more than {MAX_LENGTH} bytes")]
    TooLong,
    #[error("all forms of the secrets have more than {MAX_TOTAL_LENGTH} bytes")]
    TooMany,
}

/// The forms of secrets, and where a text stands among them.
#[derive(Default)]
pub struct Patterns {
    forms: BTreeSet<Vec<u8>>,
    total: usize,
    automaton: Option<Matcher>,
}

struct Matcher {
    nfa: NFA,
    start: StateID,
    /// For each state the length of the beginning of a secret that it stands for.
    depths: Vec<u32>,
}

/// What a byte led to.
pub struct Step {
    pub state: StateID,
    /// The length of the longest secret that ends with the byte; 0: none does.
    pub matched: usize,
    /// The number of last bytes that may be the beginning of a secret.
    pub pending: usize,
}

impl Patterns {
    /// Adds a secret. Whether it is masked from now on is the answer.
    pub fn add(&mut self, secret: &[u8]) -> Result<(), Unmaskable> {
        if secret.len() > MAX_LENGTH {
            return Err(Unmaskable::TooLong);
        }
        let new: BTreeSet<_> = forms(secret).difference(&self.forms).cloned().collect();
        if secret.trim_ascii().len() < MIN_LENGTH {
            return Err(Unmaskable::TooShort);
        }
        let length: usize = new.iter().map(Vec::len).sum();
        if self.total + length > MAX_TOTAL_LENGTH {
            return Err(Unmaskable::TooMany);
        }
        self.total += length;
        self.forms.extend(new);
        self.automaton = None;
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The state before any byte.
    pub fn start(&mut self) -> StateID {
        self.matcher().start
    }

    /// Goes on by one byte, from a state of these same forms.
    #[inline]
    pub fn step(&mut self, from: StateID, byte: u8) -> Step {
        let matcher = self.matcher();
        let state = matcher.nfa.next_state(Anchored::No, from, byte);
        if state == matcher.start {
            return Step { state, matched: 0, pending: 0 };
        }
        let mut matched = 0;
        if matcher.nfa.is_match(state) {
            for index in 0..matcher.nfa.match_len(state) {
                let pattern = matcher.nfa.match_pattern(state, index);
                matched = matched.max(matcher.nfa.pattern_len(pattern));
            }
        }
        Step { state, matched, pending: matcher.depths[state.as_usize()] as usize }
    }

    fn matcher(&mut self) -> &Matcher {
        self.automaton.get_or_insert_with(|| Matcher::new(&self.forms))
    }
}

impl Matcher {
    fn new(forms: &BTreeSet<Vec<u8>>) -> Matcher {
        // The default is `MatchKind::Standard`, the only one that reports overlapping matches.
        let nfa = NFA::new(forms).expect("the total length of all forms is bounded");
        let start = nfa.start_state(Anchored::No).expect("the automaton is not anchored");
        let mut depths = Vec::new();
        for form in forms {
            let mut state = start;
            for (at, byte) in form.iter().enumerate() {
                state = nfa.next_state(Anchored::No, state, *byte);
                let index = state.as_usize();
                if depths.len() <= index {
                    depths.resize(index + 1, 0);
                }
                depths[index] = u32::try_from(at + 1).expect("a form is short");
            }
        }
        Matcher { nfa, start, depths }
    }
}
