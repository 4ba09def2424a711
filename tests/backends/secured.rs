//! A real etcd behind TLS, and one that knows its users.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use drydock_backends::connect::{Identity, TlsSettings};
use drydock_backends::etcd::{Etcd, EtcdSettings, EtcdUser};
use drydock_backends::tcp::TcpNet;
use drydock_backends::testing::{self, EtcdServers, ServerTls};
use drydock_core::coord::{Coordination, Outcome};
use drydock_core::coord::{CoordinationExt, Error, KeyRange, Put, WatchRequest};
use etcd_client::{Client, Permission};
use futures_util::StreamExt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// Certificates of one authority, in files.
struct Authority {
    folder: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("certificates");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("certificates"))
                .expect("certificates");
        let folder = tempfile::tempdir().expect("certificates");
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("certificates");
        Authority { folder, issuer }
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Certificate and key for a name.
    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().expect("certificates");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("certificates");
        let certificate = params.signed_by(&key, &self.issuer).expect("certificates");
        let file = |kind: &str| self.folder.path().join(format!("{name}.{kind}.pem"));
        std::fs::write(file("cert"), certificate.pem()).expect("certificates");
        std::fs::write(file("key"), key.serialize_pem()).expect("certificates");
        (file("cert"), file("key"))
    }
}

fn open(settings: EtcdSettings) -> Etcd {
    Etcd::open(settings, Arc::new(TcpNet)).expect("certificates")
}

fn trusting(ca_file: &Path, identity: Option<(PathBuf, PathBuf)>) -> TlsSettings {
    let identity = identity.map(|(cert_file, key_file)| Identity { cert_file, key_file });
    TlsSettings { ca_file: Some(ca_file.to_owned()), identity }
}

#[tokio::test]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn only_who_proves_to_be_trusted_gets_through_tls() {
    let program = testing::program(testing::ETCD);
    let (ours, others) = (Authority::new(), Authority::new());
    let (cert_file, key_file) = ours.issue("127.0.0.1");
    let server = ServerTls { ca_file: ours.ca_file(), cert_file, key_file };
    let client = Some(ours.issue("drydock"));
    let tls = trusting(&ours.ca_file(), client.clone());
    let settings = EtcdSettings { tls, ..EtcdSettings::new(Vec::new()) };
    let servers = EtcdServers::start_with(&program, 1, Some(server), settings).await;
    servers.store().put(Put::new("k", "1")).await.unwrap();
    let refused = [
        ("a server that is not trusted", trusting(&others.ca_file(), client)),
        ("no certificate of ours", trusting(&ours.ca_file(), None)),
        ("one of another authority", trusting(&ours.ca_file(), Some(others.issue("drydock")))),
    ];
    for (what, tls) in refused {
        let store = open(EtcdSettings { tls, ..servers.settings() });
        let error = store.get("k").await.expect_err(what);
        assert_eq!(error.outcome(), Outcome::NotApplied, "{what}: {error}");
    }
}

/// A cluster that wants to know who asks; `drydock` may do everything below `drydock/`.
async fn with_users(program: &Path) -> EtcdServers {
    let servers = EtcdServers::start(program, 1).await;
    let mut client = Client::connect(servers.endpoints(), None).await.expect("users");
    client.role_add("drydock").await.expect("users");
    let below = Permission::read_write("drydock/").with_prefix();
    client.role_grant_permission("drydock", below).await.expect("users");
    for user in ["root", "drydock"] {
        client.user_add(user, "password", None).await.expect("users");
    }
    client.role_add("root").await.expect("users");
    client.user_grant_role("root", "root").await.expect("users");
    client.user_grant_role("drydock", "drydock").await.expect("users");
    client.auth_enable().await.expect("users");
    servers
}

fn user(password: &str) -> Option<EtcdUser> {
    Some(EtcdUser { name: "drydock".to_owned(), password: password.into() })
}

#[tokio::test]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn a_user_gets_as_far_as_its_role_and_outlives_its_token() {
    let program = testing::program(testing::ETCD);
    let mut servers = with_users(&program).await;
    let store = open(EtcdSettings { user: user("password"), ..servers.settings() });
    store.put(Put::new("drydock/k", "1")).await.unwrap();
    let request = WatchRequest::new(KeyRange::prefix("drydock/"));
    let mut watch = store.watch(request.clone()).await.unwrap();
    store.put(Put::new("drydock/k", "2")).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().events.len(), 1);
    let elsewhere = store.put(Put::new("other", "1")).await.unwrap_err();
    assert!(elsewhere.to_string().contains("permission denied"), "{elsewhere}");
    assert_eq!(elsewhere.outcome(), Outcome::NotApplied);
    let watched = store.watch(WatchRequest::new(KeyRange::prefix("other"))).await;
    assert!(matches!(watched.err(), Some(Error::Unavailable { .. })));

    for (what, user) in [("a wrong password", user("wrong")), ("nobody", None)] {
        let store = open(EtcdSettings { user, ..servers.settings() });
        let error = store.get("drydock/k").await.expect_err(what);
        assert_eq!(error.outcome(), Outcome::NotApplied, "{what}: {error}");
    }

    // etcd keeps its tokens in memory.
    servers.process(0).kill();
    servers.run(0);
    let again = open(EtcdSettings { user: user("password"), ..servers.settings() });
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    while again.get("drydock/k").await.is_err() {
        looks.tick().await;
    }
    assert_eq!(store.get("drydock/k").await.unwrap().0.unwrap().value, "2");
    drop(store.watch(request).await.unwrap());
}

#[tokio::test]
#[ignore = "needs real servers: `.ci/test` brings them"]
async fn a_password_for_an_etcd_without_users_does_no_harm() {
    let program = testing::program(testing::ETCD);
    let servers = EtcdServers::start(&program, 1).await;
    let store = open(EtcdSettings { user: user("password"), ..servers.settings() });
    store.put(Put::new("k", "1")).await.unwrap();
    // Authentication is enabled under its feet.
    let mut client = Client::connect(servers.endpoints(), None).await.unwrap();
    client.role_add("root").await.unwrap();
    for user in ["root", "drydock"] {
        client.user_add(user, "password", None).await.unwrap();
        client.user_grant_role(user, "root").await.unwrap();
    }
    client.auth_enable().await.unwrap();
    store.put(Put::new("k", "2")).await.unwrap();
}
