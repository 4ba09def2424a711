//! Object stores: files below one directory, and S3.
//!
//! An object exists with its whole content or not at all, and survives once its put is answered: a
//! file survives a power cut. A power cut may undo the deletion of a file.

mod credentials;
mod fs;
pub mod probe;
mod s3;

pub use credentials::{CredentialsError, CredentialsFile};
pub use fs::{OpenError, open_fs};
pub use s3::{Addressing, Credentials, S3Error, S3Settings, builder, open_s3};
