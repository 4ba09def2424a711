//! TLS between the command line and the gateway, and between the gateway and configstore.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use super::harness::{FREE_PORTS, Installation, PATIENCE, drydock, run, text, utf8};

/// Writes a certificate authority's certificate, and issues others, in files of an installation.
struct Authority<'a> {
    installation: &'a Installation,
    name: &'static str,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl<'a> Authority<'a> {
    fn new(installation: &'a Installation, name: &'static str) -> Authority<'a> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let authority = Authority { installation, name, issuer };
        std::fs::write(authority.ca_file(), authority.issuer.pem()).unwrap();
        authority
    }

    fn ca_file(&self) -> PathBuf {
        self.installation.path(&format!("{}.pem", self.name))
    }

    /// Certificate and key of the loopback address, in files with this name.
    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |kind: &str| self.installation.path(&format!("{name}.{kind}.pem"));
        std::fs::write(file("key"), key.serialize_pem()).unwrap();
        std::fs::write(file("cert"), certificate.pem()).unwrap();
        (file("cert"), file("key"))
    }
}

/// A process with the addresses that it printed.
struct Served {
    _child: Child,
    configstore: String,
    gateway: String,
}

async fn serve(installation: &Installation, toml: &str) -> Served {
    std::fs::write(installation.path("drydock.toml"), toml).unwrap();
    let config = installation.path("drydock.toml");
    let data = installation.data();
    let mut command = drydock();
    command.args(["serve", "all"]).args(FREE_PORTS).args(["--data-dir", utf8(&data)]);
    command.args(["--config", utf8(&config)]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut urls = Vec::new();
    for _ in 0..3 {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("it says where it listens").unwrap().expect("a line for each");
        urls.push(line.rsplit(' ').next().unwrap().to_owned());
    }
    let gateway = urls.pop().unwrap();
    Served { _child: child, configstore: urls.swap_remove(0), gateway }
}

async fn until_done(args: &[&str]) -> Output {
    let trying = async {
        loop {
            let output = run(args).await;
            if output.status.success() {
                return output;
            }
        }
    };
    let done = tokio::time::timeout(PATIENCE, trying).await;
    match done {
        Ok(output) => output,
        Err(_) => panic!("{args:?}: {}", text(&run(args).await.stderr)),
    }
}

#[tokio::test]
async fn the_command_line_the_gateway_and_configstore_speak_tls() {
    let installation = Installation::new();
    let ours = Authority::new(&installation, "ours");
    let ((cert, key), (client_cert, client_key)) = (ours.issue("server"), ours.issue("client"));
    let (ca, cert, key) = (ours.ca_file(), utf8(&cert), utf8(&key));
    let (client_cert, client_key) = (utf8(&client_cert), utf8(&client_key));
    let toml = format!(
        "[gateway.tls]\ncert_file = \"{cert}\"\nkey_file = \"{key}\"\n\
         [gateway.services]\nca_file = \"{ca}\"\ncert_file = \"{client_cert}\"\n\
         key_file = \"{client_key}\"\n\
         [configstore.tls]\ncert_file = \"{cert}\"\nkey_file = \"{key}\"\n\
         client_ca_file = \"{ca}\"\n",
        ca = ca.display(),
    );
    let served = serve(&installation, &toml).await;
    assert!(served.gateway.starts_with("https://"), "{}", served.gateway);
    let data = installation.data();
    let data = ["--data-dir", utf8(&data)];
    let trusting = ["--ca", utf8(&ca)];

    // To the gateway, whose address is in the directory; it calls configstore with a certificate.
    until_done(&[&["user", "create", "ann"], &data[..], &trusting].concat()).await;
    // Through the gateway to configstore, as an operator.
    let status = ["maintenance", "status", "--gateway", &served.gateway];
    let shown = run(&[&status, &data[..], &trusting].concat()).await;
    assert!(shown.status.success(), "{}", text(&shown.stderr));

    // Past it, which needs a certificate.
    let status = ["maintenance", "status", "--url", &served.configstore];
    let identity = ["--client-cert", client_cert, "--client-key", client_key];
    let shown = run(&[&status, &data[..], &trusting, &identity].concat()).await;
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let refused = run(&[&status, &data[..], &trusting].concat()).await;
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));

    // Whoever trusts others, or speaks no TLS, gets one line of error.
    let others = Authority::new(&installation, "others");
    let (others_ca, get) = (others.ca_file(), ["user", "show", "ann"]);
    let plain = served.gateway.replace("https://", "http://");
    for wrong in [["--ca", utf8(&others_ca)], ["--gateway", &plain]] {
        let refused = run(&[&get, &data[..], &wrong].concat()).await;
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{wrong:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }

    // Another certificate takes the old one's place without a restart.
    others.issue("server");
    until_done(&[&get, &data[..], &["--ca", utf8(&others_ca)]].concat()).await;
    let old = run(&[&get, &data[..], &trusting].concat()).await;
    assert_eq!(old.status.code(), Some(1), "{}", text(&old.stderr));
}

#[tokio::test]
async fn a_server_without_tls_is_called_that() {
    let installation = Installation::new();
    let served = serve(&installation, "").await;
    let (url, data) = (served.gateway.replace("http://", "https://"), installation.data());
    let authority = Authority::new(&installation, "ours");
    let (ca, show) = (authority.ca_file(), ["user", "show", "ann", "--gateway", &url]);
    let refused = run(&[&show, &["--data-dir", utf8(&data), "--ca", utf8(&ca)][..]].concat()).await;
    let said = text(&refused.stderr);
    assert!(
        said.contains("does not speak TLS at this port: its address begins with `http://`"),
        "{said}"
    );
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named_at_the_start() {
    let installation = Installation::new();
    let missing = installation.path("missing.pem");
    let data = installation.data();
    let data_dir = ["--data-dir", utf8(&data)];
    for (toml, expected) in [
        (format!("[gateway.tls]\ncert_file = \"{}\"\n", missing.display()), "gateway.tls.key_file"),
        (
            format!("[gateway.tls]\ncert_file = \"{0}\"\nkey_file = \"{0}\"\n", missing.display()),
            "missing.pem",
        ),
        ("gateway.configstore = [\"https://a:1\", \"b:1\"]\n".to_owned(), "all `https://host"),
    ] {
        std::fs::write(installation.path("drydock.toml"), toml).unwrap();
        let config = installation.path("drydock.toml");
        let serve = ["serve", "all", "--config", utf8(&config)];
        let refused = run(&[&serve, &FREE_PORTS[..], &data_dir].concat()).await;
        let said = text(&refused.stderr);
        assert!(!refused.status.success() && said.contains(expected), "{said}");
    }
}
