//! The targets of an export: files, devices, stdout.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::harness::{Installation, text, utf8};

#[tokio::test]
async fn tokens_are_for_their_owner_only() {
    let installation = Installation::new();
    let _running = installation.start().await;
    let tokens = fs::metadata(installation.data().join("tokens.json")).unwrap();
    assert_eq!(tokens.permissions().mode() & 0o777, 0o600);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_export_to_a_full_device_fails_and_the_device_stays_one() {
    use std::os::unix::fs::FileTypeExt;
    let full = std::path::Path::new("/dev/full");
    let installation = Installation::new();
    let _running = installation.start().await;
    let exported = installation.operate(&["export", utf8(full)]).await;
    assert_eq!(exported.status.code(), Some(1));
    let printed = text(&exported.stderr);
    assert!(printed.starts_with("error: export to `/dev/full`: "), "{printed}");
    assert!(printed.contains("No space left"), "{printed}");
    assert!(fs::metadata(full).unwrap().file_type().is_char_device());
}

#[tokio::test]
async fn an_export_to_a_path_that_cannot_be_written_fails_and_names_it() {
    let installation = Installation::new();
    let _running = installation.start().await;
    let folder = installation.path("");
    for place in [installation.path("nowhere/export.ndjson"), folder] {
        let exported = installation.operate(&["export", utf8(&place)]).await;
        assert_eq!(exported.status.code(), Some(1), "{}", place.display());
        let printed = text(&exported.stderr);
        assert!(printed.contains(utf8(&place)), "{printed}");
        assert_eq!(printed.lines().count(), 1, "{printed}");
    }
}

#[tokio::test]
async fn an_export_to_stdout_is_the_export_and_nothing_else() {
    let installation = Installation::new();
    let _running = installation.start().await;
    let exported = installation.operate(&["export"]).await;
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let lines = text(&exported.stdout);
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 2, "a header and a trailer: {lines:?}");
    assert!(lines[1].starts_with("{\"trailer\":"), "{lines:?}");
}
