//! What all calls share, and paths.

use std::fmt::Display;

use drydock_core::context::Context;
use drydock_http::api::headers::IDEMPOTENCY_KEY;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::{Answer, Call};
use http::{Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ConfigstoreClient, Result};
use crate::configstore::types::ON_BEHALF_OF;

/// What stands in a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A reference as one segment of a path.
pub(super) fn segment(reference: impl Display) -> String {
    utf8_percent_encode(&reference.to_string(), PLAIN).to_string()
}

impl ConfigstoreClient {
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        query: &impl Serialize,
    ) -> Result<Answer<T>> {
        let query = serde_urlencoded::to_string(query).expect("queries are flat");
        self.http.request(Method::GET, format!("{path}?{query}")).send(ctx).await
    }

    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        query: &ListQuery,
    ) -> Result<Page<T>> {
        Ok(self.get(ctx, path, query).await?.body)
    }

    fn change(&self, method: Method, path: String) -> Call<'_> {
        let call = self.http.request(method, path);
        match &self.behalf {
            Some(behalf) => call.header(ON_BEHALF_OF, behalf),
            None => call,
        }
    }

    /// With an idempotency `key` the call may be repeated.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        body: &impl Serialize,
        key: Option<&str>,
    ) -> Result<Answer<T>> {
        let mut call = self.change(Method::POST, path).json(body);
        if let Some(key) = key {
            call = call.header(IDEMPOTENCY_KEY, key).repeatable();
        }
        call.send(ctx).await
    }

    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        ctx: &Context,
        path: String,
        body: &impl Serialize,
        if_match: Option<&str>,
    ) -> Result<Answer<T>> {
        let mut call = self.change(Method::PUT, path).json(body);
        if let Some(etag) = if_match {
            call = call.header(header::IF_MATCH, etag);
        }
        call.send(ctx).await
    }

    pub(super) async fn delete(
        &self,
        ctx: &Context,
        path: String,
        if_match: Option<&str>,
    ) -> Result<()> {
        let mut call = self.change(Method::DELETE, path);
        if let Some(etag) = if_match {
            call = call.header(header::IF_MATCH, etag);
        }
        call.send_bytes(ctx).await?;
        Ok(())
    }
}
