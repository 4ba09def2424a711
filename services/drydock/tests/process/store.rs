use std::path::PathBuf;
use std::process::Stdio;

use drydock_api::configstore::types::NewUser;
use drydock_http::api::page::ListQuery;

use serde_json::Value;

use super::harness::{Installation, Running, drydock, soon, text, until};
use super::runs::{Machine, SITE};

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

/// The files of one attempt in a folder of runservice's objects, by their names.
fn objects(installation: &Installation, folder: &str) -> Vec<PathBuf> {
    let folder = installation.data().join("objects/default/runservice").join(folder);
    let attempts = std::fs::read_dir(folder).unwrap().map(|found| found.unwrap().path());
    let files = attempts.flat_map(|attempt| std::fs::read_dir(attempt).unwrap());
    let mut files: Vec<PathBuf> = files.map(|found| found.unwrap().path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn an_operator_is_told_which_log_archive_and_cache_of_which_run_is_damaged() {
    let machine = Machine::start().await;
    let tasks = "build: { steps: [{ run: 'echo one | tee x' }, { save: { paths: [x] } },
                 { save_cache: { key: cargo, paths: [x] } }] }";
    let ended = machine.run(tasks, &["--wait"]).await;
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    until(async || {
        let run = machine.json(&["run", "show", SITE, "1"]).await;
        let task = run["tasks"].as_object().unwrap().values().next().unwrap();
        (task["attempt"]["logs"] == "complete").then_some(())
    })
    .await;
    let Machine { installation, running, .. } = machine;
    stop(running).await;
    let verify = async |args: &[&str]| {
        let command = [&["store", "verify", "--service", "runservice"], args].concat();
        let done = installation.operate(&command).await;
        (done.status.code(), text(&done.stdout), text(&done.stderr))
    };
    let (code, sound, _) = verify(&[]).await;
    assert_eq!(code, Some(0), "{sound}");
    let none = " named; not named: 0 in progress, 0 kept for other lineages, 0 garbage, 0 orphaned";
    assert!(sound.contains("logs, archives, caches: ") && sound.contains(none), "{sound}");
    assert!(sound.ends_with("store: sound\n"), "{sound}");

    // A log is cut, an archive is lost, a cache is damaged, and an upload was left behind.
    let log = objects(&installation, "logs").into_iter().next().unwrap();
    let whole = std::fs::read(&log).unwrap();
    std::fs::write(&log, &whole[..10]).unwrap();
    let stray = log.with_file_name("000-stray.log.zst");
    std::fs::write(&stray, "hello").unwrap();
    let archive = objects(&installation, "archives").pop().unwrap();
    std::fs::remove_file(&archive).unwrap();
    let cache = objects(&installation, "caches").pop().unwrap();
    let mut bytes = std::fs::read(&cache).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&cache, bytes).unwrap();
    let (code, found, errors) = verify(&[]).await;
    assert_eq!((code, errors.as_str()), (Some(1), "error: 3 findings\n"), "{found}");
    let of = "attempt 1 of task `build` of run 1 of project `";
    let size = whole.len();
    for expected in [
        format!("the log of step 0 of {of}"),
        format!("has 10 bytes, the state says {size}\n"),
        format!("the archive of step 1 of {of}"),
        "does not exist\n".to_owned(),
        "(`cargo` of branch/main) of project `".to_owned(),
        "is damaged: its digest is not that of the state\n".to_owned(),
    ] {
        assert!(found.contains(&expected), "`{expected}`: {found}");
    }
    for place in [&log, &archive, &cache] {
        let name = place.strip_prefix(installation.data().join("objects")).unwrap();
        assert!(found.contains(&format!("{}\n", name.display())), "{found}");
    }
    assert!(found.contains("/000-stray.log.zst, 5 bytes\n"), "{found}");
    assert!(found.contains(" 1 garbage, "), "{found}");

    let (code, json, _) = verify(&["--json"]).await;
    let verdict: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, verdict["findings"].as_array().map(Vec::len)), (Some(1), Some(3)));
    assert_eq!(verdict["unnamed"][0]["fate"], "garbage", "{verdict:#}");
    assert_eq!(verdict["unnamed"].as_array().map(Vec::len), Some(1));
    let inspected =
        installation.operate(&["store", "inspect", "--service", "runservice", "--json"]).await;
    let survey: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(survey["objects"]["caches"]["count"], 1, "{survey:#}");
    assert_eq!(survey["objects"]["archives"], Value::Null);
}
