//! Where an export goes, and what becomes of what was there.

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
    let said = text(&exported.stderr);
    assert!(said.starts_with("error: export to `/dev/full`: "), "{said}");
    assert!(said.contains("No space left"), "{said}");
    assert!(fs::metadata(full).unwrap().file_type().is_char_device());
}

#[tokio::test]
async fn an_export_to_a_place_that_is_none_fails_and_names_it() {
    let installation = Installation::new();
    let _running = installation.start().await;
    let folder = installation.path("");
    for place in [installation.path("nowhere/export.ndjson"), folder] {
        let exported = installation.operate(&["export", utf8(&place)]).await;
        assert_eq!(exported.status.code(), Some(1), "{}", place.display());
        let said = text(&exported.stderr);
        assert!(said.contains(utf8(&place)), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
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
