//! Configstore's routes.

use drydock_core::error::Code;

use super::action::place::{AtGroup, AtProject};
use super::handlers::{
    environment, linked_account, member, org, project, project_group, remote_source, secret, token,
    user, variable,
};
use super::state::Configstore;
use crate::api::configstore::types::{
    ChildrenQuery, EnvironmentQuery, LinkedAccountView, MemberRole, MemberView, NewLinkedAccount,
    NewOrg, NewProject, NewProjectGroup, NewRemoteSource, NewSecret, NewToken, NewTokenView,
    NewUser, NewVariable, Org, OrgChange, OrgsQuery, ProjectChange, ProjectGroupChange,
    ProjectGroupView, ProjectView, RemoteSource, RemoteSourceChange, ResolveToken, ResolvedToken,
    RunEnvironment, SecretChange, SecretView, TokenView, TreeQuery, User, UserChange, UserOrg,
    VariableChange, VariableView,
};
use crate::http::server::health;
use crate::http::server::route::Route;
use crate::runtime::routes as admin;

pub fn routes() -> Vec<Route<Configstore>> {
    let mut routes = users();
    routes.extend(below_users());
    routes.extend(orgs());
    routes.extend(remote_sources());
    routes.extend(project_groups());
    routes.extend(projects());
    routes.extend(secrets_and_variables());
    routes.extend(health::routes());
    routes.extend(admin::routes());
    routes
}

fn users() -> Vec<Route<Configstore>> {
    vec![
        Route::get("/api/v1/users", user::list).about("lists users").lists::<User>(),
        Route::post("/api/v1/users", user::create)
            .about("creates a user, with a root project group")
            .creates::<NewUser, User>()
            .refuses(&[Code::InvalidName, Code::UserAlreadyExists]),
        Route::get("/api/v1/users/{user}", user::get)
            .about("shows a user")
            .shows::<User>()
            .refuses(&[Code::UserNotExist]),
        Route::put("/api/v1/users/{user}", user::update)
            .about("changes a user")
            .changes::<UserChange, User>()
            .refuses(&[Code::InvalidName, Code::UserAlreadyExists, Code::UserNotExist]),
        Route::delete("/api/v1/users/{user}", user::delete)
            .about("deletes a user with everything of it")
            .deletes()
            .refuses(&[Code::LastOwner, Code::UserNotExist]),
        Route::get("/api/v1/users/{user}/orgs", user::orgs)
            .about("lists the organizations of a user")
            .lists::<UserOrg>()
            .refuses(&[Code::UserNotExist]),
    ]
}

fn below_users() -> Vec<Route<Configstore>> {
    vec![
        Route::get("/api/v1/users/{user}/tokens", token::list)
            .about("lists the tokens of a user, without their values")
            .lists::<TokenView>()
            .refuses(&[Code::UserNotExist]),
        Route::post("/api/v1/users/{user}/tokens", token::create)
            .about("makes a token, and shows its value once")
            .creates::<NewToken, NewTokenView>()
            .refuses(&[Code::InvalidName, Code::TokenAlreadyExists, Code::UserNotExist]),
        Route::delete("/api/v1/users/{user}/tokens/{token}", token::delete)
            .about("deletes a token")
            .deletes()
            .refuses(&[Code::TokenNotExist, Code::UserNotExist]),
        Route::post("/api/v1/tokens/resolve", token::resolve)
            .about("says whose token has this value")
            .takes::<ResolveToken>()
            .answers::<ResolvedToken>()
            .refuses(&[Code::TokenNotExist]),
        Route::get("/api/v1/users/{user}/linked_accounts", linked_account::list)
            .about("lists who a user is to remote sources")
            .lists::<LinkedAccountView>()
            .refuses(&[Code::UserNotExist]),
        Route::post("/api/v1/users/{user}/linked_accounts", linked_account::create)
            .about("notes who a user is to a remote source")
            .creates::<NewLinkedAccount, LinkedAccountView>()
            .refuses(&[
                Code::LinkedAccountAlreadyExists,
                Code::RemoteSourceNotExist,
                Code::UserNotExist,
            ]),
        Route::delete("/api/v1/users/{user}/linked_accounts/{id}", linked_account::delete)
            .about("forgets who a user is to a remote source")
            .deletes()
            .refuses(&[Code::LinkedAccountNotExist, Code::UserNotExist]),
    ]
}

