//! Clients in another language, generated from the documents that the services serve.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use drydock::config::tokens;
use drydock_backends::tcp::TcpNet;
use drydock_backends::testing::{PYTHON, program};
use drydock_http::client::Client;
use tokio::process::Command;

use super::harness::{Installation, soon, text, utf8};

/// Longer than a generator takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the generator may leave out: answers that are no JSON. It still answers their bytes.
const LEFT_OUT: [&str; 3] =
    ["application/x-ndjson", "application/openmetrics-text", "image/svg+xml"];

/// Runs Python to its end, and answers what it printed.
async fn python(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new(program(PYTHON));
    command.args(args).current_dir(folder).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{args:?}: {printed}");
    printed
}

/// Generates a client of a service as the package of that name.
async fn generate(folder: &Path, service: &str, address: &str) {
    let http = Client::new(Arc::new(TcpNet), address);
    let document = http.request(http::Method::GET, "/openapi.json").send_bytes(&soon()).await;
    let file = folder.join(format!("{service}.json"));
    std::fs::write(&file, document.unwrap().body).unwrap();
    let config = folder.join("generator.yaml");
    std::fs::write(&config, "post_hooks: []\n").unwrap();
    let package = folder.join(service);
    let printed = python(
        folder,
        &[
            "-m",
            "openapi_python_client",
            "generate",
            "--meta",
            "none",
            "--path",
            utf8(&file),
            "--config",
            utf8(&config),
            "--output-path",
            utf8(&package),
        ],
    )
    .await;
    for line in printed.lines() {
        let is_left_out = line.contains("will not be generated")
            || line.contains("Unable to process")
            || line.contains("removal of")
            || line.contains("omitted") && !LEFT_OUT.iter().any(|media| line.contains(media));
        assert!(!is_left_out, "{service}: {line}\n{printed}");
    }
}

#[tokio::test]
#[ignore = "needs openapi-python-client: `.ci/test` brings it"]
async fn a_generated_client_creates_lists_exports_and_imports() {
    let installation = Installation::new();
    let running = installation.start().await;
    let folder = installation.path("python");
    std::fs::create_dir(&folder).unwrap();
    for (service, address) in [
        ("configstore", &running.address),
        ("runservice", &running.runservice),
        ("gateway", &running.gateway),
    ] {
        generate(&folder, service, address).await;
    }
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/process/generated.py");
    let tokens = tokens::read(&installation.data()).unwrap();
    let url = |address: &str| format!("http://{address}");
    let (configstore, gateway) = (url(&running.address), url(&running.gateway));
    let args = [utf8(&script), &configstore, &tokens.internal, &gateway, &tokens.admin];
    let printed = python(&folder, &args).await;
    assert_eq!(printed.trim(), "everything was there");
}
