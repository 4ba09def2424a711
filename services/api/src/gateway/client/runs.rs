use bytes::Bytes;
use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, ListQuery, Page, ReadQuery};
use drydock_http::client::{Answer, AnswerStream};
use http::{Method, header};

use crate::calls::{Calls, Result, segment, with_query};
use crate::gateway::types::{
    BadgeQuery, ProjectEventsQuery, ProjectRunsQuery, RestartRun, StartRun, TaskDecision,
};
use crate::names::TreeRef;
use crate::runservice::client::FOLLOWED_SILENCE;
use crate::runservice::types::{
    ArchiveQuery, CacheId, CacheView, EVENT_STREAM, EventPage, LogAttemptQuery, LogQuery, LogStep,
    RunSummary, RunView, TaskName, TaskView,
};

/// Calls about the runs of projects. Cheap to clone.
#[derive(Clone)]
pub struct RunsClient {
    pub(super) calls: Calls,
}

impl RunsClient {
    pub async fn list(
        &self,
        ctx: &Context,
        project: &TreeRef,
        query: &ProjectRunsQuery,
    ) -> Result<Page<RunSummary>> {
        Ok(self.calls.get(ctx, runs_path(project), query).await?.body)
    }

    /// Starts a run of a file.
    pub async fn start(
        &self,
        ctx: &Context,
        project: &TreeRef,
        new: &StartRun,
        key: Option<&str>,
    ) -> Result<Answer<RunView>> {
        self.calls.post(ctx, runs_path(project), new, key).await
    }

    pub async fn run(
        &self,
        ctx: &Context,
        project: &TreeRef,
        number: u64,
        consistency: Consistency,
    ) -> Result<Answer<RunView>> {
        self.calls.get(ctx, run_path(project, number), &ReadQuery::from(consistency)).await
    }

    pub async fn task(
        &self,
        ctx: &Context,
        project: &TreeRef,
        number: u64,
        task: &TaskName,
    ) -> Result<TaskView> {
        let query = ReadQuery::from(Consistency::Linearizable);
        Ok(self.calls.get(ctx, task_path(project, number, task), &query).await?.body)
    }

    /// Restarts a run as a new one.
    pub async fn restart(
        &self,
        ctx: &Context,
        project: &TreeRef,
        number: u64,
        restart: RestartRun,
        key: Option<&str>,
    ) -> Result<Answer<RunView>> {
        let path = format!("{}/restart", run_path(project, number));
        self.calls.post(ctx, path, &restart, key).await
    }

    /// Cancels a queued run.
    pub async fn cancel(&self, ctx: &Context, project: &TreeRef, number: u64) -> Result<()> {
        let path = format!("{}/cancel", run_path(project, number));
        self.calls.call(Method::POST, path).send_bytes(ctx).await?;
        Ok(())
    }

    /// Stops a running run, or cancels a queued one.
    pub async fn stop(&self, ctx: &Context, project: &TreeRef, number: u64) -> Result<()> {
        let path = format!("{}/stop", run_path(project, number));
        self.calls.call(Method::POST, path).send_bytes(ctx).await?;
        Ok(())
    }

    /// Approves a task; the same again changes nothing.
    pub async fn approve(
        &self,
        ctx: &Context,
        project: &TreeRef,
        number: u64,
        task: &TaskName,
        decision: &TaskDecision,
    ) -> Result<()> {
        let path = format!("{}/approve", task_path(project, number, task));
        self.decide(ctx, path, decision).await
    }

    /// Refuses a task; the same again changes nothing.
    pub async fn refuse(
        &self,
        ctx: &Context,
        project: &TreeRef,
        number: u64,
        task: &TaskName,
        decision: &TaskDecision,
    ) -> Result<()> {
        let path = format!("{}/refuse", task_path(project, number, task));
        self.decide(ctx, path, decision).await
    }

