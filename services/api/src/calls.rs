//! The parts that all calls of typed clients share: methods, headers and segments of paths.

use std::fmt::Display;

use drydock_core::context::Context;
use drydock_http::api::headers::IDEMPOTENCY_KEY;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::{Answer, Call, Client, ClientError};
use http::{HeaderName, Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) type Result<T> = std::result::Result<T, ClientError>;

/// The characters that are not percent-encoded in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A reference as one segment of a path.
pub(crate) fn segment(reference: impl Display) -> String {
    utf8_percent_encode(&reference.to_string(), PLAIN).to_string()
}

/// A path with a query.
pub(crate) fn with_query(path: &str, query: &impl Serialize) -> String {
    let query = serde_urlencoded::to_string(query).expect("queries are flat");
    format!("{path}?{query}")
}

/// Makes the calls of one client. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Calls {
    pub(crate) http: Client,
    /// A header of every call, such as the one that carries a delegation.
    pub(crate) header: Option<(HeaderName, String)>,
}

impl Calls {
    pub(crate) fn new(http: Client) -> Calls {
        Calls { http, header: None }
    }

    pub(crate) fn call(&self, method: Method, path: String) -> Call<'_> {
        let call = self.http.request(method, path);
        match &self.header {
            Some((name, value)) => call.header(name.clone(), value),
            None => call,
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        query: &impl Serialize,
    ) -> Result<Answer<T>> {
        self.call(Method::GET, with_query(&path, query)).send(ctx).await
    }

    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        query: &ListQuery,
    ) -> Result<Page<T>> {
        Ok(self.get(ctx, path, query).await?.body)
    }

    /// Sends a POST, which may be repeated if it has an idempotency `key`.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        body: &impl Serialize,
        key: Option<&str>,
    ) -> Result<Answer<T>> {
        let mut call = self.call(Method::POST, path).json(body);
        if let Some(key) = key {
            call = call.header(IDEMPOTENCY_KEY, key).repeatable();
        }
        call.send(ctx).await
    }

    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        body: &impl Serialize,
        if_match: Option<&str>,
    ) -> Result<Answer<T>> {
        let mut call = self.call(Method::PUT, path).json(body);
        if let Some(etag) = if_match {
            call = call.header(header::IF_MATCH, etag);
        }
        call.send(ctx).await
    }

    pub(crate) async fn delete(
        &self,
        ctx: &Context,
        path: String,
        if_match: Option<&str>,
    ) -> Result<()> {
        let mut call = self.call(Method::DELETE, path);
        if let Some(etag) = if_match {
            call = call.header(header::IF_MATCH, etag);
        }
        call.send_bytes(ctx).await?;
        Ok(())
    }
}
