//! Configstore's routes.

use super::action::place::{AtGroup, AtProject};
use super::handlers::{
    environment, linked_account, member, org, project, project_group, remote_source, secret, token,
    user, variable,
};
use super::state::Configstore;
use crate::http::route::Route;
use crate::http::{admin, health};

pub fn routes() -> Vec<Route<Configstore>> {
    let mut routes = people();
    routes.extend(tree());
    routes.extend(secrets());
    routes.extend(health::routes());
    routes.extend(admin::routes());
    routes
}

fn people() -> Vec<Route<Configstore>> {
    vec![
        Route::get("/api/v1/users", user::list),
        Route::post("/api/v1/users", user::create),
        Route::get("/api/v1/users/{user}", user::get),
        Route::put("/api/v1/users/{user}", user::update),
        Route::delete("/api/v1/users/{user}", user::delete),
        Route::get("/api/v1/users/{user}/orgs", user::orgs),
        Route::get("/api/v1/users/{user}/tokens", token::list),
        Route::post("/api/v1/users/{user}/tokens", token::create),
        Route::delete("/api/v1/users/{user}/tokens/{token}", token::delete),
        Route::post("/api/v1/tokens/resolve", token::resolve),
        Route::get("/api/v1/users/{user}/linked_accounts", linked_account::list),
        Route::post("/api/v1/users/{user}/linked_accounts", linked_account::create),
        Route::delete("/api/v1/users/{user}/linked_accounts/{id}", linked_account::delete),
        Route::get("/api/v1/orgs", org::list),
        Route::post("/api/v1/orgs", org::create),
        Route::get("/api/v1/orgs/{org}", org::get),
        Route::put("/api/v1/orgs/{org}", org::update),
        Route::delete("/api/v1/orgs/{org}", org::delete),
        Route::get("/api/v1/orgs/{org}/members", member::list),
        Route::get("/api/v1/orgs/{org}/members/{user}", member::get),
        Route::put("/api/v1/orgs/{org}/members/{user}", member::put),
        Route::delete("/api/v1/orgs/{org}/members/{user}", member::delete),
        Route::get("/api/v1/remote_sources", remote_source::list),
        Route::post("/api/v1/remote_sources", remote_source::create),
        Route::get("/api/v1/remote_sources/{remote_source}", remote_source::get),
        Route::put("/api/v1/remote_sources/{remote_source}", remote_source::update),
        Route::delete("/api/v1/remote_sources/{remote_source}", remote_source::delete),
    ]
}

fn tree() -> Vec<Route<Configstore>> {
    vec![
        Route::post("/api/v1/project_groups", project_group::create),
        Route::get("/api/v1/project_groups/{group}", project_group::get),
        Route::put("/api/v1/project_groups/{group}", project_group::update),
        Route::delete("/api/v1/project_groups/{group}", project_group::delete),
        Route::get("/api/v1/project_groups/{group}/subgroups", project_group::subgroups),
        Route::get("/api/v1/project_groups/{group}/projects", project_group::projects),
        Route::post("/api/v1/projects", project::create),
        Route::get("/api/v1/projects/{project}", project::get),
        Route::put("/api/v1/projects/{project}", project::update),
        Route::delete("/api/v1/projects/{project}", project::delete),
        Route::get("/api/v1/projects/{project}/run_environment", environment::get),
    ]
}

/// The same routes below projects and project groups.
macro_rules! placed {
    ($list:literal, $kind:ty) => {
        [
            Route::get(concat!($list, "/secrets"), secret::list::<$kind>),
            Route::post(concat!($list, "/secrets"), secret::create::<$kind>),
            Route::get(concat!($list, "/secrets/{secret}"), secret::get::<$kind>),
            Route::put(concat!($list, "/secrets/{secret}"), secret::update::<$kind>),
            Route::delete(concat!($list, "/secrets/{secret}"), secret::delete::<$kind>),
            Route::get(concat!($list, "/variables"), variable::list::<$kind>),
            Route::post(concat!($list, "/variables"), variable::create::<$kind>),
            Route::get(concat!($list, "/variables/{variable}"), variable::get::<$kind>),
            Route::put(concat!($list, "/variables/{variable}"), variable::update::<$kind>),
            Route::delete(concat!($list, "/variables/{variable}"), variable::delete::<$kind>),
        ]
    };
}

fn secrets() -> Vec<Route<Configstore>> {
    let mut routes = Vec::from(placed!("/api/v1/projects/{project}", AtProject));
    routes.extend(placed!("/api/v1/project_groups/{group}", AtGroup));
    routes
}
