//! Objects in S3, or in a server with the same API.

use std::sync::Arc;

use drydock_core::net::SharedNet;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use secrecy::{ExposeSecret, SecretString};

use super::credentials::CredentialsFile;
use crate::connect::{ConnectSettings, NetConnector};

/// The bucket, its endpoint and credentials.
#[derive(Debug, Clone)]
pub struct S3Settings {
    pub bucket: String,
    pub region: String,
    /// `http://host:port` or `https://host`; none: AWS.
    pub endpoint: Option<String>,
    /// Whether the bucket is named by the path or by the host.
    pub addressing: Addressing,
    pub credentials: Credentials,
    pub connect: ConnectSettings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    Path,
    VirtualHost,
}

#[derive(Debug, Clone)]
pub enum Credentials {
    Keys {
        access_key: String,
        secret_key: SecretString,
        session_token: Option<SecretString>,
    },
    File(CredentialsFile),
    /// Found as by AWS's own tools: the variables `AWS_*`, a web identity, a container's or a
    /// machine's role. Explicit settings take precedence over the environment.
    Environment,
}

#[derive(Debug, thiserror::Error)]
#[error("bucket `{bucket}` cannot be used")]
pub struct S3Error {
    bucket: String,
    source: object_store::Error,
}

/// Opens the bucket. It sends no request: the first call finds out whether there is a bucket.
///
/// object_store's retries are off, because their jitter and clock do not come from `Env`. So a 409
/// is `AlreadyExists` for every conditional write: it says that another write was under way.
pub fn open_s3(settings: &S3Settings, net: SharedNet) -> Result<Arc<dyn ObjectStore>, S3Error> {
    let store = builder(settings, net).build();
    let store = store.map_err(|source| S3Error { bucket: settings.bucket.clone(), source })?;
    Ok(Arc::new(store))
}

/// The builder of [`open_s3`], for tests that need the concrete type.
pub fn builder(settings: &S3Settings, net: SharedNet) -> AmazonS3Builder {
    let builder = match &settings.credentials {
        Credentials::Environment => {
            from_environment(std::env::vars_os().filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            }))
        }
        Credentials::File(file) => AmazonS3Builder::new().with_credentials(Arc::new(file.clone())),
        Credentials::Keys { access_key, secret_key, session_token } => {
            let builder = AmazonS3Builder::new()
                .with_access_key_id(access_key)
                .with_secret_access_key(secret_key.expose_secret());
            match session_token {
                Some(token) => builder.with_token(token.expose_secret()),
                None => builder,
            }
        }
    };
    let builder = match &settings.endpoint {
        Some(endpoint) => builder
            .with_allow_http(endpoint.starts_with("http://"))
            .with_endpoint(endpoint.trim_end_matches('/')),
        None => builder,
    };
    builder
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_virtual_hosted_style_request(settings.addressing == Addressing::VirtualHost)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 0,
            retry_timeout: std::time::Duration::ZERO,
        })
        .with_http_connector(NetConnector::new(net, settings.connect.clone()))
}

/// As `AmazonS3Builder::from_env` does, but an empty variable counts as not set.
fn from_environment(variables: impl Iterator<Item = (String, String)>) -> AmazonS3Builder {
    let set = variables.filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty());
    let keys = set.filter_map(|(name, value)| {
        let key: AmazonS3ConfigKey = name.to_ascii_lowercase().parse().ok()?;
        Some((key, value))
    });
    keys.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let variables = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SESSION_TOKEN", ""), ("OTHER", "1")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let builder = from_environment(variables.into_iter());
        let value = |key| builder.get_config_value(&key);
        assert_eq!(value(AmazonS3ConfigKey::AccessKeyId).as_deref(), Some("id"));
        assert_eq!(value(AmazonS3ConfigKey::Token), None);
    }
}
