//! What a request asks for: its head, a posted form, and the operation that both stand for.

pub mod form;
pub mod head;
pub mod operation;
pub mod understood;
