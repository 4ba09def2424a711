//! The refusals that services have in common.

use drydock_core::{failures, refusals};

refusals! {
    EncryptionKeyMissing = "a key that this needs is not configured";
    IdempotencyKeyReused = "the idempotency key was used for another request";
    TooManyKeys as TooManyRequests =
        "too many idempotency keys are kept; try again without, or later";

    /// A field of a body, and what is wrong with it.
    InvalidField(field: &'static str, why: String) as InvalidBody = "`{field}` {why}";
}

failures! {
    /// The refusals of every creation that may be repeated.
    NotRepeatable { EncryptionKeyMissing, IdempotencyKeyReused, TooManyKeys }
}
