//! Runservice's routes: each endpoint of its contract with its handler.

use drydock_api::runservice::endpoints as at;
use drydock_http::server::route::Route;

use crate::handlers::{archive, cache, event, executor, gate, log, own, run};
use crate::state::RunserviceState;

/// All routes, in the order of the document.
pub fn routes() -> Vec<Route<RunserviceState>> {
    vec![
        Route::typed(at::run::list(), run::list),
        Route::typed(at::run::create(), run::create),
        Route::typed(at::run::by_number(), run::by_number),
        Route::typed(at::run::get(), run::get),
        Route::typed(at::run::cancel(), run::cancel),
        Route::typed(at::run::stop(), run::stop),
        Route::typed(at::run::approve(), run::approve),
        Route::typed(at::run::refuse(), run::refuse),
        Route::typed(at::log::read(), log::read),
        Route::typed(at::log::delete(), log::delete),
        Route::typed(at::archive::read(), archive::read),
        Route::typed(at::cache::list(), cache::list),
        Route::typed(at::cache::delete(), cache::delete),
        Route::typed(at::event::list(), event::list),
        Route::typed(at::gate::show(), gate::show),
        Route::typed(at::gate::open(), gate::open),
        Route::typed(at::executor::list(), executor::list),
        Route::typed(at::executor::create(), executor::create),
        Route::typed(at::executor::get(), executor::get),
        Route::typed(at::executor::update(), executor::update),
        Route::typed(at::executor::delete(), executor::delete),
        Route::typed(at::own::heartbeat(), own::heartbeat),
        Route::typed(at::own::claim(), own::claim),
        Route::typed(at::own::attempt(), own::attempt),
        Route::typed(at::own::report(), own::report),
        Route::typed(at::own::append(), log::append),
        Route::typed(at::own::upload(), archive::upload),
        Route::typed(at::own::download(), archive::download),
        Route::typed(at::own::find_cache(), cache::find),
        Route::typed(at::own::save_cache(), cache::save),
    ]
}
