//! What the gateway's handlers work with.

use std::sync::Arc;

use drydock_core::net::SharedNet;
use drydock_http::api::endpoint::Spec;
use drydock_http::api::headers::Trace;
use drydock_http::client::Client;
use drydock_http::server::context;
use drydock_http::server::guard::is_token;
use http::Method;
use secrecy::SecretString;

use super::requirement::Requirement;

/// Everything that can be set for one instance.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the services behind ask for.
    pub internal_token: SecretString,
    /// What administrators present.
    pub admin_token: SecretString,
    /// Where the instances of configstore listen: `host:port` each, at least one.
    pub configstore: Vec<String>,
}

#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    admin_token: SecretString,
    configstore: Client,
    requirements: Vec<(Spec, Requirement)>,
}

impl Gateway {
    /// `requirements` says what each route requires.
    pub(super) fn with(
        settings: Settings,
        net: SharedNet,
        requirements: Vec<(Spec, Requirement)>,
    ) -> Gateway {
        let configstore = Client::of_any(net, settings.configstore);
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
        let row = rows.find(|(spec, _)| spec.method == method && spec.path == path);
        row.expect("the router knows no route that the table does not").1
    }
}

pub(super) type App = context::App<Gateway>;
