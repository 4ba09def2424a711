//! Configstore's routes.

use super::handlers::{member, org, user};
use super::state::Configstore;
use crate::http::route::Route;
use crate::http::{admin, health};

pub fn routes() -> Vec<Route<Configstore>> {
    let mut routes = vec![
        Route::get("/api/v1/users", user::list),
        Route::post("/api/v1/users", user::create),
        Route::get("/api/v1/users/{user}", user::get),
        Route::put("/api/v1/users/{user}", user::update),
        Route::delete("/api/v1/users/{user}", user::delete),
        Route::get("/api/v1/users/{user}/orgs", user::orgs),
        Route::get("/api/v1/orgs", org::list),
        Route::post("/api/v1/orgs", org::create),
        Route::get("/api/v1/orgs/{org}", org::get),
        Route::put("/api/v1/orgs/{org}", org::update),
        Route::delete("/api/v1/orgs/{org}", org::delete),
        Route::get("/api/v1/orgs/{org}/members", member::list),
        Route::put("/api/v1/orgs/{org}/members/{user}", member::put),
        Route::delete("/api/v1/orgs/{org}/members/{user}", member::delete),
    ];
    routes.extend(health::routes());
    routes.extend(admin::routes());
    routes
}
