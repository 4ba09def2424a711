//! Uploads in parts.

use http::StatusCode;
use serde::Deserialize;

use super::dispatch::{Api, Request, no_content};
use super::input::{ENCRYPTION, asked_algorithm, checksum, claimed, header_tags, object_headers};
use super::object::check_size;
use crate::error::{Code, S3Error};
use crate::request::head::encode_path;
use crate::state::{Claims, Listed, NewUpload};
use crate::wire::digest::{Algorithm, Checksum, Kind};
use crate::wire::reply::{Reply, quoted};
use crate::wire::xml::{Xml, parse};

const MAX_PART_NUMBER: u16 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Complete {
    #[serde(rename = "@xmlns")]
    _namespace: Option<String>,
    #[serde(rename = "Part", default)]
    parts: Vec<ListedPart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedPart {
    #[serde(rename = "PartNumber")]
    number: u16,
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(rename = "ChecksumCRC32")]
    crc32: Option<String>,
    #[serde(rename = "ChecksumCRC32C")]
    crc32c: Option<String>,
    #[serde(rename = "ChecksumCRC64NVME")]
    crc64nvme: Option<String>,
    #[serde(rename = "ChecksumSHA1")]
    sha1: Option<String>,
    #[serde(rename = "ChecksumSHA256")]
    sha256: Option<String>,
}

impl From<ListedPart> for Listed {
    fn from(part: ListedPart) -> Listed {
        let sums = [part.crc32, part.crc32c, part.crc64nvme, part.sha1, part.sha256];
        let sums = Algorithm::ALL.into_iter().zip(sums);
        Listed {
            number: part.number,
            etag: part.etag.trim_matches('"').to_owned(),
            checksums: sums.filter_map(|(algorithm, it)| Some((algorithm, it?))).collect(),
        }
    }
}

pub fn create(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let head = &request.head;
    let new = NewUpload {
        headers: object_headers(head)?,
        tags: header_tags(head)?,
        checksum: asked_checksum(request)?,
    };
    let encryption = new.headers.get(ENCRYPTION).cloned();
    let (id, now, asked) = (api.new_id.clone(), api.now, new.checksum);
    api.bucket_mut(request)?.begin_upload(request.key(), id.clone(), new, now);
    let document = Xml::document("InitiateMultipartUploadResult", |xml| {
        xml.leaf("Bucket", request.bucket()).leaf("Key", request.key()).leaf("UploadId", id);
    });
    Ok(Reply::document(document)
        .with_some(ENCRYPTION, encryption)
        .with_some("x-amz-checksum-algorithm", asked.map(|(algorithm, _)| algorithm.name()))
        .with_some("x-amz-checksum-type", asked.map(|(_, kind)| kind.name())))
}

fn asked_checksum(request: &Request) -> Result<Option<(Algorithm, Kind)>, S3Error> {
    let Some(algorithm) = asked_algorithm(&request.head, "x-amz-checksum-algorithm")? else {
        return Ok(None);
    };
    let usual = if algorithm == Algorithm::Crc64Nvme { Kind::FullObject } else { Kind::Composite };
    let kind = asked_kind(request)?.unwrap_or(usual);
    let possible = match algorithm {
        Algorithm::Crc64Nvme => kind == Kind::FullObject,
        Algorithm::Sha1 | Algorithm::Sha256 => kind == Kind::Composite,
        Algorithm::Crc32 | Algorithm::Crc32c => true,
    };
    if !possible {
        let message = format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            kind.name(),
            algorithm.name().to_ascii_lowercase()
        );
        return Err(S3Error::new(Code::InvalidRequest, message));
    }
    Ok(Some((algorithm, kind)))
}

fn asked_kind(request: &Request) -> Result<Option<Kind>, S3Error> {
    let name = "x-amz-checksum-type";
    let Some(said) = request.head.header(name) else { return Ok(None) };
    let message = "Value for x-amz-checksum-type header is invalid.";
    Kind::named(&said).map(Some).ok_or_else(|| S3Error::argument(name, &said, message))
}

