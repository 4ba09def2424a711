use axum::body::Body;
use drydock_core::context::Context;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::{Answer, AnswerStream, ClientError};
use http::{Method, StatusCode, header};

use super::own::attempt_path;
use super::{ExecutorClient, RunserviceClient};
use crate::calls::{Result, with_query};
use crate::runservice::types::{
    ARCHIVE, AttemptId, CACHE_KEY, CACHE_SCOPE, CacheId, CacheView, FindCacheQuery, ProjectId,
    SaveCacheQuery, from_header,
};

/// An entry of a cache that was found.
pub struct CacheDownload {
    pub key: String,
    pub scope: String,
    /// The bytes of the object, and their BLAKE3 digest in hexadecimal.
    pub size: u64,
    pub blake3: String,
    /// The object, as it arrives.
    pub bytes: AnswerStream,
}

impl RunserviceClient {
    /// One page of the entries of a project's cache.
    pub async fn caches(
        &self,
        ctx: &Context,
        project: ProjectId,
        query: &ListQuery,
    ) -> Result<Page<CacheView>> {
        self.calls.list(ctx, format!("/api/v1/projects/{project}/caches"), query).await
    }

    pub async fn delete_cache(
        &self,
        ctx: &Context,
        project: ProjectId,
        entry: CacheId,
    ) -> Result<()> {
        self.calls.delete(ctx, format!("/api/v1/projects/{project}/caches/{entry}"), None).await
    }
}

impl ExecutorClient {
    /// Reads the entry that the first of these keys finds, in the order of their look-up; `None`:
    /// there is no such entry.
    pub async fn cache(
        &self,
        ctx: &Context,
        attempt: AttemptId,
        keys: &[String],
    ) -> Result<Option<CacheDownload>> {
        let query = FindCacheQuery { keys: keys.join("\n") };
        let call = self.calls.call(Method::GET, with_query(&caches_path(attempt), &query));
        let answer = call.send_streamed(ctx).await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        found(answer).map(Some).ok_or_else(|| ClientError::Unknown {
            authority: self.calls.http.authority().to_owned(),
            source: "the headers of the answer do not describe an entry of a cache".into(),
        })
    }

    /// Stores an entry under a key. The status is 201 if there was none, else 200: the entry that
    /// there was stays as it is, and the answer shows it. The call takes no longer than `ctx`
    /// allows.
    pub async fn put_cache(
        &self,
        ctx: &Context,
        attempt: AttemptId,
        query: &SaveCacheQuery,
        bytes: impl Into<Body>,
    ) -> Result<Answer<CacheView>> {
        let path = with_query(&caches_path(attempt), query);
        let call = self.calls.call(Method::POST, path).header(header::CONTENT_TYPE, ARCHIVE);
        let call = call.header(header::CONTENT_LENGTH, &query.size.to_string());
        let call = call.body(bytes.into());
        let call = match ctx.remaining() {
            Some(left) => call.timeout(left),
            None => call,
        };
        call.send(ctx).await
    }
}

fn caches_path(attempt: AttemptId) -> String {
    format!("{}/caches", attempt_path(attempt))
}

fn found(answer: Answer<AnswerStream>) -> Option<CacheDownload> {
    Some(CacheDownload {
        key: from_header(answer.header(CACHE_KEY)?)?,
        scope: from_header(answer.header(CACHE_SCOPE)?)?,
        size: answer.header(header::CONTENT_LENGTH)?.parse().ok()?,
        blake3: answer.etag()?.trim_matches('"').to_owned(),
        bytes: answer.body,
    })
}
