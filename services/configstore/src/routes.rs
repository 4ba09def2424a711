//! Configstore's routes: each endpoint of its contract with its handler.

use drydock_api::configstore::endpoints as at;
use drydock_http::server::route::Route;

use super::action::place::{AtGroup, AtProject};
use super::handlers::{
    environment, linked_account, member, org, project, project_group, remote_source, secret, token,
    user, variable,
};
use super::state::ConfigstoreState;

/// A row of the table.
type Row = Route<ConfigstoreState>;

/// The same handlers below projects and project groups.
macro_rules! placed {
    ($kind:ty, $secret:ident, $variable:ident) => {
        [
            Route::new(at::$secret::list(), secret::list::<$kind>),
            Route::new(at::$secret::create(), secret::create::<$kind>),
            Route::new(at::$secret::get(), secret::get::<$kind>),
            Route::new(at::$secret::update(), secret::update::<$kind>),
            Route::new(at::$secret::delete(), secret::delete::<$kind>),
            Route::new(at::$variable::list(), variable::list::<$kind>),
            Route::new(at::$variable::create(), variable::create::<$kind>),
            Route::new(at::$variable::get(), variable::get::<$kind>),
            Route::new(at::$variable::update(), variable::update::<$kind>),
            Route::new(at::$variable::delete(), variable::delete::<$kind>),
        ]
    };
}

/// In the order of the document.
pub fn routes() -> Vec<Row> {
    let mut routes = people();
    routes.extend(tree());
    routes.extend(placed!(AtProject, project_secret, project_variable));
    routes.extend(placed!(AtGroup, group_secret, group_variable));
    routes
}

fn people() -> Vec<Row> {
    vec![
        Route::new(at::user::list(), user::list),
        Route::new(at::user::create(), user::create),
        Route::new(at::user::get(), user::get),
        Route::new(at::user::update(), user::update),
        Route::new(at::user::delete(), user::delete),
        Route::new(at::user::orgs(), user::orgs),
        Route::new(at::token::list(), token::list),
        Route::new(at::token::create(), token::create),
        Route::new(at::token::delete(), token::delete),
        Route::new(at::token::resolve(), token::resolve),
        Route::new(at::linked_account::list(), linked_account::list),
        Route::new(at::linked_account::create(), linked_account::create),
        Route::new(at::linked_account::delete(), linked_account::delete),
        Route::new(at::org::list(), org::list),
        Route::new(at::org::create(), org::create),
        Route::new(at::org::get(), org::get),
        Route::new(at::org::update(), org::update),
        Route::new(at::org::delete(), org::delete),
        Route::new(at::member::list(), member::list),
        Route::new(at::member::get(), member::get),
        Route::new(at::member::put(), member::put),
        Route::new(at::member::delete(), member::delete),
    ]
}

fn tree() -> Vec<Row> {
    vec![
        Route::new(at::remote_source::list(), remote_source::list),
        Route::new(at::remote_source::create(), remote_source::create),
        Route::new(at::remote_source::get(), remote_source::get),
        Route::new(at::remote_source::update(), remote_source::update),
        Route::new(at::remote_source::delete(), remote_source::delete),
        Route::new(at::project_group::create(), project_group::create),
        Route::new(at::project_group::get(), project_group::get),
        Route::new(at::project_group::update(), project_group::update),
        Route::new(at::project_group::delete(), project_group::delete),
        Route::new(at::project_group::subgroups(), project_group::subgroups),
        Route::new(at::project_group::projects(), project_group::projects),
        Route::new(at::project::create(), project::create),
        Route::new(at::project::get(), project::get),
        Route::new(at::project::update(), project::update),
        Route::new(at::project::delete(), project::delete),
        Route::new(at::project::run_environment(), environment::get),
    ]
}
