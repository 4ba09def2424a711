//! Uploads from forms, once they are taken apart and allowed.

use http::StatusCode;

use super::dispatch::{Api, Request};
use super::object;
use crate::error::S3Error;
use crate::request::head::{encode, encode_path};
use crate::wire::reply::Reply;
use crate::wire::xml::Xml;

pub fn post(api: &mut Api<'_>, request: &Request) -> Result<Reply, S3Error> {
    let put = object::put(api, request)?;
    let head = &request.head;
    let etag = put.headers.get("etag").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let (bucket, key) = (request.bucket(), request.key());
    if let Some(url) = head.header("success_action_redirect") {
        let separator = if url.contains('?') { '&' } else { '?' };
        let (key, etag) = (encode(key), encode(etag));
        let url = format!("{url}{separator}bucket={bucket}&key={key}&etag={etag}");
        return Ok(Reply { status: StatusCode::SEE_OTHER, ..put }.with("location", url));
    }
    let host = head.header("host").unwrap_or_default();
    let location = format!("http://{host}/{bucket}/{}", encode_path(key));
    match head.header("success_action_status").as_deref() {
        Some("201") => {
            let document = Xml::bare("PostResponse", |xml| {
                xml.leaf("Location", &location).leaf("Bucket", bucket);
                xml.leaf("Key", key).leaf("ETag", etag);
            });
            let put = put.with("content-type", "application/xml").with("location", location);
            Ok(Reply { status: StatusCode::CREATED, body: document, ..put })
        }
        Some("200") => Ok(put.with("location", location)),
        _ => Ok(Reply { status: StatusCode::NO_CONTENT, ..put }.with("location", location)),
    }
}
