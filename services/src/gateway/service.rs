//! The gateway as its runtime knows it.

use drydock_core::net::SharedNet;

use super::routes::{requirements, routes};
use super::state::{Gateway, Settings};
use crate::api::gateway::SERVICE;
use crate::http::server::route::Route;
use crate::runtime::Stateless;

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