fn orgs() -> Vec<Route<Configstore>> {
    vec![
        Route::get("/api/v1/orgs", org::list)
            .about("lists organizations")
            .lists::<Org>()
            .query::<OrgsQuery>(),
        Route::post("/api/v1/orgs", org::create)
            .about("creates an organization, with a root project group")
            .creates::<NewOrg, Org>()
            .refuses(&[
                Code::InvalidName,
                Code::InvalidRef,
                Code::OrgAlreadyExists,
                Code::UserNotExist,
            ]),
        Route::get("/api/v1/orgs/{org}", org::get)
            .about("shows an organization")
            .shows::<Org>()
            .refuses(&[Code::OrgNotExist]),
        Route::put("/api/v1/orgs/{org}", org::update)
            .about("changes an organization")
            .changes::<OrgChange, Org>()
            .refuses(&[Code::InvalidName, Code::OrgAlreadyExists, Code::OrgNotExist]),
        Route::delete("/api/v1/orgs/{org}", org::delete)
            .about("deletes an organization with everything of it")
            .deletes()
            .refuses(&[Code::OrgNotExist]),
        Route::get("/api/v1/orgs/{org}/members", member::list)
            .about("lists the members of an organization")
            .lists::<MemberView>()
            .refuses(&[Code::OrgNotExist]),
        Route::get("/api/v1/orgs/{org}/members/{user}", member::get)
            .about("shows a membership")
            .shows::<MemberView>()
            .refuses(&[Code::MemberNotExist, Code::OrgNotExist, Code::UserNotExist]),
        Route::put("/api/v1/orgs/{org}/members/{user}", member::put)
            .about("makes a user a member, or changes the role")
            .puts::<MemberRole, MemberView>()
            .refuses(&[Code::LastOwner, Code::OrgNotExist, Code::UserNotExist]),
        Route::delete("/api/v1/orgs/{org}/members/{user}", member::delete)
            .about("ends a membership")
            .deletes()
            .refuses(&[
                Code::LastOwner,
                Code::MemberNotExist,
                Code::OrgNotExist,
                Code::UserNotExist,
            ]),
    ]
}

fn remote_sources() -> Vec<Route<Configstore>> {
    vec![
        Route::get("/api/v1/remote_sources", remote_source::list)
            .about("lists remote sources")
            .lists::<RemoteSource>(),
        Route::post("/api/v1/remote_sources", remote_source::create)
            .about("creates a remote source")
            .creates::<NewRemoteSource, RemoteSource>()
            .refuses(&[Code::InvalidName, Code::RemoteSourceAlreadyExists]),
        Route::get("/api/v1/remote_sources/{remote_source}", remote_source::get)
            .about("shows a remote source")
            .shows::<RemoteSource>()
            .refuses(&[Code::RemoteSourceNotExist]),
        Route::put("/api/v1/remote_sources/{remote_source}", remote_source::update)
            .about("changes a remote source")
            .changes::<RemoteSourceChange, RemoteSource>()
            .refuses(&[
                Code::InvalidName,
                Code::RemoteSourceAlreadyExists,
                Code::RemoteSourceNotExist,
            ]),
        Route::delete("/api/v1/remote_sources/{remote_source}", remote_source::delete)
            .about("deletes a remote source that nothing uses")
            .deletes()
            .refuses(&[Code::RemoteSourceInUse, Code::RemoteSourceNotExist]),
    ]
}

fn project_groups() -> Vec<Route<Configstore>> {
    const MISSING: &[Code] = &[Code::ProjectGroupNotExist];
    vec![
        Route::post("/api/v1/project_groups", project_group::create)
            .about("creates a project group in another one")
            .creates::<NewProjectGroup, ProjectGroupView>()
            .refuses(MISSING)
            .refuses(&[
                Code::InvalidName,
                Code::InvalidRef,
                Code::ProjectGroupAlreadyExists,
                Code::ProjectGroupTooDeep,
            ]),
        Route::get("/api/v1/project_groups/{group}", project_group::get)
            .about("shows a project group")
            .shows::<ProjectGroupView>()
            .refuses(MISSING),
        Route::put("/api/v1/project_groups/{group}", project_group::update)
            .about("changes or moves a project group")
            .changes::<ProjectGroupChange, ProjectGroupView>()
            .refuses(MISSING)
            .refuses(&[
                Code::InvalidName,
                Code::ProjectGroupAlreadyExists,
                Code::ProjectGroupCycle,
                Code::ProjectGroupTooDeep,
                Code::RootProjectGroup,
            ]),
        Route::delete("/api/v1/project_groups/{group}", project_group::delete)
            .about("deletes a project group with everything in it")
            .deletes()
            .refuses(MISSING)
            .refuses(&[Code::RootProjectGroup]),
        Route::get("/api/v1/project_groups/{group}/subgroups", project_group::subgroups)
            .about("lists the project groups in a project group")
            .lists::<ProjectGroupView>()
            .query::<ChildrenQuery>()
            .refuses(MISSING),
        Route::get("/api/v1/project_groups/{group}/projects", project_group::projects)
            .about("lists the projects in a project group")
            .lists::<ProjectView>()
            .query::<ChildrenQuery>()
            .refuses(MISSING),
    ]
}

