//! Remote sources, and the tree of project groups and projects.

use drydock_core::error::Code;
use drydock_http::api::endpoint::Endpoint;

use crate::configstore::types::{
    ChildrenQuery, EnvironmentQuery, NewProject, NewProjectGroup, NewRemoteSource, ProjectChange,
    ProjectGroupChange, ProjectGroupView, ProjectView, RemoteSource, RemoteSourceChange,
    RunEnvironment,
};
use crate::endpoints::endpoints;

const MISSING_GROUP: &[Code] = &[Code::ProjectGroupNotExist];
const MISSING_PROJECT: &[Code] = &[Code::ProjectNotExist];
/// What a project that cannot be so is refused with.
const REFUSED: &[Code] = &[
    Code::InvalidName,
    Code::InvalidRef,
    Code::ProjectAlreadyExists,
    Code::ProjectGroupNotExist,
    Code::RemoteSourceNotExist,
];

/// Remote sources.
pub mod remote_source {
    use super::*;

    endpoints! {
        list = Endpoint::get("/api/v1/remote_sources")
            .about("lists remote sources")
            .lists::<RemoteSource>();
        create = Endpoint::post("/api/v1/remote_sources")
            .about("creates a remote source")
            .creates::<NewRemoteSource, RemoteSource>()
            .refuses(&[Code::InvalidName, Code::RemoteSourceAlreadyExists]);
        get = Endpoint::get("/api/v1/remote_sources/{remote_source}")
            .about("shows a remote source")
            .shows::<RemoteSource>()
            .refuses(&[Code::RemoteSourceNotExist]);
        update = Endpoint::put("/api/v1/remote_sources/{remote_source}")
            .about("changes a remote source")
            .changes::<RemoteSourceChange, RemoteSource>()
            .refuses(&[
                Code::InvalidName,
                Code::RemoteSourceAlreadyExists,
                Code::RemoteSourceNotExist,
            ]);
        delete = Endpoint::delete("/api/v1/remote_sources/{remote_source}")
            .about("deletes a remote source that nothing uses")
            .deletes()
            .refuses(&[Code::RemoteSourceInUse, Code::RemoteSourceNotExist]);
    }
}

/// Project groups.
pub mod project_group {
    use super::*;

    endpoints! {
        create = Endpoint::post("/api/v1/project_groups")
            .about("creates a project group in another one")
            .creates::<NewProjectGroup, ProjectGroupView>()
            .refuses(MISSING_GROUP)
            .refuses(&[
                Code::InvalidName,
                Code::InvalidRef,
                Code::ProjectGroupAlreadyExists,
                Code::ProjectGroupTooDeep,
            ]);
        get = Endpoint::get("/api/v1/project_groups/{group}")
            .about("shows a project group")
            .shows::<ProjectGroupView>()
            .refuses(MISSING_GROUP);
        update = Endpoint::put("/api/v1/project_groups/{group}")
            .about("changes or moves a project group")
            .changes::<ProjectGroupChange, ProjectGroupView>()
            .refuses(MISSING_GROUP)
            .refuses(&[
                Code::InvalidName,
                Code::ProjectGroupAlreadyExists,
                Code::ProjectGroupCycle,
                Code::ProjectGroupTooDeep,
                Code::RootProjectGroup,
            ]);
        delete = Endpoint::delete("/api/v1/project_groups/{group}")
            .about("deletes a project group with everything in it")
            .deletes()
            .refuses(MISSING_GROUP)
            .refuses(&[Code::RootProjectGroup]);
        subgroups = Endpoint::get("/api/v1/project_groups/{group}/subgroups")
            .about("lists the project groups in a project group")
            .lists::<ProjectGroupView>()
            .query::<ChildrenQuery>()
            .refuses(MISSING_GROUP);
        projects = Endpoint::get("/api/v1/project_groups/{group}/projects")
            .about("lists the projects in a project group")
            .lists::<ProjectView>()
            .query::<ChildrenQuery>()
            .refuses(MISSING_GROUP);
    }
}

/// Projects.
pub mod project {
    use super::*;

    endpoints! {
        create = Endpoint::post("/api/v1/projects")
            .about("creates a project in a project group")
            .creates::<NewProject, ProjectView>()
            .refuses(REFUSED);
        get = Endpoint::get("/api/v1/projects/{project}")
            .about("shows a project")
            .shows::<ProjectView>()
            .refuses(MISSING_PROJECT);
        update = Endpoint::put("/api/v1/projects/{project}")
            .about("changes or moves a project")
            .changes::<ProjectChange, ProjectView>()
            .refuses(MISSING_PROJECT)
            .refuses(REFUSED);
        delete = Endpoint::delete("/api/v1/projects/{project}")
            .about("deletes a project with its secrets and variables")
            .deletes()
            .refuses(MISSING_PROJECT);
        run_environment = Endpoint::get("/api/v1/projects/{project}/run_environment")
            .about("resolves the variables that a run gets, with the values of secrets")
            .query::<EnvironmentQuery>()
            .answers::<RunEnvironment>()
            .refuses(MISSING_PROJECT)
            .refuses(&[Code::EncryptionKeyMissing]);
    }
}
