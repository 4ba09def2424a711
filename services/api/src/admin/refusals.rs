//! What operators' requests are refused for.

use drydock_core::refusals;

use super::types::{MAX_REQUESTED_BY_LENGTH, MAX_WAIT_SECONDS};

refusals! {
    InvalidRequestedBy as InvalidHeader =
        "`X-Requested-By` must be 1 to {MAX_REQUESTED_BY_LENGTH} ASCII characters";
    InvalidWait as InvalidQuery =
        "`wait` must be a duration such as `30s`, up to {MAX_WAIT_SECONDS}s";
}
