use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, ListQuery, Page, ReadQuery};
use drydock_http::client::Answer;

use super::RunserviceClient;
use crate::calls::{Result, segment};
use crate::names::Ref;
use crate::runservice::types::{ExecutorChange, ExecutorView, NewExecutor, NewExecutorView};

impl RunserviceClient {
    /// Registers an executor. No other answer holds its token.
    pub async fn create_executor(
        &self,
        ctx: &Context,
        new: &NewExecutor,
        key: Option<&str>,
    ) -> Result<Answer<NewExecutorView>> {
        self.calls.post(ctx, EXECUTORS.to_owned(), new, key).await
    }

    pub async fn executor(
        &self,
        ctx: &Context,
        executor: &Ref,
        consistency: Consistency,
    ) -> Result<Answer<ExecutorView>> {
        self.calls.get(ctx, executor_path(executor), &ReadQuery::from(consistency)).await
    }

    pub async fn executors(&self, ctx: &Context, query: &ListQuery) -> Result<Page<ExecutorView>> {
        self.calls.list(ctx, EXECUTORS.to_owned(), query).await
    }

    pub async fn update_executor(
        &self,
        ctx: &Context,
        executor: &Ref,
        change: &ExecutorChange,
        if_match: Option<&str>,
    ) -> Result<Answer<ExecutorView>> {
        self.calls.put(ctx, executor_path(executor), change, if_match).await
    }

    /// Ends the registration of an executor, whose attempts are lost at once.
    pub async fn delete_executor(
        &self,
        ctx: &Context,
        executor: &Ref,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.calls.delete(ctx, executor_path(executor), if_match).await
    }
}

const EXECUTORS: &str = "/api/v1/executors";

fn executor_path(executor: &Ref) -> String {
    format!("{EXECUTORS}/{}", segment(executor))
}
