//! The settings of one instance of a service.

use std::time::Duration;

use drydock_core::store::StoreSettings;
use drydock_http::server::HttpSettings;
use secrecy::SecretString;

use crate::encryption::KeyRing;

/// The settings of an instance with a store.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The deployment's name. It separates deployments that share a coordination store or a bucket.
    pub cluster: String,
    /// The token that callers must present.
    pub internal_token: SecretString,
    /// The keys with which secrets are encrypted.
    pub keys: KeyRing,
    pub http: HttpSettings,
    pub store: StoreSettings,
    /// The address by which others reach this instance; `None`: the listener's own.
    pub advertise: Option<String>,
    /// How long an instance counts as live after its last heartbeat.
    pub lease_ttl: Duration,
    /// How long requests in flight may go on when maintenance begins.
    pub maintenance_drain: Duration,
}

impl Settings {
    /// Makes settings with the default for everything but the token and the keys.
    pub fn new(internal_token: SecretString, keys: KeyRing) -> Settings {
        Settings {
            cluster: "default".to_owned(),
            internal_token,
            keys,
            http: HttpSettings::default(),
            store: StoreSettings::default(),
            advertise: None,
            lease_ttl: Duration::from_secs(10),
            maintenance_drain: Duration::from_secs(10),
        }
    }
}

/// The settings of an instance without a store.
#[derive(Debug, Clone)]
pub struct StatelessSettings {
    /// The token that callers of internal routes must present.
    pub internal_token: SecretString,
    pub http: HttpSettings,
}
