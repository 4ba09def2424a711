//! Operations on remote sources, project groups and projects.

use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::operation::DELEGATION;
use drydock_http::api::page::InvalidPage;
use drydock_http::api::precondition::RevisionMismatch;

use crate::configstore::refusals::{
    EncryptionKeyMissing, InvalidField, InvalidRef, InvalidTreeRef, NotRepeatable,
    ProjectAlreadyExists, ProjectGroupAlreadyExists, ProjectGroupCycle, ProjectGroupNotExist,
    ProjectGroupTooDeep, ProjectNotExist, RemoteSourceAlreadyExists, RemoteSourceInUse,
    RemoteSourceNotExist, RootProjectGroup,
};
use crate::configstore::types::{
    ChildrenQuery, EnvironmentQuery, NewProject, NewProjectGroup, NewRemoteSource, ProjectChange,
    ProjectGroupChange, ProjectGroupView, ProjectView, RemoteSource, RemoteSourceChange,
    RunEnvironment,
};
use crate::endpoints::endpoints;
use crate::names::InvalidName;

/// Remote sources.
pub mod remote_source {
    use super::*;

    endpoints! {
        list: List { InvalidPage } =
            Endpoint::get("/api/v1/remote_sources")
                .about("lists remote sources")
                .lists::<RemoteSource>();
        create: Create { InvalidField, InvalidName, NotRepeatable, RemoteSourceAlreadyExists } =
            Endpoint::post("/api/v1/remote_sources")
                .about("creates a remote source")
                .creates::<NewRemoteSource, RemoteSource>();
        get: Get { RemoteSourceNotExist } =
            Endpoint::get("/api/v1/remote_sources/{remote_source}")
                .about("shows a remote source")
                .shows::<RemoteSource>();
        update: Update {
            InvalidField, InvalidName, RemoteSourceAlreadyExists, RemoteSourceNotExist,
            RevisionMismatch,
        } =
            Endpoint::put("/api/v1/remote_sources/{remote_source}")
                .about("changes a remote source")
                .changes::<RemoteSourceChange, RemoteSource>();
        delete: Delete { RemoteSourceInUse, RemoteSourceNotExist, RevisionMismatch } =
            Endpoint::delete("/api/v1/remote_sources/{remote_source}")
                .about("deletes a remote source that nothing uses")
                .deletes();
    }
}

/// Project groups.
pub mod project_group {
    use super::*;

    endpoints! {
        create: Create {
            InvalidName, InvalidTreeRef, NotRepeatable, ProjectGroupAlreadyExists,
            ProjectGroupNotExist, ProjectGroupTooDeep,
        } =
            Endpoint::post("/api/v1/project_groups")
                .about("creates a project group in another one")
                .creates::<NewProjectGroup, ProjectGroupView>();
        get: Get { ProjectGroupNotExist } =
            Endpoint::get("/api/v1/project_groups/{group}")
                .about("shows a project group")
                .shows::<ProjectGroupView>();
        update: Update {
            InvalidName, InvalidTreeRef, ProjectGroupAlreadyExists, ProjectGroupCycle,
            ProjectGroupNotExist, ProjectGroupTooDeep, RevisionMismatch, RootProjectGroup,
        } =
            Endpoint::put("/api/v1/project_groups/{group}")
                .about("changes or moves a project group")
                .changes::<ProjectGroupChange, ProjectGroupView>();
        delete: Delete { ProjectGroupNotExist, RevisionMismatch, RootProjectGroup } =
            Endpoint::delete("/api/v1/project_groups/{group}")
                .about("deletes a project group with everything in it")
                .deletes();
        subgroups: Subgroups { InvalidPage, ProjectGroupNotExist } =
            Endpoint::get("/api/v1/project_groups/{group}/subgroups")
                .about("lists the project groups in a project group")
                .lists::<ProjectGroupView>()
                .query::<ChildrenQuery>();
        projects: Projects { InvalidPage, ProjectGroupNotExist } =
            Endpoint::get("/api/v1/project_groups/{group}/projects")
                .about("lists the projects in a project group")
                .lists::<ProjectView>()
                .query::<ChildrenQuery>();
    }
}

/// Projects.
pub mod project {
    use super::*;

    endpoints! {
        create: Create {
            InvalidField, InvalidName, InvalidRef, InvalidTreeRef, NotRepeatable,
            ProjectAlreadyExists, ProjectGroupNotExist, RemoteSourceNotExist,
        } =
            Endpoint::post("/api/v1/projects")
                .about("creates a project in a project group")
                .creates::<NewProject, ProjectView>();
        get: Get { ProjectNotExist } =
            Endpoint::get("/api/v1/projects/{project}")
                .about("shows a project")
                .shows::<ProjectView>();
        update: Update {
            InvalidField, InvalidName, InvalidRef, InvalidTreeRef, ProjectAlreadyExists,
            ProjectGroupNotExist, ProjectNotExist, RemoteSourceNotExist, RevisionMismatch,
        } =
            Endpoint::put("/api/v1/projects/{project}")
                .about("changes or moves a project")
                .changes::<ProjectChange, ProjectView>();
        delete: Delete { ProjectNotExist, RevisionMismatch } =
            Endpoint::delete("/api/v1/projects/{project}")
                .about("deletes a project with its secrets and variables")
                .deletes();
        run_environment: ResolveEnvironment { EncryptionKeyMissing, ProjectNotExist } =
            Endpoint::get("/api/v1/projects/{project}/run_environment")
                .about("resolves the variables that a run gets, with the values of secrets")
                .query::<EnvironmentQuery>()
                .answers::<RunEnvironment>()
                .refuses(DELEGATION);
    }
}
