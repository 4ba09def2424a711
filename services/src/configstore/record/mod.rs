//! Objects as stored.

mod idempotency;

pub use idempotency::IdempotencyRecord;
