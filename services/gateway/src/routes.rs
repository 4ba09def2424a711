//! The gateway's routes, and what each requires of its caller.

use axum::handler::Handler;
use drydock_api::configstore::endpoints as at;
use drydock_api::gateway::SERVICE;
use drydock_api::gateway::endpoints as own;
use drydock_core::error::{Code, Failure, Kind};
use drydock_http::api::endpoint::{Endpoint, Spec};
use drydock_http::api::operation::DELEGATION;
use drydock_http::server::route::{Refusing, Route};
use drydock_runtime::Stateless;

use super::auth::permit::{Configstore, Runservice};
use super::auth::require::{
    Admin, AdminToken, AnyUser, Demands, Org, Owns, OwnsParent, OwnsWithTarget, Project,
    ProjectGroup, Reads, Require, Runs, SelfOf,
};
use super::handlers::{
    archive, badge, cache, event, executor, linked_account, log, maintenance, member, org, project,
    project_group, remote_source, run, run_archive, scoped, token, user,
};
use super::requirement::Requirement;
use super::state::{App, Gateway};

/// A row of the table.
type Row = (Requirement, Route<Gateway>);

/// The operations on one kind of object below one kind of scope.
macro_rules! scoped {
    ($object:ident, $module:ident, $operations:ident) => {
        [
            row(Reads($object), at::$module::list(), scoped::list::<at::$module::$operations>),
            row(Owns($object), at::$module::create(), scoped::create::<at::$module::$operations>),
            row(Reads($object), at::$module::get(), scoped::get::<at::$module::$operations>),
            row(Owns($object), at::$module::update(), scoped::update::<at::$module::$operations>),
            row(Owns($object), at::$module::delete(), scoped::delete::<at::$module::$operations>),
        ]
    };
}

/// What operators do to a service with a store.
macro_rules! operators {
    ($service:ident, $module:ident) => {
        [
            operator_row(own::$module::status(), maintenance::status::<$service>),
            operator_row(own::$module::switch_on(), maintenance::switch_on::<$service>),
            operator_row(own::$module::switch_off(), maintenance::switch_off::<$service>),
            operator_row(own::$module::export(), archive::export::<$service>),
            operator_row(own::$module::import(), archive::import::<$service>),
            operator_row(own::$module::lineages(), archive::lineages::<$service>),
            operator_row(own::$module::restore(), archive::restore::<$service>),
        ]
    };
}

impl Stateless for Gateway {
    const NAME: &'static str = SERVICE;

    fn routes() -> Vec<Route<Gateway>> {
        routes()
    }
}

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
    rows.extend(scoped!(Project, project_secret, ProjectSecret));
    rows.extend(scoped!(Project, project_variable, ProjectVariable));
    rows.extend(scoped!(ProjectGroup, group_secret, GroupSecret));
    rows.extend(scoped!(ProjectGroup, group_variable, GroupVariable));
    rows.extend(runs());
    rows.extend(operators!(Configstore, configstore));
    rows.extend(operators!(Runservice, runservice));
    rows.extend(executors());
    rows
}

/// An operation of the gateway is the same as that of the service behind, but for the callers that
/// it admits: both the row and the handler's first argument say which. The handler can refuse what
/// the operation declares.
fn row<R: Require, F: Failure, T: Demands<R> + 'static>(
    _: R,
    endpoint: Endpoint<F>,
    handler: impl Refusing<F, T, App>,
) -> Row {
    let requirement = R::REQUIREMENT;
    let endpoint = endpoint.described().bearer().refuses(&requirement.codes());
    // What a service cannot do just now is told to operators only.
    let endpoint = endpoint
        .refuses_only(|code| code.kind() != Kind::Unavailable && !DELEGATION.contains(&code));
    (requirement, Route::new(endpoint, handler))
}

/// A row for operators, who are told what the service says.
fn operator_row<T: Demands<AdminToken> + 'static>(
    endpoint: Endpoint,
    handler: impl Handler<T, App>,
) -> Row {
    let requirement = Requirement::AdminToken;
    let endpoint = endpoint.bearer().refuses(&requirement.codes());
    let endpoint = endpoint.refuses(&[Code::Maintenance, Code::CoordinationUnavailable]);
    (requirement, Route::new(endpoint, handler))
}

fn users() -> Vec<Row> {
    vec![
        row(AnyUser, own::me(), user::me),
        row(Admin, at::user::list(), user::list),
        row(Admin, at::user::create(), user::create),
        row(SelfOf, at::user::get(), user::get),
        row(SelfOf, own::update_user(), user::update),
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
        row(AnyUser, at::org::list(), org::list),
        row(AnyUser, own::create_org(), org::create),
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
    vec![
        row(OwnsParent, at::project_group::create(), project_group::create),
        row(Reads(ProjectGroup), at::project_group::get(), project_group::get),
        row(OwnsWithTarget(ProjectGroup), at::project_group::update(), project_group::update),
        row(Owns(ProjectGroup), at::project_group::delete(), project_group::delete),
        row(Reads(ProjectGroup), at::project_group::subgroups(), project_group::subgroups),
        row(Reads(ProjectGroup), at::project_group::projects(), project_group::projects),
        row(OwnsParent, at::project::create(), project::create),
        row(Reads(Project), at::project::get(), project::get),
        row(OwnsWithTarget(Project), at::project::update(), project::update),
        row(Owns(Project), at::project::delete(), project::delete),
    ]
}

fn runs() -> Vec<Row> {
    use own::run as at;
    vec![
        row(Reads(Project), at::list(), run::list),
        row(Runs, at::create(), run::create),
        row(Reads(Project), at::events(), event::list),
        row(Reads(Project), at::get(), run::get),
        row(Runs, at::cancel(), run::cancel),
        row(Runs, at::stop(), run::stop),
        row(Runs, at::restart(), run::restart),
        row(Reads(Project), at::task(), run::task),
        row(Runs, at::approve(), run::approve),
        row(Runs, at::refuse(), run::refuse),
        row(Reads(Project), at::read_log(), log::read),
        row(Owns(Project), at::delete_logs(), log::delete),
        row(Reads(Project), at::read_archive(), run_archive::read),
        row(Runs, at::list_caches(), cache::list),
        row(Runs, at::delete_cache(), cache::delete),
        row(Reads(Project), at::badge(), badge::show),
    ]
}

/// What operators do to executors, and to the gate through which runs start after maintenance.
fn executors() -> Vec<Row> {
    use drydock_api::runservice::endpoints::{executor as at, gate};
    vec![
        operator_row(at::list().described(), executor::list),
        operator_row(at::create().described(), executor::create),
        operator_row(at::get().described(), executor::get),
        operator_row(at::update().described(), executor::update),
        operator_row(at::delete().described(), executor::delete),
        operator_row(gate::show(), executor::gate),
        operator_row(gate::open(), executor::open_gate),
    ]
}
