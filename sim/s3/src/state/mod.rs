//! What the server holds, as a pure state machine: time and ids are passed in.
//!
//! Reads see every write that was answered, listings too, unless a personality delays those.

mod bucket;
mod condition;
mod list;
mod multipart;
mod object;
mod store;

pub use bucket::{Bucket, NewObject};
pub use condition::{Conditions, WriteConditions};
pub use list::{After, Entry, Page, Selection, page};
pub use multipart::{Claims, Listed, MIN_PART_BYTES, Made, NewUpload, Part, Upload};
pub use object::{Object, Tags};
pub use store::{State, Ticket};
