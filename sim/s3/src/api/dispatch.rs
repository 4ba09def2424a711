//! Which function answers which operation.

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use super::{acl, bucket, bulk, copy, form, listing, multipart, object, tagging, upload_lists};
use crate::error::{Code, S3Error};
use crate::interference::Interference;
use crate::request::head::Head;
use crate::request::operation::Operation;
use crate::request::understood;
use crate::settings::{ConditionalWrites, Personality};
use crate::state::{Bucket, State, WriteConditions};
use crate::wire::reply::Reply;

/// A request whose sender and body are verified.
#[derive(Debug)]
pub struct Request {
    pub head: Head,
    pub operation: Operation,
    pub body: Bytes,
    /// Headers behind a chunked body.
    pub trailers: Vec<(String, String)>,
    /// Another write of the object came in while this conditional one was arriving.
    pub disturbed: bool,
}

impl Request {
    pub fn bucket(&self) -> &str {
        self.head.bucket.as_deref().unwrap_or_default()
    }

    pub fn key(&self) -> &str {
        self.head.key.as_deref().unwrap_or_default()
    }
}

/// What operations work on.
pub struct Api<'a> {
    pub state: &'a mut State,
    pub personality: &'a Personality,
    pub account: &'a str,
    pub region: &'a str,
    pub interference: &'a dyn Interference,
    /// Who asks.
    pub peer: &'a str,
    pub now: Timestamp,
    /// For a new upload; greater than all before.
    pub new_id: String,
}

impl Api<'_> {
    pub fn answer(&mut self, request: &Request) -> Result<Reply, S3Error> {
        use Operation as O;
        understood::check(request.operation, &request.head)?;
        self.check_owner(&request.head, "x-amz-expected-bucket-owner")?;
        self.check_owner(&request.head, "x-amz-source-expected-bucket-owner")?;
        if request.operation != O::CreateBucket && request.operation != O::ListBuckets {
            self.bucket(request)?;
        }
        match request.operation {
            O::ListBuckets => bucket::list(self, request),
            O::CreateBucket => bucket::create(self, request),
            O::HeadBucket => bucket::head(self),
            O::DeleteBucket => bucket::delete(self, request),
            O::GetBucketLocation => bucket::location(self),
            O::GetBucketVersioning => bucket::versioning(),
            O::GetBucketPreset(preset) => bucket::preset(preset),
            O::GetBucketAcl | O::GetObjectAcl => acl::get(self, request),
            O::PutBucketAcl | O::PutObjectAcl => acl::put(self, request),
            O::GetBucketConfiguration(code) => {
                Err(S3Error::from(code).with("BucketName", request.bucket()))
            }
            O::ListObjects => listing::v1(self, request),
            O::ListObjectsV2 => listing::v2(self, request),
            O::ListObjectVersions => listing::versions(self, request),
            O::ListMultipartUploads => upload_lists::uploads(self, request),
            O::DeleteObjects => bulk::delete(self, request),
            O::PutObject => object::put(self, request),
            O::PostObject => form::post(self, request),
            O::CopyObject => copy::object(self, request),
            O::GetObject | O::HeadObject => object::get(self, request),
            O::GetObjectAttributes => object::attributes(self, request),
            O::DeleteObject => object::delete(self, request),
            O::GetObjectTagging => tagging::get(self, request),
            O::PutObjectTagging => tagging::put(self, request),
            O::DeleteObjectTagging => tagging::delete(self, request),
            O::CreateMultipartUpload => multipart::create(self, request),
            O::UploadPart => multipart::part(self, request),
            O::UploadPartCopy => copy::part(self, request),
            O::CompleteMultipartUpload => multipart::complete(self, request),
            O::AbortMultipartUpload => multipart::abort(self, request),
            O::ListParts => upload_lists::parts(self, request),
        }
    }

    /// Refuses who takes a bucket for somebody else's.
    fn check_owner(&self, head: &Head, header: &str) -> Result<(), S3Error> {
        match head.header(header) {
            None => Ok(()),
            Some(expected) if expected == self.account => Ok(()),
            Some(other) if other.len() == 12 && other.bytes().all(|it| it.is_ascii_digit()) => {
                Err(Code::AccessDenied.into())
            }
            Some(_) => Err(Code::InvalidBucketOwnerAWSAccountID.into()),
        }
    }

    pub fn bucket(&self, request: &Request) -> Result<&Bucket, S3Error> {
        self.state.bucket(request.bucket())
    }

    pub fn bucket_mut(&mut self, request: &Request) -> Result<&mut Bucket, S3Error> {
        self.state.bucket_mut(request.bucket())
    }

    /// Notes a change, for conditional writers under way and for whoever looks on.
    pub fn changed(&mut self, bucket: &str, key: &str) {
        let object = self.state.bucket(bucket).ok().and_then(|bucket| bucket.find(key));
        self.interference.changed(bucket, key, object.map(|object| &**object));
        self.state.changed(bucket, key, self.now, self.personality.listing_lag);
    }

    /// The conditions of a write, as far as this server honours them.
    pub fn write_conditions(&self, request: &Request) -> Result<WriteConditions, S3Error> {
        let (if_match, if_none_match) =
            (request.head.header("if-match"), request.head.header("if-none-match"));
        let header = match (&if_match, &if_none_match) {
            (None, None) => return Ok(WriteConditions::default()),
            (Some(_), _) => "If-Match",
            (None, Some(_)) => "If-None-Match",
        };
        let not_implemented = || S3Error::from(Code::NotImplemented).with("Header", header);
        match self.personality.conditional_writes {
            ConditionalWrites::Ignored => return Ok(WriteConditions::default()),
            ConditionalWrites::Refused => return Err(not_implemented()),
            ConditionalWrites::Honoured => {}
        }
        let if_absent = match if_none_match.as_deref() {
            None => false,
            Some("*") => true,
            Some(_) => return Err(not_implemented()),
        };
        if request.disturbed {
            let error = S3Error::from(Code::ConditionalRequestConflict);
            return Err(error.with("Condition", header).with("Key", request.key()));
        }
        Ok(WriteConditions { if_match, if_absent })
    }

    /// The time that listings show.
    pub fn listed(&self) -> Timestamp {
        let lag = self.personality.listing_lag;
        self.now.saturating_sub(lag).expect("a duration is not a calendar span")
    }
}

/// An answer without content.
pub fn no_content() -> Result<Reply, S3Error> {
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
