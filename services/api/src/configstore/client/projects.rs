use drydock_core::context::Context;
use drydock_http::api::page::{Consistency, ListQuery, Page, ReadQuery};
use drydock_http::client::Answer;

use super::{ConfigstoreClient, Result};
use crate::calls::segment;
use crate::configstore::types::{
    EnvironmentQuery, NewProject, NewProjectGroup, ProjectChange, ProjectGroupChange,
    ProjectGroupView, ProjectView, RunEnvironment,
};
use crate::names::TreeRef;

impl ConfigstoreClient {
    pub async fn create_project_group(
        &self,
        ctx: &Context,
        new: &NewProjectGroup,
        key: Option<&str>,
    ) -> Result<Answer<ProjectGroupView>> {
        self.calls.post(ctx, GROUPS.to_owned(), new, key).await
    }

    pub async fn project_group(
        &self,
        ctx: &Context,
        group: &TreeRef,
        consistency: Consistency,
    ) -> Result<Answer<ProjectGroupView>> {
        self.calls.get(ctx, group_path(group), &ReadQuery::from(consistency)).await
    }

    pub async fn update_project_group(
        &self,
        ctx: &Context,
        group: &TreeRef,
        change: &ProjectGroupChange,
        if_match: Option<&str>,
    ) -> Result<Answer<ProjectGroupView>> {
        self.calls.put(ctx, group_path(group), change, if_match).await
    }

    pub async fn delete_project_group(
        &self,
        ctx: &Context,
        group: &TreeRef,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.calls.delete(ctx, group_path(group), if_match).await
    }

    pub async fn subgroups(
        &self,
        ctx: &Context,
        group: &TreeRef,
        query: &ListQuery,
    ) -> Result<Page<ProjectGroupView>> {
        self.calls.list(ctx, format!("{}/subgroups", group_path(group)), query).await
    }

    pub async fn projects(
        &self,
        ctx: &Context,
        group: &TreeRef,
        query: &ListQuery,
    ) -> Result<Page<ProjectView>> {
        self.calls.list(ctx, format!("{}/projects", group_path(group)), query).await
    }

    pub async fn create_project(
        &self,
        ctx: &Context,
        new: &NewProject,
        key: Option<&str>,
    ) -> Result<Answer<ProjectView>> {
        self.calls.post(ctx, PROJECTS.to_owned(), new, key).await
    }

    pub async fn project(
        &self,
        ctx: &Context,
        project: &TreeRef,
        consistency: Consistency,
    ) -> Result<Answer<ProjectView>> {
        self.calls.get(ctx, project_path(project), &ReadQuery::from(consistency)).await
    }

    pub async fn update_project(
        &self,
        ctx: &Context,
        project: &TreeRef,
        change: &ProjectChange,
        if_match: Option<&str>,
    ) -> Result<Answer<ProjectView>> {
        self.calls.put(ctx, project_path(project), change, if_match).await
    }

    pub async fn delete_project(
        &self,
        ctx: &Context,
        project: &TreeRef,
        if_match: Option<&str>,
    ) -> Result<()> {
        self.calls.delete(ctx, project_path(project), if_match).await
    }

    /// The environment of a run of the project, which holds values of secrets.
    pub async fn run_environment(
        &self,
        ctx: &Context,
        project: &TreeRef,
        query: &EnvironmentQuery,
    ) -> Result<RunEnvironment> {
        let path = format!("{}/run_environment", project_path(project));
        Ok(self.calls.get(ctx, path, query).await?.body)
    }
}

const GROUPS: &str = "/api/v1/project_groups";
const PROJECTS: &str = "/api/v1/projects";

pub(super) fn group_path(group: &TreeRef) -> String {
    format!("{GROUPS}/{}", segment(group))
}

pub(super) fn project_path(project: &TreeRef) -> String {
    format!("{PROJECTS}/{}", segment(project))
}
