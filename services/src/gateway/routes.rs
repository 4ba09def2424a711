//! The gateway's routes, and what each requires of its caller.

use drydock_core::error::{Code, Kind};

use super::handlers::{
    archive, lineage, linked_account, maintenance, member, org, project, project_group,
    remote_source, secret, token, user, variable,
};
use super::requirement::Object::{Org, Project, ProjectGroup};
use super::requirement::Requirement;
use super::requirement::Requirement::{
    Admin, AdminToken, AnyUser, Owns, OwnsParent, OwnsWithTarget, Reads, SelfOf,
};
use super::state::Gateway;
use crate::api::configstore::types::User;
use crate::configstore;
use crate::configstore::Configstore;
use crate::http::api::operation::BEHALF;
use crate::http::api::page::ListQuery;
use crate::http::server::health;
use crate::http::server::route::{Route, Spec};

/// A row of the table.
type Row = (Requirement, Route<Gateway>);

/// The table of the router: the rows, and health, which requires nothing.
pub fn routes() -> Vec<Route<Gateway>> {
    let behind = configstore::routes();
    let mut routes: Vec<_> = rows().into_iter().map(|row| described(row, &behind)).collect();
    routes.extend(health::routes());
    routes
}

/// The same table as data: what requires what.
pub fn requirements() -> Vec<(Spec, Requirement)> {
    let rows = rows().into_iter();
    rows.map(|(requirement, route)| (route.bearer().spec, requirement)).collect()
}

fn rows() -> Vec<Row> {
    let mut rows = users();
    rows.extend(orgs());
    rows.extend(tree());
    rows.extend(placed_at_projects());
    rows.extend(placed_at_groups());
    rows.extend(operators());
    rows
}

/// An operation is that of the service behind, which has the same path but for its name.
fn described((requirement, route): Row, behind: &[Route<Configstore>]) -> Route<Gateway> {
    let route = route.bearer();
    let path = route.spec.path.replacen("/configstore", "", 1);
    let same =
        |it: &&Route<Configstore>| it.spec.method == route.spec.method && it.spec.path == path;
    let Some(same) = behind.iter().find(same) else {
        return route.refuses(&requirement.codes());
    };
    let mut own = route.described_as(&same.operation).refuses(&requirement.codes());
    if requirement == Requirement::AdminToken {
        return own.refuses(&[Code::Maintenance, Code::CoordinationUnavailable]);
    }
    // What a service cannot do just now is told to operators only.
    own = own.refuses_only(|code| code.kind() != Kind::Unavailable && !BEHALF.contains(&code));
    match own.operation.query {
        Some(_) if FILTERED.contains(&own.spec.path) => own.query::<ListQuery>(),
        _ => own,
    }
}

/// Lists which the gateway filters itself, by who asks.
const FILTERED: [&str; 3] = [
    "/api/v1/orgs",
    "/api/v1/project_groups/{group}/projects",
    "/api/v1/project_groups/{group}/subgroups",
];

fn users() -> Vec<Row> {
    vec![
        (
            AnyUser,
            Route::get("/api/v1/user", user::me)
                .about("shows whose token it is")
                .shows::<User>()
                .refuses(&[Code::Forbidden, Code::UserNotExist]),
        ),
        (Admin, Route::get("/api/v1/users", user::list)),
        (Admin, Route::post("/api/v1/users", user::create)),
        (SelfOf, Route::get("/api/v1/users/{user}", user::get)),
        // Not everything about oneself is one's own to change.
        (SelfOf, Route::put("/api/v1/users/{user}", user::update).refuses(&[Code::Forbidden])),
        (Admin, Route::delete("/api/v1/users/{user}", user::delete)),
        (SelfOf, Route::get("/api/v1/users/{user}/orgs", user::orgs)),
        (SelfOf, Route::get("/api/v1/users/{user}/tokens", token::list)),
        (SelfOf, Route::post("/api/v1/users/{user}/tokens", token::create)),
        (SelfOf, Route::delete("/api/v1/users/{user}/tokens/{token}", token::delete)),
        (SelfOf, Route::get("/api/v1/users/{user}/linked_accounts", linked_account::list)),
        (SelfOf, Route::post("/api/v1/users/{user}/linked_accounts", linked_account::create)),
        (
            SelfOf,
            Route::delete("/api/v1/users/{user}/linked_accounts/{id}", linked_account::delete),
        ),
    ]
}

