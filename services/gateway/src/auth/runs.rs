//! The way to the runs of a project.
//!
//! Architecture invariant: runservice knows no users. A handler reaches runs only through
//! [`ProjectRuns`], for which configstore has shown the project under the right of the route's row;
//! a run is found by its project and its number, so that no path leads to the run of another
//! project.

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::refusals::ProjectNotExist;
use drydock_api::configstore::types::ProjectView;
use drydock_api::names::TreeRef;
use drydock_api::runservice::client::RunserviceClient;
use drydock_api::runservice::refusals::RunNumberNotExist;
use drydock_api::runservice::types::{ByNumberQuery, ProjectId, RunView};
use drydock_core::context::Context;
use drydock_core::error::ActionError;
use drydock_http::api::page::Consistency;
use drydock_http::client::Answer;

use super::inquiry::Look;
use super::permit::{Complete, Permit};
use super::require::Require;
use crate::errors;

/// The runs of one project.
pub struct ProjectRuns {
    pub ctx: Context,
    pub project: ProjectView,
    pub runservice: RunserviceClient,
}

impl ProjectRuns {
    async fn of<F: From<ProjectNotExist>>(
        ctx: &Context,
        given: &TreeRef,
        configstore: &ConfigstoreClient,
        runservice: &RunserviceClient,
    ) -> Result<ProjectRuns, ActionError<F>> {
        let found = configstore.project(ctx, given, Consistency::Linearizable).await;
        let project = found
            .map_err(|error| errors::refused(error, [ProjectNotExist(given.clone()).into()]))?;
        let (ctx, runservice) = (ctx.clone(), runservice.clone());
        Ok(ProjectRuns { ctx, project: project.body, runservice })
    }

    pub fn id(&self) -> ProjectId {
        ProjectId(self.project.id)
    }

    /// The run with this number.
    pub async fn find<F: From<RunNumberNotExist>>(
        &self,
        number: u64,
    ) -> Result<Answer<RunView>, ActionError<F>> {
        let query = ByNumberQuery { project: self.id(), number, consistency: None };
        let found = self.runservice.run_by_number(&self.ctx, &query).await;
        found.map_err(|error| {
            errors::refused_by_runservice(error, [RunNumberNotExist(number).into()])
        })
    }
}

impl<R: Require<Given = TreeRef>> Look<R> {
    /// The runs of the project.
    pub async fn runs<F: From<ProjectNotExist>>(&self) -> Result<ProjectRuns, ActionError<F>> {
        ProjectRuns::of(&self.ctx, &self.given, &self.configstore, &self.runservice).await
    }
}

impl<R: Complete + Require<Given = TreeRef>> Permit<R> {
    /// The runs of the project, whose right is asked for once more.
    pub async fn runs<F: From<ProjectNotExist>>(&self) -> Result<ProjectRuns, ActionError<F>> {
        ProjectRuns::of(&self.ctx, &self.given, &self.configstore(), &self.runservice).await
    }
}
