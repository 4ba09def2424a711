//! What both sides of a request know: endpoints and the document made of them, and the conventions
//! of headers, errors, lists, conditions and creations. No server and no client is needed for it.

pub mod creation;
pub mod endpoint;
pub mod error_body;
pub mod headers;
pub mod object;
pub mod openapi;
pub mod operation;
pub mod page;
pub mod precondition;