fn orgs() -> Vec<Row> {
    vec![
        (AnyUser, Route::get("/api/v1/orgs", org::list)),
        // Nor is every user to be made an owner.
        (AnyUser, Route::post("/api/v1/orgs", org::create).refuses(&[Code::Forbidden])),
        (Reads(Org), Route::get("/api/v1/orgs/{org}", org::get)),
        (Owns(Org), Route::put("/api/v1/orgs/{org}", org::update)),
        (Owns(Org), Route::delete("/api/v1/orgs/{org}", org::delete)),
        (Reads(Org), Route::get("/api/v1/orgs/{org}/members", member::list)),
        (Reads(Org), Route::get("/api/v1/orgs/{org}/members/{user}", member::get)),
        (Owns(Org), Route::put("/api/v1/orgs/{org}/members/{user}", member::put)),
        (Owns(Org), Route::delete("/api/v1/orgs/{org}/members/{user}", member::delete)),
        (AnyUser, Route::get("/api/v1/remote_sources", remote_source::list)),
        (Admin, Route::post("/api/v1/remote_sources", remote_source::create)),
        (AnyUser, Route::get("/api/v1/remote_sources/{remote_source}", remote_source::get)),
        (Admin, Route::put("/api/v1/remote_sources/{remote_source}", remote_source::update)),
        (Admin, Route::delete("/api/v1/remote_sources/{remote_source}", remote_source::delete)),
    ]
}

fn tree() -> Vec<Row> {
    let (reads, owns) = (Reads(ProjectGroup), Owns(ProjectGroup));
    let moves = OwnsWithTarget(ProjectGroup);
    vec![
        (OwnsParent, Route::post("/api/v1/project_groups", project_group::create)),
        (reads, Route::get("/api/v1/project_groups/{group}", project_group::get)),
        (moves, Route::put("/api/v1/project_groups/{group}", project_group::update)),
        (owns, Route::delete("/api/v1/project_groups/{group}", project_group::delete)),
        (reads, Route::get("/api/v1/project_groups/{group}/subgroups", project_group::subgroups)),
        (reads, Route::get("/api/v1/project_groups/{group}/projects", project_group::projects)),
        (OwnsParent, Route::post("/api/v1/projects", project::create)),
        (Reads(Project), Route::get("/api/v1/projects/{project}", project::get)),
        (OwnsWithTarget(Project), Route::put("/api/v1/projects/{project}", project::update)),
        (Owns(Project), Route::delete("/api/v1/projects/{project}", project::delete)),
    ]
}

/// Secrets and variables, which are below projects and groups alike.
macro_rules! placed {
    ($place:literal, $object:expr) => {
        vec![
            (Reads($object), Route::get(concat!($place, "/secrets"), secret::list)),
            (Owns($object), Route::post(concat!($place, "/secrets"), secret::create)),
            (Reads($object), Route::get(concat!($place, "/secrets/{secret}"), secret::get)),
            (Owns($object), Route::put(concat!($place, "/secrets/{secret}"), secret::update)),
            (Owns($object), Route::delete(concat!($place, "/secrets/{secret}"), secret::delete)),
            (Reads($object), Route::get(concat!($place, "/variables"), variable::list)),
            (Owns($object), Route::post(concat!($place, "/variables"), variable::create)),
            (Reads($object), Route::get(concat!($place, "/variables/{variable}"), variable::get)),
            (Owns($object), Route::put(concat!($place, "/variables/{variable}"), variable::update)),
            (
                Owns($object),
                Route::delete(concat!($place, "/variables/{variable}"), variable::delete),
            ),
        ]
    };
}

fn placed_at_projects() -> Vec<Row> {
    placed!("/api/v1/projects/{project}", Project)
}

fn placed_at_groups() -> Vec<Row> {
    placed!("/api/v1/project_groups/{group}", ProjectGroup)
}

/// What operators do to a service through the gateway.
fn operators() -> Vec<Row> {
    vec![
        (AdminToken, Route::get("/api/v1/maintenance/configstore", maintenance::status)),
        (
            AdminToken,
            Route::put("/api/v1/maintenance/configstore", maintenance::switch_on).unbounded(),
        ),
        (
            AdminToken,
            Route::delete("/api/v1/maintenance/configstore", maintenance::switch_off).unbounded(),
        ),
        (AdminToken, Route::get("/api/v1/export/configstore", archive::export).unbounded()),
        (
            AdminToken,
            Route::post("/api/v1/import/configstore", archive::import).streamed().unbounded(),
        ),
        (AdminToken, Route::get("/api/v1/lineages/configstore", lineage::list)),
        (
            AdminToken,
            Route::post("/api/v1/lineages/configstore/{lineage}/restore", lineage::restore)
                .bodiless()
                .unbounded(),
        ),
    ]
}
