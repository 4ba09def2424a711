//! Whether a backup can be restored is found out without an outage, and without a service.

use super::harness::{Installation, run, text, utf8};

async fn must(installation: &Installation, args: &[&str]) -> String {
    let ended = installation.operate(args).await;
    assert!(ended.status.success(), "{args:?}: {}", text(&ended.stderr));
    text(&ended.stdout)
}

/// Exports an installation with one secret.
async fn exported(installation: &Installation) -> std::path::PathBuf {
    must(installation, &["user", "create", "alice"]).await;
    must(installation, &["org", "create", "acme", "--owner", "alice"]).await;
    must(installation, &["project", "create", "org/acme", "site"]).await;
    let value = installation.path("value");
    std::fs::write(&value, "the plain value").unwrap();
    let data = format!("key={}", utf8(&value));
    must(installation, &["secret", "create", "deploy", &data, "--project", "org/acme/site"]).await;
    let file = installation.path("export.ndjson");
    must(installation, &["export", utf8(&file)]).await;
    file
}

#[tokio::test]
async fn a_backup_is_verified_in_every_mode_and_without_any_service() {
    let installation = Installation::new();
    let running = installation.start().await;
    let file = exported(&installation).await;
    let file = utf8(&file);
    for mode in ["normal", "maintenance"] {
        let trial = must(&installation, &["import", file, "--dry-run"]).await;
        assert!(trial.ends_with("valid; nothing was changed\n"), "{mode}: {trial}");
        let verified = must(&installation, &["backup", "verify", file]).await;
        assert!(verified.contains("secrets: 1\n") && verified.contains("\nvalid: "), "{verified}");
        must(&installation, &["maintenance", "on", "--wait"]).await;
    }
    running.signal("TERM");
    running.end().await;
    must(&installation, &["backup", "verify", file]).await;

    let damaged = installation.path("damaged.ndjson");
    let whole = std::fs::read_to_string(file).unwrap();
    std::fs::write(&damaged, whole.replace("alice", "malle")).unwrap();
    let refused = installation.operate(&["backup", "verify", utf8(&damaged)]).await;
    assert_eq!(refused.status.code(), Some(1));
    let printed = text(&refused.stderr);
    assert!(printed.starts_with(&format!("error: `{}`: line `", damaged.display())), "{printed}");

    // Of another service, and in a later version of its schema than this one's.
    let header = whole.lines().next().unwrap();
    let version = header.split_once("\"schema\":").unwrap().1.split_once(',').unwrap().0;
    let newer = whole.replacen(&format!("\"schema\":{version}"), "\"schema\":99", 1);
    std::fs::write(&damaged, newer).unwrap();
    let verify = ["backup", "verify", utf8(&damaged), "--service", "runservice"];
    let refused = installation.operate(&verify).await;
    assert_eq!(refused.status.code(), Some(1));
    let printed = text(&refused.stderr);
    assert!(printed.contains("the export is of `configstore`, this is `runservice`"), "{printed}");

    let absent = ["--url", "127.0.0.1:1", "--token", "any"];
    for args in [
        [&["import", "/nowhere.ndjson", "--dry-run"][..], &absent].concat(),
        [&["import", "/nowhere.ndjson"][..], &absent].concat(),
        vec!["backup", "verify", "/nowhere.ndjson"],
    ] {
        let missing = run(&args).await;
        assert_eq!(missing.status.code(), Some(1), "{args:?}");
        let printed = text(&missing.stderr);
        assert!(printed.starts_with("error: `/nowhere.ndjson`: No such file"), "{printed}");
    }
}

#[tokio::test]
async fn a_backup_that_needs_another_key_is_refused_everywhere_whatever_the_keys_are_called() {
    let (mine, other) = (Installation::new(), Installation::new());
    let running = mine.start().await;
    let file = exported(&mine).await;
    let file = utf8(&file);
    let _elsewhere = other.start().await;
    let refused = other.operate(&["import", file, "--dry-run"]).await;
    assert!(text(&refused.stderr).contains("`import_unknown_key`"), "{}", text(&refused.stderr));
    let refused = other.operate(&["backup", "verify", file]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("is not configured"), "{}", text(&refused.stderr));

    let read =
        |of: &Installation| std::fs::read_to_string(of.data().join("encryption.keys")).unwrap();
    let name = |keys: &str| keys.split_once(':').unwrap().0.to_owned();
    assert_ne!(name(&read(&mine)), name(&read(&other)), "names are unique");
    let imposter = format!("{}:{}", name(&read(&mine)), "5a".repeat(32));
    let refused = mine.operate(&["backup", "verify", file, "--encryption-keys", &imposter]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("is not configured"), "{}", text(&refused.stderr));

    running.signal("TERM");
    running.end().await;
    must(&mine, &["store", "verify"]).await;
    let unsound = mine.operate(&["store", "verify", "--encryption-keys", &imposter]).await;
    assert_eq!(unsound.status.code(), Some(1));
    let printed = text(&unsound.stdout);
    assert!(printed.contains("the encryption key `blake3:"), "{printed}");
}
