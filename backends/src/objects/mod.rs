//! Object stores: files below one directory, and S3.
//!
//! An object is there with its whole content or not at all, and after its put was answered it
//! survives: of files, a power cut. Of those a deletion may come undone by one.

mod credentials;
mod fs;
pub mod probe;
mod s3;

pub use credentials::{CredentialsError, CredentialsFile};
pub use fs::{OpenError, open_fs};
pub use s3::{Addressing, Credentials, S3Error, S3Settings, builder, open_s3};