/// What a completing request says that its object will be.
fn claims(request: &Request) -> Result<Claims, S3Error> {
    let name = "x-amz-mp-object-size";
    let size = request.head.header(name).map(|said| {
        let message = "Value for x-amz-mp-object-size header is invalid.";
        said.parse().map_err(|_| S3Error::argument(name, &said, message))
    });
    // Said of the object: the body is a list of parts.
    asked_algorithm(&request.head, "x-amz-sdk-checksum-algorithm")?;
    Ok(Claims {
        checksums: claimed(request).collect(),
        kind: asked_kind(request)?,
        size: size.transpose()?,
    })
}

pub fn part(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    check_size(request)?;
    let (id, number) = part_number(request)?;
    let sent = checksum(request)?;
    let asked = api.bucket(request)?.upload(request.key(), id)?.checksum();
    if let (Some(sent), Some((asked, _))) = (&sent, asked)
        && sent.algorithm != asked
    {
        let message = format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            asked.name().to_ascii_lowercase(),
            sent.algorithm.name().to_ascii_lowercase()
        );
        return Err(S3Error::new(Code::InvalidRequest, message));
    }
    let computed = || asked.map(|(algorithm, _)| Checksum::of(algorithm, &request.body));
    let (checksum, body, now) = (sent.or_else(computed), request.body.clone(), api.now);
    let bucket = api.bucket_mut(request)?;
    let part = bucket.put_part(request.key(), id, number, body, checksum, now)?;
    let reply = Reply::empty(StatusCode::OK).with("etag", quoted(&part.etag));
    let sum = part.checksum.as_ref();
    Ok(reply.with_some(sum.map_or("", |it| it.algorithm.header()), sum.map(|it| &it.value)))
}

/// The upload and the part that a request names.
pub fn part_number(request: &Request) -> Result<(&str, u16), S3Error> {
    let query = &request.head.query;
    let text = query.get("partNumber").unwrap_or_default();
    let number = text.parse().ok().filter(|it| (1..=MAX_PART_NUMBER).contains(it));
    let number = number.ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        S3Error::argument("partNumber", text, message)
    })?;
    Ok((query.get("uploadId").unwrap_or_default(), number))
}

pub fn complete(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let asked: Complete = parse(&request.body)?;
    let listed: Vec<Listed> = asked.parts.into_iter().map(Listed::from).collect();
    let (conditions, claims) = (api.write_conditions(request)?, claims(request)?);
    let (key, now) = (request.key(), api.now);
    let id = request.head.query.get("uploadId").unwrap_or_default();
    let bucket = api.bucket_mut(request)?;
    let made = bucket.complete_upload(key, id, &listed, &conditions, &claims, now)?;
    api.changed(request.bucket(), key);
    let etag = match api.personality.no_etag_on_complete {
        true => String::new(),
        false => quoted(&made.etag),
    };
    let host = request.head.header("host").unwrap_or_default();
    let location = format!("http://{host}/{}/{}", request.bucket(), encode_path(key));
    let document = Xml::document("CompleteMultipartUploadResult", |xml| {
        xml.leaf("Location", location).leaf("Bucket", request.bucket()).leaf("Key", key);
        xml.leaf("ETag", etag);
        if let Some(checksum) = &made.checksum {
            xml.leaf(checksum.algorithm.element(), &checksum.value);
            xml.leaf("ChecksumType", checksum.kind.name());
        }
    });
    let object = api.bucket(request)?.find(key);
    let encryption = object.and_then(|object| object.headers.get(ENCRYPTION));
    Ok(Reply::document(document).with_some(ENCRYPTION, encryption))
}

pub fn abort(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let id = request.head.query.get("uploadId").unwrap_or_default();
    api.bucket_mut(request)?.abort_upload(request.key(), id)?;
    no_content()
}
