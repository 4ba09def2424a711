//! How far the sending of one log is.

use std::ops::Range;
use std::time::Duration;

use drydock_api::runservice::types::Appended;

/// The bytes of a piece, at most.
const PIECE_BYTES: u64 = 1 << 20;

/// The place of one log in its sending. What the service says counts, whichever instance says it:
/// it may have less than the one before it, because that one had some in memory only.
#[derive(Debug, Clone, Default)]
pub struct Position {
    /// The bytes on disk.
    size: u64,
    /// The bytes that outlive every instance of the service.
    stored: u64,
    /// Where the next piece begins. Absent: the service has to be asked.
    next: Option<u64>,
    /// The last answer led to a piece at once.
    has_hurried: bool,
}

impl Position {
    /// A log of which this process has sent nothing.
    pub fn new(is_adopted: bool) -> Position {
        // An executor before this one may have sent much of it.
        Position { next: (!is_adopted).then_some(0), ..Position::default() }
    }

    pub fn grow(&mut self, size: u64) {
        self.size = self.size.max(size);
    }

    /// The bytes to send next, none of them to ask only. `None`: the service has stored them all.
    pub fn piece(&self) -> Option<Range<u64>> {
        let from = self.next.unwrap_or(0);
        match self.next {
            _ if self.size == 0 => None,
            Some(next) if next < self.size => Some(next..self.size.min(next + PIECE_BYTES)),
            Some(_) if self.stored >= self.size => None,
            // Some of them are in the memory of one instance, or the service has to be asked.
            _ => Some(from..from),
        }
    }

    /// Takes the answer to a piece, and answers how long the next one has to wait.
    pub fn take(&mut self, sent: &Range<u64>, answer: Appended) -> Duration {
        self.stored = answer.stored.min(self.size);
        let next = answer.received.min(self.size);
        self.next = Some(next);
        // Nothing of the piece was taken, so nobody has to recover from it. But two instances that
        // answer in turn do not make this one hurry for ever.
        let has_missed = answer.received < sent.start || sent.is_empty();
        self.has_hurried = has_missed && next < self.size && !self.has_hurried;
        match self.has_hurried {
            true => Duration::ZERO,
            false => Duration::from_millis(answer.next_after_ms),
        }
    }

    /// After a call without an answer: the instance may be gone, with all that it had in memory.
    pub fn go_back(&mut self) {
        self.next = self.next.map(|_| self.stored);
    }

    /// Makes the next piece a question: the service may have been set back.
    pub fn ask_again(&mut self) {
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(size: u64) -> Position {
        let mut position = Position::new(false);
        position.grow(size);
        position
    }

    fn answer(stored: u64, received: u64) -> Appended {
        Appended { received, stored, next_after_ms: 2000 }
    }

    const PAUSE: Duration = Duration::from_secs(2);

    #[test]
    fn pieces_follow_each_other_and_are_bounded() {
        let mut position = position(PIECE_BYTES + 7);
        assert_eq!(position.piece(), Some(0..PIECE_BYTES));
        assert_eq!(position.take(&(0..PIECE_BYTES), answer(0, PIECE_BYTES)), PAUSE);
        assert_eq!(position.piece(), Some(PIECE_BYTES..PIECE_BYTES + 7));
    }

    #[test]
    fn what_is_in_memory_is_asked_for_until_it_is_stored() {
        let mut position = position(10);
        assert_eq!(position.take(&(0..10), answer(4, 10)), PAUSE);
        assert_eq!(position.piece(), Some(10..10));
        assert_eq!(position.take(&(10..10), answer(10, 10)), PAUSE);
        assert_eq!(position.piece(), None);
        position.grow(11);
        assert_eq!(position.piece(), Some(10..11));
    }

    #[test]
    fn an_instance_that_has_less_gets_what_it_lacks_at_once() {
        let mut position = position(10);
        position.take(&(0..10), answer(0, 10));
        assert_eq!(position.take(&(10..10), answer(3, 3)), Duration::ZERO);
        assert_eq!(position.piece(), Some(3..10));
        // Another one, which has even less.
        assert_eq!(position.take(&(3..10), answer(1, 1)), PAUSE);
        assert_eq!(position.piece(), Some(1..10));
    }

    #[test]
    fn without_an_answer_it_goes_back_to_what_is_stored() {
        let mut position = position(10);
        position.take(&(0..6), answer(2, 6));
        position.go_back();
        assert_eq!(position.piece(), Some(2..10));
    }

    #[test]
    fn an_adopted_log_is_asked_for_first() {
        let mut position = Position::new(true);
        assert_eq!(position.piece(), None, "there is no byte of it");
        position.grow(10);
        assert_eq!(position.piece(), Some(0..0));
        position.go_back();
        assert_eq!(position.piece(), Some(0..0));
        assert_eq!(position.take(&(0..0), answer(5, 7)), Duration::ZERO);
        assert_eq!(position.piece(), Some(7..10));
    }

    #[test]
    fn a_disk_that_has_lost_its_last_bytes_sends_no_others() {
        let mut position = position(10);
        assert_eq!(position.take(&(0..10), answer(50, 60)), PAUSE);
        assert_eq!(position.piece(), None);
    }
}
