//! Whoever interferes is told of every request what became of it.

use super::interference::{Answer, Asked, Interference};
use super::request::head::Head;
use super::request::operation::Operation;

/// Tells that a request is over, also if its connection ended first.
pub struct Over<'a> {
    interference: &'a dyn Interference,
    peer: &'a str,
    operation: Option<Operation>,
    bucket: String,
    key: String,
    mark: Option<u64>,
    pub answer: Option<Answer>,
}

impl<'a> Over<'a> {
    pub fn new(interference: &'a dyn Interference, peer: &'a str) -> Over<'a> {
        let (bucket, key) = (String::new(), String::new());
        Over { interference, peer, operation: None, bucket, key, mark: None, answer: None }
    }

    pub fn understood(&mut self, operation: Operation, head: &Head, mark: Option<u64>) {
        self.operation = Some(operation);
        self.bucket = head.bucket.clone().unwrap_or_default();
        self.key = head.key.clone().unwrap_or_default();
        self.mark = mark;
    }
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let Over { peer, operation, bucket, key, .. } = &*self;
        let asked = Asked { peer, operation: *operation, bucket, key };
        self.interference.answered(&asked, self.mark, self.answer);
    }
}
