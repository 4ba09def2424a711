//! The gateway as its runtime knows it.

use drydock_api::gateway::SERVICE;
use drydock_core::net::SharedNet;
use drydock_http::server::route::Route;
use drydock_runtime::Stateless;

use super::routes::{requirements, routes};
use super::state::{Gateway, Settings};

impl Gateway {
    /// Calls the services behind over `net`.
    pub fn new(settings: Settings, net: SharedNet) -> Gateway {
        Gateway::with(settings, net, requirements())
    }
}

impl Stateless for Gateway {
    const NAME: &'static str = SERVICE;

    fn routes() -> Vec<Route<Gateway>> {
        routes()
    }
}
