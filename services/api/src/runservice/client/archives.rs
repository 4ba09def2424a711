use axum::body::Body;
use drydock_core::context::Context;
use drydock_http::client::{Answer, AnswerStream};
use http::{Method, header};

use super::own::attempt_path;
use super::{ExecutorClient, RunserviceClient};
use crate::calls::{Result, with_query};
use crate::runservice::types::{
    ARCHIVE, ArchiveQuery, ArchiveReport, AttemptId, RunId, TaskName, UploadQuery,
};

impl RunserviceClient {
    /// Reads an archive as it arrives.
    pub async fn archive(
        &self,
        ctx: &Context,
        (run, task, step): (RunId, &TaskName, u16),
        query: &ArchiveQuery,
    ) -> Result<Answer<AnswerStream>> {
        let path = format!("/api/v1/runs/{run}/tasks/{task}/archives/{step}");
        self.calls.call(Method::GET, with_query(&path, query)).send_streamed(ctx).await
    }
}

impl ExecutorClient {
    /// Stores what a step saves. Each call makes an object of its own, with which the status of the
    /// attempt has to name it. The call takes no longer than `ctx` allows.
    pub async fn upload(
        &self,
        ctx: &Context,
        (attempt, step): (AttemptId, u16),
        query: &UploadQuery,
        bytes: impl Into<Body>,
    ) -> Result<ArchiveReport> {
        let path = with_query(&archive_path(attempt, step), query);
        let call = self.calls.call(Method::PUT, path).header(header::CONTENT_TYPE, ARCHIVE);
        let call = call.header(header::CONTENT_LENGTH, &query.size.to_string());
        let call = call.body(bytes.into());
        let call = match ctx.remaining() {
            Some(left) => call.timeout(left),
            None => call,
        };
        Ok(call.send(ctx).await?.body)
    }

    /// Reads an archive of an attempt above one of the executor's own, as it arrives.
    pub async fn download(
        &self,
        ctx: &Context,
        (attempt, step): (AttemptId, &str),
    ) -> Result<Answer<AnswerStream>> {
        let call = self.calls.call(Method::GET, archive_path(attempt, step));
        call.send_streamed(ctx).await
    }
}

fn archive_path(attempt: AttemptId, step: impl std::fmt::Display) -> String {
    format!("{}/archives/{step}", attempt_path(attempt))
}
