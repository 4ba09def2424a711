//! Object stores: files below one directory.
//!
//! An object is there with its whole content or not at all, and after its put was answered it
//! survives a power cut. A deletion may come undone by one.

mod fs;

pub use fs::{OpenError, open_fs};
