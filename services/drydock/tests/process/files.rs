//! The targets of an export: files, devices, stdout.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::harness::{Installation, drydock, run, text, utf8};

/// Every file and folder below a path, and what others may do with it.
fn open_to_others(path: &std::path::Path, found: &mut Vec<String>) {
    let mode = fs::symlink_metadata(path).unwrap().permissions().mode();
    if mode & 0o077 != 0 {
        found.push(format!("{} {:o}", path.display(), mode & 0o777));
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            open_to_others(&entry.unwrap().path(), found);
        }
    }
}

#[tokio::test]
async fn everything_is_for_its_owner_only_whatever_the_umask_is() {
    let installation = Installation::new();
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_drydock")]);
    command.env_clear().kill_on_drop(true).stdin(std::process::Stdio::null());
    let running = installation.start_with(command).await;
    let export = installation.path("export.ndjson");
    assert!(installation.operate(&["export", utf8(&export)]).await.status.success());
    let mut found = Vec::new();
    open_to_others(&installation.data(), &mut found);
    open_to_others(&export, &mut found);
    assert_eq!(found, [""; 0]);

    // What an earlier version has made is closed at the next start.
    running.signal("TERM");
    running.end().await;
    let made = ["coordination.redb", "objects", "addresses.json"];
    for name in made {
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(installation.data().join(name), mode).unwrap();
    }
    let _running = installation.start().await;
    open_to_others(&installation.data(), &mut found);
    assert_eq!(found, [""; 0]);
}

#[tokio::test]
async fn an_export_through_a_link_writes_what_it_leads_to() {
    let installation = Installation::new();
    let _running = installation.start().await;
    let backups = installation.path("backups");
    fs::create_dir(&backups).unwrap();
    let (link, again) = (installation.path("latest"), installation.path("again"));
    std::os::unix::fs::symlink("backups/today.ndjson", &link).unwrap();
    std::os::unix::fs::symlink(&link, &again).unwrap();
    for _ in 0..2 {
        let exported = installation.operate(&["export", utf8(&again)]).await;
        assert!(exported.status.success(), "{}", text(&exported.stderr));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::symlink_metadata(&again).unwrap().is_symlink());
        let written = fs::read_to_string(backups.join("today.ndjson")).unwrap();
        assert!(written.contains("\"trailer\""), "{written}");
    }
    let round = installation.path("round");
    std::os::unix::fs::symlink("round", &round).unwrap();
    let exported = installation.operate(&["export", utf8(&round)]).await;
    assert_eq!(exported.status.code(), Some(1));
    assert!(text(&exported.stderr).contains("too many symbolic links"));
}

/// A service whose exports begin and do not go on.
async fn stalled_service() -> String {
    use drydock_core::net::Net;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut listener = drydock_backends::tcp::TcpNet.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"header\":";
        stream.write_all(answer).await.unwrap();
        std::future::pending::<()>().await;
    });
    address
}

#[tokio::test]
async fn an_export_that_is_interrupted_leaves_nothing_behind() {
    for signal in ["INT", "TERM", "HUP"] {
        let installation = Installation::new();
        let (file, url) = (installation.path("export.ndjson"), stalled_service().await);
        let mut command = drydock();
        command.args(["export", utf8(&file), "--url", &url, "--token", "any"]);
        let mut export = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(5));
        while fs::read_dir(installation.path("")).unwrap().count() == 0 {
            looks.tick().await;
            assert!(export.try_wait().unwrap().is_none(), "it goes on until it is interrupted");
        }
        let pid = export.id().unwrap().to_string();
        let sent = std::process::Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
        let ended = export.wait_with_output().await.unwrap();
        assert_eq!(ended.status.code(), Some(1));
        let printed = text(&ended.stderr);
        assert!(
            printed.contains(&format!("stopped by SIG{signal}; nothing was written")),
            "{printed}"
        );
        assert_eq!(fs::read_dir(installation.path("")).unwrap().count(), 0, "nothing is left");
    }
}

#[tokio::test]
async fn what_a_service_says_does_nothing_to_the_terminal() {
    use drydock_core::net::Net;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut listener = drydock_backends::tcp::TcpNet.listen("127.0.0.1:0").await.unwrap();
    let url = listener.local_addr();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let body = "{\"code\":\"not_ready\",\"message\":\"a\\u001b[2K\\r\\nb\\u009b\"}";
            let length = body.len();
            let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json";
            let answer = format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    for args in [
        ["maintenance", "status", "--url", &url, "--token", "any"],
        ["user", "list", "--gateway", &url, "--token", "any"],
    ] {
        let ended = run(&args).await;
        let printed = text(&ended.stderr);
        assert!(printed.contains("a\\u{1b}[2K\\r\\nb\\u{9b}"), "{printed}");
        assert!(!printed.trim_end().contains(char::is_control), "{printed:?}");
    }
}

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
