//! The parts that all uploads of executors share.

use drydock_api::runservice::refusals::{ArchiveTooLarge, BadArchive, TooManyArchives};
use drydock_core::error::Failure;
use drydock_core::read_model::StoreError;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::unreadable;

use crate::engine::status::is_digest;
use crate::uploads::{Expected, UploadError};

/// Refuses what a request says of a body that nobody would store.
pub fn check<F>((size, blake3): Expected<'_>, limit: u64) -> Result<(), OperationError<F>>
where
    F: Failure + From<ArchiveTooLarge> + From<BadArchive>,
{
    if size > limit {
        return Err(OperationError::from(F::from(ArchiveTooLarge(limit))));
    }
    match is_digest(blake3) {
        true => Ok(()),
        false => {
            let problem = "`blake3` is no digest of 64 hexadecimal digits";
            Err(OperationError::from(F::from(BadArchive(problem.to_owned()))))
        }
    }
}

pub fn refusal<F>(error: UploadError) -> OperationError<F>
where
    F: Failure + From<BadArchive> + From<TooManyArchives>,
{
    match error {
        UploadError::Busy => OperationError::from(F::from(TooManyArchives)),
        UploadError::Size | UploadError::Digest => {
            OperationError::from(F::from(BadArchive(error.to_string())))
        }
        UploadError::Body(error) => OperationError::at_boundary(unreadable(error)),
        UploadError::Objects(error) => OperationError::at_boundary(StoreError::from(error).boxed()),
    }
}
