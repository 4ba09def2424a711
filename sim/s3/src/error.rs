//! S3's errors: code, status and message as the service documents them.

use std::borrow::Cow;

/// What goes into `<Code>`: a variant is spelt as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    AccessControlListNotSupported,
    AccessDenied,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    BadDigest,
    BadRequest,
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    ConditionalRequestConflict,
    EntityTooLarge,
    EntityTooSmall,
    ExpiredToken,
    IllegalLocationConstraintException,
    IncompleteBody,
    InternalError,
    InvalidAccessKeyId,
    InvalidArgument,
    InvalidBucketAclWithObjectOwnership,
    InvalidBucketName,
    InvalidBucketOwnerAWSAccountID,
    InvalidDigest,
    InvalidObjectState,
    InvalidPart,
    InvalidPartOrder,
    InvalidRange,
    InvalidRequest,
    InvalidStorageClass,
    InvalidTag,
    InvalidURI,
    KeyTooLongError,
    MalformedPOSTRequest,
    MalformedXML,
    MetadataTooLarge,
    MethodNotAllowed,
    MissingContentLength,
    NoSuchBucket,
    NoSuchBucketPolicy,
    NoSuchCORSConfiguration,
    NoSuchKey,
    NoSuchLifecycleConfiguration,
    NoSuchPublicAccessBlockConfiguration,
    NoSuchTagSet,
    NoSuchUpload,
    NoSuchVersion,
    NoSuchWebsiteConfiguration,
    NotImplemented,
    NotModified,
    ObjectLockConfigurationNotFoundError,
    OwnershipControlsNotFoundError,
    PreconditionFailed,
    ReplicationConfigurationNotFoundError,
    RequestTimeTooSkewed,
    RequestTimeout,
    ServerSideEncryptionConfigurationNotFoundError,
    ServiceUnavailable,
    SignatureDoesNotMatch,
    SlowDown,
    XAmzContentSHA256Mismatch,
}

impl Code {
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    pub fn status(self) -> u16 {
        match self {
            Code::NotModified => 304,
            Code::AccessDenied
            | Code::InvalidAccessKeyId
            | Code::InvalidObjectState
            | Code::RequestTimeTooSkewed
            | Code::SignatureDoesNotMatch => 403,
            Code::NoSuchBucket
            | Code::NoSuchBucketPolicy
            | Code::NoSuchCORSConfiguration
            | Code::NoSuchKey
            | Code::NoSuchLifecycleConfiguration
            | Code::NoSuchPublicAccessBlockConfiguration
            | Code::NoSuchTagSet
            | Code::NoSuchUpload
            | Code::NoSuchVersion
            | Code::NoSuchWebsiteConfiguration
            | Code::ObjectLockConfigurationNotFoundError
            | Code::OwnershipControlsNotFoundError
            | Code::ReplicationConfigurationNotFoundError
            | Code::ServerSideEncryptionConfigurationNotFoundError => 404,
            Code::MethodNotAllowed => 405,
            Code::BucketAlreadyExists
            | Code::BucketAlreadyOwnedByYou
            | Code::BucketNotEmpty
            | Code::ConditionalRequestConflict => 409,
            Code::MissingContentLength => 411,
            Code::PreconditionFailed => 412,
            Code::InvalidRange => 416,
            Code::InternalError => 500,
            Code::NotImplemented => 501,
            Code::ServiceUnavailable | Code::SlowDown => 503,
            _ => 400,
        }
    }

    fn message(self) -> &'static str {
        let found = MESSAGES.iter().find(|(code, _)| *code == self);
        found.map_or("The request cannot be carried out", |(_, message)| message)
    }
}

