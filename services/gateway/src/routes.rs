//! The gateway's routes, and what each requires of its caller.

use axum::handler::Handler;
use drydock_api::configstore::endpoints as at;
use drydock_api::gateway::endpoints as own;
use drydock_core::error::{Code, Kind};
use drydock_http::api::endpoint::{Endpoint, Spec};
use drydock_http::api::operation::BEHALF;
use drydock_http::api::page::ListQuery;
use drydock_http::server::route::Route;

use super::handlers::{
    archive, lineage, linked_account, maintenance, member, org, project, project_group,
    remote_source, secret, token, user, variable,
};
use super::requirement::Object::{Org, Project, ProjectGroup};
use super::requirement::Requirement;
use super::requirement::Requirement::{
    Admin, AdminToken, AnyUser, Owns, OwnsParent, OwnsWithTarget, Reads, SelfOf,
};
use super::state::{App, Gateway};

/// A row of the table.
type Row = (Requirement, Route<Gateway>);

/// The table of the router.
pub fn routes() -> Vec<Route<Gateway>> {
    rows().into_iter().map(|(_, route)| route).collect()
}

/// The same table as data: what requires what.
pub fn requirements() -> Vec<(Spec, Requirement)> {
    let rows = rows().into_iter();
    rows.map(|(requirement, route)| (route.endpoint.spec, requirement)).collect()
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

/// An operation of the gateway is the same as that of the service behind, but for who may call it.
fn row<T: 'static>(
    requirement: Requirement,
    endpoint: Endpoint,
    handler: impl Handler<T, App>,
) -> Row {
    let endpoint = endpoint.bearer().refuses(&requirement.codes());
    let endpoint = match requirement {
        AdminToken => endpoint.refuses(&[Code::Maintenance, Code::CoordinationUnavailable]),
        // What a service cannot do just now is told to operators only.
        _ => endpoint
            .refuses_only(|code| code.kind() != Kind::Unavailable && !BEHALF.contains(&code)),
    };
    (requirement, Route::new(endpoint, handler))
}

fn users() -> Vec<Row> {
    vec![
        row(AnyUser, own::me(), user::me),
        row(Admin, at::user::list(), user::list),
        row(Admin, at::user::create(), user::create),
        row(SelfOf, at::user::get(), user::get),
        // Not everything about oneself is one's own to change.
        row(SelfOf, at::user::update().refuses(&[Code::Forbidden]), user::update),
        row(Admin, at::user::delete(), user::delete),
        row(SelfOf, at::user::orgs(), user::orgs),
        row(SelfOf, at::token::list(), token::list),
        row(SelfOf, at::token::create(), token::create),
        row(SelfOf, at::token::delete(), token::delete),
        row(SelfOf, at::linked_account::list(), linked_account::list),
        row(SelfOf, at::linked_account::create(), linked_account::create),
        row(SelfOf, at::linked_account::delete(), linked_account::delete),
    ]
}

fn orgs() -> Vec<Row> {
    vec![
        row(AnyUser, at::org::list().query::<ListQuery>(), org::list),
        // Nor is every user to be made an owner.
        row(AnyUser, at::org::create().refuses(&[Code::Forbidden]), org::create),
        row(Reads(Org), at::org::get(), org::get),
        row(Owns(Org), at::org::update(), org::update),
        row(Owns(Org), at::org::delete(), org::delete),
        row(Reads(Org), at::member::list(), member::list),
        row(Reads(Org), at::member::get(), member::get),
        row(Owns(Org), at::member::put(), member::put),
        row(Owns(Org), at::member::delete(), member::delete),
        row(AnyUser, at::remote_source::list(), remote_source::list),
        row(Admin, at::remote_source::create(), remote_source::create),
        row(AnyUser, at::remote_source::get(), remote_source::get),
        row(Admin, at::remote_source::update(), remote_source::update),
        row(Admin, at::remote_source::delete(), remote_source::delete),
    ]
}

fn tree() -> Vec<Row> {
    let (reads, owns) = (Reads(ProjectGroup), Owns(ProjectGroup));
    let moves = OwnsWithTarget(ProjectGroup);
    vec![
        row(OwnsParent, at::project_group::create(), project_group::create),
        row(reads, at::project_group::get(), project_group::get),
        row(moves, at::project_group::update(), project_group::update),
        row(owns, at::project_group::delete(), project_group::delete),
        row(reads, at::project_group::subgroups().query::<ListQuery>(), project_group::subgroups),
        row(reads, at::project_group::projects().query::<ListQuery>(), project_group::projects),
        row(OwnsParent, at::project::create(), project::create),
        row(Reads(Project), at::project::get(), project::get),
        row(OwnsWithTarget(Project), at::project::update(), project::update),
        row(Owns(Project), at::project::delete(), project::delete),
    ]
}

/// Secrets and variables, which are below projects and groups alike.
macro_rules! placed {
    ($object:expr, $secret:ident, $variable:ident) => {
        vec![
            row(Reads($object), at::$secret::list(), secret::list),
            row(Owns($object), at::$secret::create(), secret::create),
            row(Reads($object), at::$secret::get(), secret::get),
            row(Owns($object), at::$secret::update(), secret::update),
            row(Owns($object), at::$secret::delete(), secret::delete),
            row(Reads($object), at::$variable::list(), variable::list),
            row(Owns($object), at::$variable::create(), variable::create),
            row(Reads($object), at::$variable::get(), variable::get),
            row(Owns($object), at::$variable::update(), variable::update),
            row(Owns($object), at::$variable::delete(), variable::delete),
        ]
    };
}

fn placed_at_projects() -> Vec<Row> {
    placed!(Project, project_secret, project_variable)
}

fn placed_at_groups() -> Vec<Row> {
    placed!(ProjectGroup, group_secret, group_variable)
}

/// What operators do to a service through the gateway.
fn operators() -> Vec<Row> {
    vec![
        row(AdminToken, own::status(), maintenance::status),
        row(AdminToken, own::switch_on(), maintenance::switch_on),
        row(AdminToken, own::switch_off(), maintenance::switch_off),
        row(AdminToken, own::export(), archive::export),
        row(AdminToken, own::import(), archive::import),
        row(AdminToken, own::lineages(), lineage::list),
        row(AdminToken, own::restore(), lineage::restore),
    ]
}
