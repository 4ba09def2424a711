use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, Page, ReadQuery};
use drydock_http::client::{Answer, AnswerStream};
use http::{Method, header};

use super::RunserviceClient;
use crate::calls::{Result, segment, with_query};
use crate::runservice::types::{
    ApprovalBody, ByNumberQuery, EVENT_STREAM, EventPage, EventsQuery, NewRun, ResumeGateView,
    RunId, RunSummary, RunView, RunsQuery, TaskName,
};

impl RunserviceClient {
    pub async fn create_run(
        &self,
        ctx: &Context,
        new: &NewRun,
        key: Option<&str>,
    ) -> Result<Answer<RunView>> {
        self.calls.post(ctx, RUNS.to_owned(), new, key).await
    }

    pub async fn run(
        &self,
        ctx: &Context,
        run: RunId,
        consistency: Consistency,
    ) -> Result<Answer<RunView>> {
        self.calls.get(ctx, run_path(run), &ReadQuery::from(consistency)).await
    }

    pub async fn run_by_number(
        &self,
        ctx: &Context,
        query: &ByNumberQuery,
    ) -> Result<Answer<RunView>> {
        self.calls.get(ctx, format!("{RUNS}/by_number"), query).await
    }

    pub async fn runs(&self, ctx: &Context, query: &RunsQuery) -> Result<Page<RunSummary>> {
        Ok(self.calls.get(ctx, RUNS.to_owned(), query).await?.body)
    }

    /// Cancels a queued run.
    pub async fn cancel_run(&self, ctx: &Context, run: RunId) -> Result<()> {
        let call = self.calls.call(Method::POST, format!("{}/cancel", run_path(run)));
        call.send_bytes(ctx).await?;
        Ok(())
    }

    /// Stops a running run, or cancels a queued one.
    pub async fn stop_run(&self, ctx: &Context, run: RunId) -> Result<()> {
        let call = self.calls.call(Method::POST, format!("{}/stop", run_path(run)));
        call.send_bytes(ctx).await?;
        Ok(())
    }

    pub async fn approve_task(
        &self,
        ctx: &Context,
        run: RunId,
        task: &TaskName,
        approval: &ApprovalBody,
    ) -> Result<()> {
        self.decide(ctx, format!("{}/approve", task_path(run, task)), approval).await
    }

    pub async fn refuse_task(
        &self,
        ctx: &Context,
        run: RunId,
        task: &TaskName,
        refusal: &ApprovalBody,
    ) -> Result<()> {
        self.decide(ctx, format!("{}/refuse", task_path(run, task)), refusal).await
    }

    /// One page of events.
    pub async fn events(&self, ctx: &Context, query: &EventsQuery) -> Result<EventPage> {
        Ok(self.calls.get(ctx, EVENTS.to_owned(), query).await?.body)
    }

    /// Reads events as they come, as `text/event-stream`.
    pub async fn follow_events(
        &self,
        ctx: &Context,
        query: &EventsQuery,
    ) -> Result<Answer<AnswerStream>> {
        let call = self.calls.call(Method::GET, with_query(EVENTS, query));
        call.header(header::ACCEPT, EVENT_STREAM).send_streamed(ctx).await
    }

    pub async fn resume_gate(
        &self,
        ctx: &Context,
        consistency: Consistency,
    ) -> Result<ResumeGateView> {
        let query = ReadQuery::from(consistency);
        Ok(self.calls.get(ctx, RESUME_GATE.to_owned(), &query).await?.body)
    }

    /// Lets queued runs start at once.
    pub async fn open_resume_gate(&self, ctx: &Context) -> Result<()> {
        self.calls.delete(ctx, RESUME_GATE.to_owned(), None).await
    }

    /// The same decision of the same approver changes nothing, so it may be repeated.
    async fn decide(&self, ctx: &Context, path: String, body: &ApprovalBody) -> Result<()> {
        let call = self.calls.call(Method::POST, path).json(body).repeatable();
        call.send_bytes(ctx).await?;
        Ok(())
    }
}

const RUNS: &str = "/api/v1/runs";
const EVENTS: &str = "/api/v1/runs/events";
const RESUME_GATE: &str = "/api/v1/gates/resume";

fn run_path(run: RunId) -> String {
    format!("{RUNS}/{run}")
}

fn task_path(run: RunId, task: &TaskName) -> String {
    format!("{}/tasks/{}", run_path(run), segment(task))
}