/// What S3 says to each code that always means the same.
const MESSAGES: [(Code, &str); 50] = [
    (Code::AccessControlListNotSupported, "The bucket does not allow ACLs"),
    (Code::AccessDenied, "Access Denied"),
    (Code::BadDigest, "The Content-MD5 you specified did not match what we received."),
    (Code::BucketAlreadyExists, "The requested bucket name is not available."),
    (
        Code::BucketAlreadyOwnedByYou,
        "Your previous request to create the named bucket succeeded and you already own it.",
    ),
    (Code::BucketNotEmpty, "The bucket you tried to delete is not empty"),
    (
        Code::ConditionalRequestConflict,
        "The conditional request cannot succeed due to a conflicting operation against this \
         resource.",
    ),
    (Code::EntityTooLarge, "Your proposed upload exceeds the maximum allowed size"),
    (Code::EntityTooSmall, "Your proposed upload is smaller than the minimum allowed object size."),
    (Code::ExpiredToken, "The provided token has expired."),
    (
        Code::IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    ),
    (Code::InternalError, "We encountered an internal error. Please try again."),
    (Code::InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records."),
    (
        Code::InvalidBucketAclWithObjectOwnership,
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    ),
    (Code::InvalidBucketName, "The specified bucket is not valid."),
    (
        Code::InvalidBucketOwnerAWSAccountID,
        "The value of the expected bucket owner parameter must be an AWS account ID",
    ),
    (Code::InvalidDigest, "The Content-MD5 you specified was invalid."),
    (Code::InvalidObjectState, "The operation is not valid for the object's storage class"),
    (
        Code::InvalidPart,
        "One or more of the specified parts could not be found.  The part may not have been \
         uploaded, or the specified entity tag may not match the part's entity tag.",
    ),
    (
        Code::InvalidPartOrder,
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
    ),
    (Code::InvalidRange, "The requested range is not satisfiable"),
    (Code::InvalidStorageClass, "The storage class you specified is not valid"),
    (Code::InvalidURI, "Couldn't parse the specified URI."),
    (Code::KeyTooLongError, "Your key is too long"),
    (
        Code::MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published \
         schema",
    ),
    (Code::MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size"),
    (Code::MethodNotAllowed, "The specified method is not allowed against this resource."),
    (Code::MissingContentLength, "You must provide the Content-Length HTTP header."),
    (Code::NoSuchBucket, "The specified bucket does not exist"),
    (Code::NoSuchBucketPolicy, "The bucket policy does not exist"),
    (Code::NoSuchCORSConfiguration, "The CORS configuration does not exist"),
    (Code::NoSuchKey, "The specified key does not exist."),
    (Code::NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist"),
    (
        Code::NoSuchPublicAccessBlockConfiguration,
        "The public access block configuration was not found",
    ),
    (Code::NoSuchTagSet, "The TagSet does not exist"),
    (
        Code::NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload \
         may have been aborted or completed.",
    ),
    (Code::NoSuchVersion, "The specified version does not exist."),
    (
        Code::NoSuchWebsiteConfiguration,
        "The specified bucket does not have a website configuration",
    ),
    (Code::NotImplemented, "A header you provided implies functionality that is not implemented"),
    (
        Code::ObjectLockConfigurationNotFoundError,
        "Object Lock configuration does not exist for this bucket",
    ),
    (Code::OwnershipControlsNotFoundError, "The bucket ownership controls were not found"),
    (Code::PreconditionFailed, "At least one of the pre-conditions you specified did not hold"),
    (Code::ReplicationConfigurationNotFoundError, "The replication configuration was not found"),
    (
        Code::RequestTimeTooSkewed,
        "The difference between the request time and the current time is too large.",
    ),
    (
        Code::RequestTimeout,
        "Your socket connection to the server was not read from or written to within the \
         timeout period. Idle connections will be closed.",
    ),
    (
        Code::ServerSideEncryptionConfigurationNotFoundError,
        "The server side encryption configuration was not found",
    ),
    (Code::ServiceUnavailable, "Service is unable to handle request."),
    (
        Code::SignatureDoesNotMatch,
        "The request signature we calculated does not match the signature you provided. \
         Check your key and signing method.",
    ),
    (Code::SlowDown, "Please reduce your request rate."),
    (
        Code::XAmzContentSHA256Mismatch,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ),
];

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Error {
    pub code: Code,
    pub message: Cow<'static, str>,
    /// Further elements of the answer's document.
    pub fields: Vec<(&'static str, String)>,
}

impl S3Error {
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> S3Error {
        S3Error { code, message: message.into(), fields: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> S3Error {
        self.fields.push((name, value.to_string()));
        self
    }

    /// A checksum, by the name of its algorithm, that is not that of the body.
    pub fn mismatch(algorithm: &str) -> S3Error {
        let message =
            format!("The {algorithm} you specified did not match the calculated checksum.");
        S3Error::new(Code::BadDigest, message)
    }

    /// A parameter or header that cannot be used.
    pub fn argument(name: &str, value: &str, message: impl Into<Cow<'static, str>>) -> S3Error {
        S3Error::new(Code::InvalidArgument, message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }
}

impl From<Code> for S3Error {
    fn from(code: Code) -> S3Error {
        S3Error::new(code, code.message())
    }
}
