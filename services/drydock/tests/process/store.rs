use std::process::Stdio;

use drydock_api::configstore::types::NewUser;
use drydock_http::api::page::ListQuery;

use super::harness::{Installation, Running, drydock, soon, text};

async fn add(running: &Running, name: &str) {
    let new = NewUser { name: name.to_owned(), admin: false };
    running.client.create_user(&soon(), &new, None).await.unwrap();
}

async fn stop(running: Running) {
    running.signal("TERM");
    assert_eq!(running.end().await, Some(0));
}

#[tokio::test]
async fn the_store_of_a_stopped_service_can_be_inspected_and_of_a_running_one_not() {
    let installation = Installation::new();
    let running = installation.start().await;
    add(&running, "alice").await;
    let refused = installation.operate(&["store", "inspect"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("cannot be used"), "{}", text(&refused.stderr));
    stop(running).await;

    let inspected = installation.operate(&["store", "inspect", "--json"]).await;
    let survey: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(survey["head"]["position"], 1, "{survey:#}");
    let shown = installation.operate(&["store", "inspect"]).await;
    assert!(text(&shown.stdout).contains("head: position 1 of "), "{}", text(&shown.stdout));
    // Of the archivers' notes only the newest counts.
    let garbage = installation.operate(&["store", "gc", "--dry-run"]).await;
    let notes = |line: &str| line.contains("/in-force/") || line.starts_with("would delete: ");
    assert!(text(&garbage.stdout).lines().all(notes), "{}", text(&garbage.stdout));
    assert!(installation.operate(&["store", "gc"]).await.status.success());
    let garbage = installation.operate(&["store", "gc", "--dry-run"]).await;
    assert_eq!(text(&garbage.stdout), "would delete: 0 objects\n");

    let sound = installation.operate(&["store", "verify"]).await;
    assert!(sound.status.success(), "{}", text(&sound.stdout));
    assert!(text(&sound.stdout).ends_with("store: sound\n"));
    let current = installation.data().join("objects/default/configstore/current.json");
    std::fs::write(&current, "{}").unwrap();
    let unsound = installation.operate(&["store", "verify"]).await;
    assert_eq!(unsound.status.code(), Some(1));
    assert!(text(&unsound.stdout).contains("current.json\n  "), "{}", text(&unsound.stdout));
    stop(installation.start().await).await;
}

#[tokio::test]
async fn a_restore_on_the_command_line_goes_back_to_what_an_import_replaced() {
    let installation = Installation::new();
    let running = installation.start().await;
    let file = installation.path("export.ndjson");
    let file = super::harness::utf8(&file);
    assert!(installation.operate(&["export", file]).await.status.success());
    add(&running, "alice").await;
    assert!(installation.operate(&["maintenance", "on", "--wait"]).await.status.success());
    assert!(installation.operate(&["import", file]).await.status.success());
    let listed = installation.operate(&["lineages", "list", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let first = listed["items"][0]["id"].as_str().unwrap();
    let restored = installation.operate(&["lineages", "restore", first, "--yes"]).await;
    assert!(text(&restored.stdout).contains("users: 1\n"), "{}", text(&restored.stderr));
    let shown = installation.operate(&["lineages", "list"]).await;
    assert_eq!(text(&shown.stdout).lines().count(), 4, "{}", text(&shown.stdout));
    assert!(installation.operate(&["maintenance", "off", "--wait"]).await.status.success());
    let page = running.client.users(&soon(), &ListQuery::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    stop(running).await;
    assert!(installation.operate(&["store", "verify"]).await.status.success());
}

/// A copy of a live data directory may have pages of different moments in its file.
#[tokio::test]
async fn a_damaged_coordination_store_is_put_aside_and_objects_are_gone_on_from() {
    let installation = Installation::new();
    let start = async || {
        let mut command = drydock();
        command.env("DRYDOCK_STORE_DURABILITY", "archived").stderr(Stdio::null());
        installation.start_with(command).await
    };
    let running = start().await;
    add(&running, "alice").await;
    stop(running).await;
    let sound = installation.operate(&["store", "recover", "--yes"]).await;
    assert_eq!(sound.status.code(), Some(1));
    assert!(text(&sound.stderr).contains("nothing to recover"), "{}", text(&sound.stderr));

    let file = installation.data().join("coordination.redb");
    let mut damaged = std::fs::read(&file).unwrap();
    damaged[64..4096].fill(0xa5);
    std::fs::write(&file, &damaged).unwrap();
    let refused = installation.operate(&["serve", "all"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("store recover"), "{}", text(&refused.stderr));
    let asked = installation.operate(&["store", "recover"]).await;
    assert_eq!(asked.status.code(), Some(2), "{}", text(&asked.stderr));
    assert!(text(&asked.stderr).contains("configstore"), "{}", text(&asked.stderr));
    assert_eq!(std::fs::read(&file).unwrap(), damaged);

    let done = installation.operate(&["store", "recover", "--yes"]).await;
    assert!(done.status.success(), "{}", text(&done.stderr));
    let kept = installation.data().join("coordination.redb.damaged-1");
    assert_eq!(std::fs::read(&kept).unwrap(), damaged);
    let again = installation.operate(&["store", "recover", "--yes"]).await;
    assert!(text(&again.stderr).contains("by itself"), "{}", text(&again.stderr));

    let running = start().await;
    let page = running.client.users(&soon(), &ListQuery::default()).await.unwrap();
    assert_eq!(page.items.len(), 1, "{page:?}");
    add(&running, "bob").await;
    stop(running).await;
}
