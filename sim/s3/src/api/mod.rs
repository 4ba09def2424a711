//! Operations: from a verified request to a change of state and an answer. No I/O, no time of
//! their own.

mod acl;
mod bucket;
mod bulk;
mod copy;
mod dispatch;
mod form;
mod input;
mod listing;
mod multipart;
mod object;
mod range;
mod tagging;
mod upload_lists;

pub use dispatch::{Api, Request};
pub use tagging::of_form as tags_of_form;
