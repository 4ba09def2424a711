use drydock_api::configstore::types::NewUser;
use drydock_http::api::page::ListQuery;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::harness::{Installation, Running, run, soon, text, utf8};

async fn add(running: &Running, name: &str) {
    let new = NewUser { name: name.to_owned(), admin: false };
    running.client.create_user(&soon(), &new, None).await.unwrap();
}

async fn names(running: &Running) -> Vec<String> {
    let page = running.client.users(&soon(), &ListQuery::default()).await.unwrap();
    page.items.iter().map(|user| user.name.to_string()).collect()
}

#[tokio::test]
async fn what_was_exported_comes_back_over_later_changes() {
    let installation = Installation::new();
    let running = installation.start().await;
    add(&running, "alice").await;
    let file = installation.path("export.ndjson");
    let exported = installation.operate(&["export", utf8(&file)]).await;
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let said = text(&exported.stderr);
    assert!(said.contains("users: 1\n") && said.contains("\ndigest: blake3:"), "{said}");
    add(&running, "bob").await;

    let early = installation.operate(&["import", utf8(&file)]).await;
    assert_eq!(early.status.code(), Some(1));
    assert!(text(&early.stderr).contains("not in maintenance"), "{}", text(&early.stderr));

    let on = installation.operate(&["maintenance", "on", "--reason", "a test", "--wait"]).await;
    assert!(text(&on.stdout).starts_with("mode: maintenance, ready"), "{}", text(&on.stdout));
    let trial = installation.operate(&["import", utf8(&file), "--dry-run"]).await;
    assert!(text(&trial.stdout).ends_with("valid; nothing was changed\n"));
    let import = installation.operate(&["import", utf8(&file)]).await;
    assert!(import.status.success(), "{}", text(&import.stderr));
    assert!(installation.operate(&["maintenance", "off", "--wait"]).await.status.success());
    assert_eq!(names(&running).await, ["alice"]);
    let status = installation.operate(&["maintenance", "status", "--json"]).await;
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["mode"], "normal");
    let table = installation.operate(&["maintenance", "status"]).await;
    let table = text(&table.stdout);
    assert!(table.contains(" version ") && table.contains(env!("CARGO_PKG_VERSION")), "{table}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_named() {
    let installation = Installation::new();
    let running = installation.start().await;
    add(&running, "alice").await;
    let file = installation.path("export.ndjson");
    assert!(installation.operate(&["export", utf8(&file)]).await.status.success());
    let text_before = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text_before.replace("alice", "malle")).unwrap();
    assert!(installation.operate(&["maintenance", "on", "--wait"]).await.status.success());
    let import = installation.operate(&["import", utf8(&file)]).await;
    assert_eq!(import.status.code(), Some(1));
    assert!(text(&import.stderr).contains("`import_corrupt`"), "{}", text(&import.stderr));
    let missing = installation.operate(&["import", "/nowhere.ndjson"]).await;
    assert!(text(&missing.stderr).starts_with("error: `/nowhere.ndjson`: "));
    assert!(installation.operate(&["maintenance", "off", "--wait"]).await.status.success());
    assert_eq!(names(&running).await, ["alice"]);
}

/// A service whose exports break off in the middle, cleanly as far as HTTP can tell.
async fn broken_service() -> String {
    use drydock_core::net::Net;
    let mut listener = drydock_backends::tcp::TcpNet.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let body = concat!(
            r#"{"header":{"format":"drydock-export","lineage":"#,
            r#""01a20017-c0ec-7c8a-b224-2cc60452bc25","position":1,"schema":1,"#,
            r#""service":"configstore","time":"2026-11-21T21:51:28Z","version":1}}"#,
            "\n",
        );
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    address
}

#[tokio::test]
async fn an_export_that_breaks_off_leaves_no_file_and_keeps_an_old_one() {
    let installation = Installation::new();
    let file = installation.path("export.ndjson");
    for before in [None, Some("the export of yesterday")] {
        if let Some(before) = before {
            std::fs::write(&file, before).unwrap();
        }
        let url = format!("http://{}", broken_service().await);
        let exported = run(&["export", utf8(&file), "--url", &url, "--token", "any"]).await;
        assert_eq!(exported.status.code(), Some(1));
        assert!(
            text(&exported.stderr).contains("without its trailer"),
            "{}",
            text(&exported.stderr)
        );
        assert_eq!(std::fs::read_to_string(&file).ok().as_deref(), before);
        let left = std::fs::read_dir(installation.path("")).unwrap().count();
        assert_eq!(left, usize::from(before.is_some()), "nothing else is left behind");
    }
}

#[tokio::test]
async fn a_wrong_token_and_an_absent_service_are_said_plainly() {
    let installation = Installation::new();
    let running = installation.start().await;
    let url = format!("http://{}", running.address);
    let wrong = run(&["maintenance", "status", "--url", &url, "--token", "wrong"]).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("`unauthorized`"), "{}", text(&wrong.stderr));
    running.signal("TERM");
    running.end().await;
    let absent = installation.operate(&["maintenance", "status"]).await;
    assert_eq!(absent.status.code(), Some(1));
    assert!(text(&absent.stderr).contains("was not sent"), "{}", text(&absent.stderr));
}