fn projects() -> Vec<Route<Configstore>> {
    const MISSING: &[Code] = &[Code::ProjectNotExist];
    const REFUSED: &[Code] = &[
        Code::InvalidName,
        Code::InvalidRef,
        Code::ProjectAlreadyExists,
        Code::ProjectGroupNotExist,
        Code::RemoteSourceNotExist,
    ];
    vec![
        Route::post("/api/v1/projects", project::create)
            .about("creates a project in a project group")
            .creates::<NewProject, ProjectView>()
            .refuses(REFUSED),
        Route::get("/api/v1/projects/{project}", project::get)
            .about("shows a project")
            .shows::<ProjectView>()
            .refuses(MISSING),
        Route::put("/api/v1/projects/{project}", project::update)
            .about("changes or moves a project")
            .changes::<ProjectChange, ProjectView>()
            .refuses(MISSING)
            .refuses(REFUSED),
        Route::delete("/api/v1/projects/{project}", project::delete)
            .about("deletes a project with its secrets and variables")
            .deletes()
            .refuses(MISSING),
        Route::get("/api/v1/projects/{project}/run_environment", environment::get)
            .about("resolves the variables that a run gets, with the values of secrets")
            .query::<EnvironmentQuery>()
            .answers::<RunEnvironment>()
            .refuses(MISSING)
            .refuses(&[Code::EncryptionKeyMissing]),
    ]
}

/// The same routes below projects and project groups.
macro_rules! placed {
    ($list:literal, $kind:ty, $missing:expr) => {
        [
            Route::get(concat!($list, "/secrets"), secret::list::<$kind>)
                .about("lists secrets, without their data")
                .lists::<SecretView>()
                .query::<TreeQuery>(),
            Route::post(concat!($list, "/secrets"), secret::create::<$kind>)
                .about("creates a secret")
                .creates::<NewSecret, SecretView>()
                .refuses(&[Code::InvalidName, Code::SecretAlreadyExists]),
            Route::get(concat!($list, "/secrets/{secret}"), secret::get::<$kind>)
                .about("shows a secret, without its data")
                .shows::<SecretView>()
                .refuses(&[Code::SecretNotExist]),
            Route::put(concat!($list, "/secrets/{secret}"), secret::update::<$kind>)
                .about("changes a secret")
                .changes::<SecretChange, SecretView>()
                .refuses(&[Code::InvalidName, Code::SecretAlreadyExists, Code::SecretNotExist]),
            Route::delete(concat!($list, "/secrets/{secret}"), secret::delete::<$kind>)
                .about("deletes a secret")
                .deletes()
                .refuses(&[Code::SecretNotExist]),
            Route::get(concat!($list, "/variables"), variable::list::<$kind>)
                .about("lists variables")
                .lists::<VariableView>()
                .query::<TreeQuery>(),
            Route::post(concat!($list, "/variables"), variable::create::<$kind>)
                .about("creates a variable")
                .creates::<NewVariable, VariableView>()
                .refuses(&[Code::InvalidName, Code::VariableAlreadyExists]),
            Route::get(concat!($list, "/variables/{variable}"), variable::get::<$kind>)
                .about("shows a variable")
                .shows::<VariableView>()
                .refuses(&[Code::VariableNotExist]),
            Route::put(concat!($list, "/variables/{variable}"), variable::update::<$kind>)
                .about("changes a variable")
                .changes::<VariableChange, VariableView>()
                .refuses(&[Code::InvalidName, Code::VariableAlreadyExists, Code::VariableNotExist]),
            Route::delete(concat!($list, "/variables/{variable}"), variable::delete::<$kind>)
                .about("deletes a variable")
                .deletes()
                .refuses(&[Code::VariableNotExist]),
        ]
        .map(|route| route.refuses(&[$missing]))
    };
}

fn secrets_and_variables() -> Vec<Route<Configstore>> {
    let mut routes =
        Vec::from(placed!("/api/v1/projects/{project}", AtProject, Code::ProjectNotExist));
    routes.extend(placed!("/api/v1/project_groups/{group}", AtGroup, Code::ProjectGroupNotExist));
    routes
}
