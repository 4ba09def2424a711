//! Keeps secrets out of logs, before a byte of them reaches a disk or a wire.
//!
//! A secret is recognised in the forms in which programs write it (`forms`), however the bytes are
//! split over reads. Of overlapping secrets the union is hidden: of two where one begins with the
//! other no tail stays readable. Bytes are held back only while they may be the beginning of a
//! secret. Absent on purpose: secrets below four bytes, which would mask ordinary text, and base64
//! that is broken into lines.

mod forms;
mod masker;
mod patterns;
#[cfg(test)]
mod tests;

pub use forms::{MAX_LENGTH, MIN_LENGTH, MIN_LINE_LENGTH, forms};
pub use masker::{MASK, Masker};
pub use patterns::Unmaskable;
