//! The state of the gateway's handlers.

use std::sync::Arc;

use drydock_core::net::SharedNet;
use drydock_http::api::headers::Trace;
use drydock_http::client::Client;
use drydock_http::server::context;
use drydock_http::server::guard::is_token;
use secrecy::SecretString;

/// The settings of one instance.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The token for the services behind.
    pub internal_token: SecretString,
    /// The token that administrators present.
    pub admin_token: SecretString,
    /// The addresses of the instances of configstore, each `host:port`; at least one.
    pub configstore: Vec<String>,
    /// The addresses of the instances of runservice, in the same way.
    pub runservice: Vec<String>,
}

#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    admin_token: SecretString,
    configstore: Client,
    runservice: Client,
}

impl Gateway {
    /// Calls the services behind over `net`.
    pub fn new(settings: Settings, net: SharedNet) -> Gateway {
        Gateway::over(settings, net.clone(), net)
    }

    /// Calls each service over a network of its own: one may speak TLS and the other not.
    pub fn over(
        settings: Settings,
        to_configstore: SharedNet,
        to_runservice: SharedNet,
    ) -> Gateway {
        let Settings { internal_token, admin_token, configstore, runservice } = settings;
        let configstore = Client::of_any(to_configstore, configstore);
        let runservice = Client::of_any(to_runservice, runservice);
        Gateway(Arc::new(Inner {
            admin_token,
            configstore: configstore.with_token(internal_token.clone()),
            runservice: runservice.with_token(internal_token),
        }))
    }

    pub(super) fn is_admin_token(&self, given: &str) -> bool {
        is_token(&self.0.admin_token, given)
    }

    /// A client that passes on the ids of the request.
    pub(super) fn configstore(&self, trace: &Trace) -> Client {
        self.0.configstore.clone().on_behalf_of(trace)
    }

    /// As [`configstore`](Self::configstore).
    pub(super) fn runservice(&self, trace: &Trace) -> Client {
        self.0.runservice.clone().on_behalf_of(trace)
    }
}

pub(super) type App = context::App<Gateway>;
