//! What a client says when a server's certificate, or its protocol, is not what it should be.

use std::path::PathBuf;
use std::sync::Arc;

use drydock_backends::connect::{Identity, ServerTls, TlsListener, TlsNet, TlsSettings};
use drydock_backends::tcp::TcpNet;
use drydock_core::context::Context;
use drydock_core::error::Chain;
use drydock_core::net::{Net, SharedNet};
use drydock_http::client::Client;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const HOST: &str = "127.0.0.1";

/// An authority that clients trust, and a folder for files.
struct Files {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Files {
    fn new() -> Files {
        let mut params = CertificateParams::new(Vec::new()).expect("certificates");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("certificates");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("certificates");
        let files = Files { folder: TempDir::new().expect("a folder"), issuer };
        files.write("ca", &files.issuer.pem());
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.pem"))
    }

    fn write(&self, name: &str, pem: &str) {
        std::fs::write(self.path(name), pem).expect("a file");
    }

    /// The files of a certificate that the authority signs.
    fn sign(&self, name: &str, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("certificates");
        let certificate = params.signed_by(&key, &self.issuer).expect("certificates");
        self.keep(name, &certificate.pem(), &key)
    }

    fn keep(&self, name: &str, certificate: &str, key: &KeyPair) -> Identity {
        let (cert, private) = (format!("{name}.cert"), format!("{name}.key"));
        self.write(&cert, certificate);
        self.write(&private, &key.serialize_pem());
        Identity { cert_file: self.path(&cert), key_file: self.path(&private) }
    }

    fn tls_client(&self, authority: &str) -> SharedNet {
        let settings = TlsSettings { ca_file: Some(self.path(authority)), identity: None };
        Arc::new(TlsNet::new(Arc::new(TcpNet), &settings).expect("the files are sound"))
    }
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).expect("certificates")
}

/// A server that reads, and answers nothing; its address.
async fn serve(identity: Option<Identity>) -> String {
    let listener = TcpNet.listen(&format!("{HOST}:0")).await.expect("a free port");
    let mut listener = match identity {
        None => listener,
        Some(identity) => {
            let tls = ServerTls { identity, client_ca_file: None };
            Box::new(TlsListener::new(listener, tls.acceptor().expect("the files are sound")))
        }
    };
    let address = listener.local_addr();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 1024];
            if matches!(stream.read(&mut bytes).await, Ok(read) if read > 0) {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            }
        }
    });
    address
}

/// The error of a request, with its causes.
async fn refused(net: SharedNet, address: &str) -> String {
    let (client, ctx) = (Client::new(net, address), Context::background());
    let asked = client.request(http::Method::GET, "/livez").send_bytes(&ctx).await;
    let error = asked.map(drop).expect_err("the server is no good");
    Chain(&error).to_string()
}

#[tokio::test]
async fn a_certificate_that_a_client_refuses_is_explained() {
    let files = Files::new();
    let key = KeyPair::generate().expect("certificates");
    let mut authority = params(HOST);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = authority.self_signed(&key).expect("certificates").pem();
    files.write("own", &own);
    let mut expired = params(HOST);
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    let mut early = params(HOST);
    early.not_before = date_time_ymd(2090, 1, 1);
    early.not_after = date_time_ymd(2091, 1, 1);
    for (identity, trusted, expected) in [
        (files.keep("own", &own, &key), "own", "basicConstraints=CA:FALSE"),
        (files.sign("expired", &expired), "ca", "has expired"),
        (files.sign("early", &early), "ca", "is not valid yet"),
        (files.sign("other", &params("other.example")), "ca", "is for another name than"),
        (files.sign("sound", &params(HOST)), "own", "name the issuer's certificate with `--ca`"),
    ] {
        let address = serve(Some(identity)).await;
        let said = refused(files.tls_client(trusted), &address).await;
        assert!(said.contains(expected) && said.contains(HOST), "{expected}: {said}");
    }
}

#[tokio::test]
async fn the_other_protocol_is_named() {
    let files = Files::new();
    let plain = serve(None).await;
    let said = refused(files.tls_client("ca"), &plain).await;
    assert!(said.contains("its address begins with `http://`"), "{said}");
    let secured = serve(Some(files.sign("sound", &params(HOST)))).await;
    let said = refused(Arc::new(TcpNet), &secured).await;
    assert!(said.contains("its address begins with `https://`"), "{said}");
}

#[test]
fn a_key_of_another_certificate_is_named() {
    let files = Files::new();
    let [one, two] = ["one", "two"].map(|name| files.sign(name, &params(HOST)));
    let mixed = Identity { cert_file: one.cert_file, key_file: two.key_file };
    let tls = ServerTls { identity: mixed.clone(), client_ca_file: None };
    let said = tls.acceptor().map(drop).expect_err("they do not belong together").to_string();
    assert!(said.contains("two.key.pem` does not belong") && said.contains("one.cert"), "{said}");
    let settings = TlsSettings { ca_file: Some(files.path("ca")), identity: Some(mixed) };
    let client = TlsNet::new(Arc::new(TcpNet), &settings).map(drop).expect_err("the same");
    assert_eq!(client.to_string(), said);
}
