//! Configstore's routes: each endpoint of its contract with its handler.

use drydock_api::configstore::endpoints as at;
use drydock_http::server::route::Route;

use super::handlers::{
    environment, linked_account, member, org, project, project_group, remote_source, scoped, token,
    user,
};
use super::record::{Secret, Variable};
use super::state::ConfigstoreState;

/// A row of the table.
type Row = Route<ConfigstoreState>;

/// The same handlers for both kinds of objects below both kinds of scopes.
macro_rules! scoped {
    ($module:ident, $operations:ident, $record:ident) => {
        [
            Route::typed(at::$module::list(), scoped::list::<at::$module::$operations, $record>),
            Route::typed(
                at::$module::create(),
                scoped::create::<at::$module::$operations, $record>,
            ),
            Route::typed(at::$module::get(), scoped::get::<at::$module::$operations, $record>),
            Route::typed(
                at::$module::update(),
                scoped::update::<at::$module::$operations, $record>,
            ),
            Route::typed(
                at::$module::delete(),
                scoped::delete::<at::$module::$operations, $record>,
            ),
        ]
    };
}

/// All routes, in the order of the document.
pub fn routes() -> Vec<Row> {
    let mut routes = people();
    routes.extend(tree());
    routes.extend(scoped!(project_secret, ProjectSecret, Secret));
    routes.extend(scoped!(project_variable, ProjectVariable, Variable));
    routes.extend(scoped!(group_secret, GroupSecret, Secret));
    routes.extend(scoped!(group_variable, GroupVariable, Variable));
    routes
}

fn people() -> Vec<Row> {
    vec![
        Route::typed(at::user::list(), user::list),
        Route::typed(at::user::create(), user::create),
        Route::typed(at::user::get(), user::get),
        Route::typed(at::user::update(), user::update),
        Route::typed(at::user::delete(), user::delete),
        Route::typed(at::user::orgs(), user::orgs),
        Route::typed(at::token::list(), token::list),
        Route::typed(at::token::create(), token::create),
        Route::typed(at::token::delete(), token::delete),
        Route::typed(at::token::resolve(), token::resolve),
        Route::typed(at::linked_account::list(), linked_account::list),
        Route::typed(at::linked_account::create(), linked_account::create),
        Route::typed(at::linked_account::delete(), linked_account::delete),
        Route::typed(at::org::list(), org::list),
        Route::typed(at::org::create(), org::create),
        Route::typed(at::org::get(), org::get),
        Route::typed(at::org::update(), org::update),
        Route::typed(at::org::delete(), org::delete),
        Route::typed(at::member::list(), member::list),
        Route::typed(at::member::get(), member::get),
        Route::typed(at::member::put(), member::put),
        Route::typed(at::member::delete(), member::delete),
    ]
}

fn tree() -> Vec<Row> {
    vec![
        Route::typed(at::remote_source::list(), remote_source::list),
        Route::typed(at::remote_source::create(), remote_source::create),
        Route::typed(at::remote_source::get(), remote_source::get),
        Route::typed(at::remote_source::update(), remote_source::update),
        Route::typed(at::remote_source::delete(), remote_source::delete),
        Route::typed(at::project_group::create(), project_group::create),
        Route::typed(at::project_group::get(), project_group::get),
        Route::typed(at::project_group::update(), project_group::update),
        Route::typed(at::project_group::delete(), project_group::delete),
        Route::typed(at::project_group::subgroups(), project_group::subgroups),
        Route::typed(at::project_group::projects(), project_group::projects),
        Route::typed(at::project::create(), project::create),
        Route::typed(at::project::get(), project::get),
        Route::typed(at::project::update(), project::update),
        Route::typed(at::project::delete(), project::delete),
        Route::typed(at::project::run_environment(), environment::get),
    ]
}
