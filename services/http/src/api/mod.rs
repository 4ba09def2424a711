//! The conventions of both sides of a request: endpoints and the document made of them, headers,
//! errors, lists, preconditions and creations. This module needs neither the server nor the client.

pub mod creation;
pub mod endpoint;
pub mod error_body;
pub mod headers;
pub mod object;
pub mod openapi;
pub mod operation;
pub mod page;
pub mod precondition;
