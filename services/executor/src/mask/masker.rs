//! Replaces secrets in a stream of bytes.

use std::collections::VecDeque;
use std::ops::Range;

use aho_corasick::automaton::StateID;

use super::patterns::{Patterns, Unmaskable};

/// What stands in the place of a secret.
pub const MASK: &[u8] = b"***";

/// Masks one stream after the other with the same secrets.
#[derive(Default)]
pub struct Masker {
    patterns: Patterns,
    state: Option<StateID>,
    /// Bytes that are not decided upon yet.
    held: Vec<u8>,
    /// The place in the stream of the first held byte.
    base: usize,
    /// Places of secrets that end behind `base`, in order, without overlaps.
    secrets: VecDeque<Range<usize>>,
    /// Whether the last byte before `base` was part of a secret.
    hiding: bool,
}

impl Masker {
    /// Adds a secret. It is masked in what is still held, and in all that follows.
    pub fn add(&mut self, secret: &[u8]) -> Result<(), Unmaskable> {
        self.patterns.add(secret)?;
        // States of the old automaton mean nothing in the new one.
        self.state = None;
        Ok(())
    }

    /// Masks the next bytes of the stream and appends to `output` those that are decided.
    pub fn write(&mut self, input: &[u8], output: &mut Vec<u8>) {
        if self.patterns.is_empty() {
            output.extend_from_slice(input);
            return;
        }
        let mut state = self.current();
        let mut pending = 0;
        for byte in input {
            self.held.push(*byte);
            let end = self.base + self.held.len();
            (state, pending) = self.advance(state, *byte, end);
        }
        self.state = Some(state);
        if !input.is_empty() {
            self.release(self.held.len() - pending, output);
        }
    }

    /// Ends the stream: what is held is no secret.
    pub fn finish(&mut self, output: &mut Vec<u8>) {
        self.current();
        self.release(self.held.len(), output);
        self.state = None;
        self.base = 0;
        self.secrets.clear();
        self.hiding = false;
    }

    /// The state after all bytes so far; after new secrets what is held is gone through again.
    fn current(&mut self) -> StateID {
        if let Some(state) = self.state {
            return state;
        }
        let mut state = self.patterns.start();
        for at in 0..self.held.len() {
            state = self.advance(state, self.held[at], self.base + at + 1).0;
        }
        state
    }

    /// Goes on by the byte that ends at `end`, notes the secrets that end there, and answers the
    /// next state and how many last bytes may begin a secret.
    fn advance(&mut self, from: StateID, byte: u8, end: usize) -> (StateID, usize) {
        let step = self.patterns.step(from, byte);
        if step.matched > 0 {
            self.hide(end - step.matched..end);
        }
        (step.state, step.pending)
    }

    /// Notes a secret, united with those that it overlaps.
    fn hide(&mut self, mut secret: Range<usize>) {
        while let Some(last) = self.secrets.back().filter(|last| last.end >= secret.start) {
            secret = secret.start.min(last.start)..secret.end.max(last.end);
            self.secrets.pop_back();
        }
        self.secrets.push_back(secret);
    }

    /// Lets go of the first `length` held bytes.
    fn release(&mut self, length: usize, output: &mut Vec<u8>) {
        let end = self.base + length;
        let mut at = self.base;
        while at < end {
            let secret = self.secrets.front().cloned().unwrap_or(end..end);
            if at < secret.start {
                let until = secret.start.min(end);
                output.extend_from_slice(&self.held[at - self.base..until - self.base]);
                self.hiding = false;
                at = until;
                continue;
            }
            if !self.hiding {
                output.extend_from_slice(MASK);
            }
            self.hiding = true;
            at = secret.end.min(end);
            if secret.end <= end {
                self.secrets.pop_front();
            }
        }
        self.held.drain(..length);
        self.base = end;
    }
}
