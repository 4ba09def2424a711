//! An answer in the making.

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::xml;
use crate::error::S3Error;

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What a HEAD says about the body that it does not send.
    pub length: Option<u64>,
}

impl Reply {
    pub fn empty(status: StatusCode) -> Reply {
        Reply { status, headers: HeaderMap::new(), body: Bytes::new(), length: None }
    }

    pub fn document(body: Bytes) -> Reply {
        let reply = Reply::empty(StatusCode::OK).with("content-type", "application/xml");
        Reply { body, ..reply }
    }

    pub fn error(error: &S3Error, resource: &str, request_id: &str, host_id: &str) -> Reply {
        let status = StatusCode::from_u16(error.code.status()).expect("all of them are in range");
        let body = xml::error(error, resource, request_id, host_id);
        match status {
            StatusCode::NOT_MODIFIED => Reply::empty(status),
            _ => Reply { status, ..Reply::document(body) },
        }
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Reply {
        let name = HeaderName::from_bytes(name.as_bytes());
        // User metadata may hold any text; what no header can say is left out.
        let value = HeaderValue::from_bytes(value.to_string().as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub fn with_some(self, name: &str, value: Option<impl ToString>) -> Reply {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// As documents write times.
pub fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// As headers write times.
pub fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}