    /// Reads a log as it arrives; its state is in the header `Drydock-Log-State`.
    pub async fn log(
        &self,
        ctx: &Context,
        project: &TreeRef,
        (number, task, step): (u64, &TaskName, LogStep),
        query: &LogQuery,
    ) -> Result<Answer<AnswerStream>> {
        let path = format!("{}/logs/{step}", task_path(project, number, task));
        let call = self.calls.call(Method::GET, with_query(&path, query));
        call.silent_for(FOLLOWED_SILENCE).send_streamed(ctx).await
    }

    /// Reads the archive that a step has saved, as it arrives.
    pub async fn archive(
        &self,
        ctx: &Context,
        project: &TreeRef,
        (number, task, step): (u64, &TaskName, u16),
        query: &ArchiveQuery,
    ) -> Result<Answer<AnswerStream>> {
        let path = format!("{}/archives/{step}", task_path(project, number, task));
        self.calls.call(Method::GET, with_query(&path, query)).send_streamed(ctx).await
    }

    /// Deletes all logs of an attempt that has ended.
    pub async fn delete_logs(
        &self,
        ctx: &Context,
        project: &TreeRef,
        (number, task): (u64, &TaskName),
        query: &LogAttemptQuery,
    ) -> Result<()> {
        let path = with_query(&format!("{}/logs", task_path(project, number, task)), query);
        self.calls.call(Method::DELETE, path).send_bytes(ctx).await?;
        Ok(())
    }

    /// One page of the entries of a project's cache.
    pub async fn caches(
        &self,
        ctx: &Context,
        project: &TreeRef,
        query: &ListQuery,
    ) -> Result<Page<CacheView>> {
        self.calls.list(ctx, caches_path(project), query).await
    }

    pub async fn delete_cache(
        &self,
        ctx: &Context,
        project: &TreeRef,
        entry: CacheId,
    ) -> Result<()> {
        self.calls.delete(ctx, format!("{}/{entry}", caches_path(project)), None).await
    }

    /// One page of the events of a project's runs.
    pub async fn events(
        &self,
        ctx: &Context,
        project: &TreeRef,
        query: &ProjectEventsQuery,
    ) -> Result<EventPage> {
        Ok(self.calls.get(ctx, events_path(project), query).await?.body)
    }

    /// Reads the events of a project's runs as they come, as `text/event-stream`.
    pub async fn follow_events(
        &self,
        ctx: &Context,
        project: &TreeRef,
        query: &ProjectEventsQuery,
    ) -> Result<Answer<AnswerStream>> {
        let call = self.calls.call(Method::GET, with_query(&events_path(project), query));
        call.header(header::ACCEPT, EVENT_STREAM).send_streamed(ctx).await
    }

    /// The image of a branch's last result.
    pub async fn badge(
        &self,
        ctx: &Context,
        project: &TreeRef,
        query: &BadgeQuery,
    ) -> Result<Answer<Bytes>> {
        let path = format!("{PROJECTS}/{}/badge.svg", segment(project));
        self.calls.call(Method::GET, with_query(&path, query)).send_bytes(ctx).await
    }

    async fn decide(&self, ctx: &Context, path: String, decision: &TaskDecision) -> Result<()> {
        let call = self.calls.call(Method::POST, path).json(decision).repeatable();
        call.send_bytes(ctx).await?;
        Ok(())
    }
}

const PROJECTS: &str = "/api/v1/projects";

fn runs_path(project: &TreeRef) -> String {
    format!("{PROJECTS}/{}/runs", segment(project))
}

fn run_path(project: &TreeRef, number: u64) -> String {
    format!("{}/{number}", runs_path(project))
}

fn task_path(project: &TreeRef, number: u64, task: &TaskName) -> String {
    format!("{}/tasks/{}", run_path(project, number), segment(task))
}

fn caches_path(project: &TreeRef) -> String {
    format!("{PROJECTS}/{}/caches", segment(project))
}

fn events_path(project: &TreeRef) -> String {
    format!("{}/events", runs_path(project))
}
