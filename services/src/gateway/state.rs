//! What the gateway's handlers work with.

use std::sync::Arc;

use drydock_core::env::Env;
use drydock_core::net::SharedNet;
use http::Method;
use secrecy::SecretString;

use super::requirement::Requirement;
use super::routes::requirements;
use crate::http::client::Client;
use crate::http::server::frame::Trace;
use crate::http::server::guard::is_token;
use crate::http::server::{HttpSettings, context};

pub const SERVICE: &str = "gateway";

/// Everything that can be set for one instance.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the services behind ask for.
    pub internal_token: SecretString,
    /// What administrators present.
    pub admin_token: SecretString,
    /// Where the instances of configstore listen: `host:port` each, at least one.
    pub configstore: Vec<String>,
    pub http: HttpSettings,
}

/// The seams.
#[derive(Clone)]
pub struct Deps {
    pub env: Env,
    pub net: SharedNet,
}

#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    admin_token: SecretString,
    configstore: Client,
    requirements: Vec<(Method, &'static str, Requirement)>,
}

impl Gateway {
    pub fn new(settings: Settings, deps: Deps) -> Gateway {
        let configstore = Client::of_any(deps.net, settings.configstore);
        let requirements = requirements().into_iter();
        let requirements = requirements.map(|(spec, it)| (spec.method, spec.path, it)).collect();
        Gateway(Arc::new(Inner {
            admin_token: settings.admin_token,
            configstore: configstore.with_token(settings.internal_token),
            requirements,
        }))
    }

    pub(super) fn is_admin_token(&self, given: &str) -> bool {
        is_token(&self.0.admin_token, given)
    }

    /// A client that passes on whose request it is.
    pub(super) fn configstore(&self, trace: &Trace) -> Client {
        self.0.configstore.clone().on_behalf_of(trace)
    }

    /// What the table says of a route.
    pub(super) fn requirement(&self, method: &Method, path: &str) -> Requirement {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut rows = self.0.requirements.iter();
        let row = rows.find(|(of, at, _)| of == method && *at == path);
        row.expect("the router knows no route that the table does not").2
    }
}

pub(super) type App = context::App<Gateway>;
