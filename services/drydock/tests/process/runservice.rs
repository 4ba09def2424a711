use std::process::Stdio;
use std::sync::Arc;

use drydock_backends::tcp::TcpNet;
use drydock_http::client::Client;
use http::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use super::harness::{Installation, PATIENCE, drydock, ready, soon};

const TOKEN: &str = "the-internal-token-of-the-tests";

async fn start(installation: &Installation) -> (Child, Client) {
    let mut command = drydock();
    command.args(["serve", "runservice", "--runservice-listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(installation.data()).args(["--internal-token", TOKEN]);
    let mut child = command.stderr(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line.expect("it says where it listens").unwrap().expect("a line");
    let address = line.strip_prefix("runservice listens on http://").expect(&line);
    let client = Client::new(Arc::new(TcpNet), address).with_token(SecretString::from(TOKEN));
    ready(&client).await;
    (child, client)
}

#[tokio::test]
async fn a_run_is_there_after_the_process_was_killed() {
    let installation = Installation::new();
    let (mut child, client) = start(&installation).await;
    let project = "01900000-0000-7000-8000-000000000001";
    let new = json!({"project": project, "name": "main", "tasks": {"a": {"steps": []}}});
    let path = "/api/v1/runs".to_owned();
    let created = client.request(Method::POST, path.clone()).json(&new);
    let created: Value = created.send(&soon()).await.unwrap().body;
    assert_eq!((&created["number"], &created["phase"]), (&json!(1), &json!("running")));
    child.kill().await.unwrap();
    let (mut child, client) = start(&installation).await;
    let one = format!("{path}/{}", created["id"].as_str().unwrap());
    let found: Value = client.request(Method::GET, one).send(&soon()).await.unwrap().body;
    assert_eq!(found, created);
    let next = client.request(Method::POST, path).json(&new);
    let next: Value = next.send(&soon()).await.unwrap().body;
    assert_eq!((&next["number"], &next["phase"]), (&json!(2), &json!("queued")));
    child.kill().await.unwrap();
}
