//! A stdout or a log that cannot be written: its reader is gone or does not read, or the disk is
//! full.

use std::fs::File;
use std::io::pipe;
use std::process::{Output, Stdio};
use std::time::Duration;

use drydock_api::configstore::types::NewUser;
use tokio::process::Command;

use super::harness::{Installation, Running, drydock, soon, text, utf8};

/// Longer than any command here takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// A pipe whose reader is gone.
fn closed() -> Stdio {
    let (_, writer) = pipe().unwrap();
    writer.into()
}

/// Runs a command to its end, with the stdout and the stderr that it has been given.
async fn output(mut command: Command) -> Output {
    let ended = command.spawn().unwrap().wait_with_output();
    tokio::time::timeout(PATIENCE, ended).await.expect("it ends").unwrap()
}

/// Commands that print to stdout, with the installation of `data`.
fn printing(data: &str) -> [Vec<&str>; 8] {
    [
        vec!["--help"],
        vec!["--version"],
        vec!["completion", "bash"],
        vec!["config", "print"],
        vec!["maintenance", "status", "--data-dir", data],
        vec!["maintenance", "status", "--json", "--data-dir", data],
        vec!["user", "list", "--data-dir", data],
        vec!["lineages", "list", "--data-dir", data],
    ]
}

#[tokio::test]
async fn a_command_ends_quietly_if_its_reader_is_gone_and_fails_if_the_disk_is_full() {
    let installation = Installation::new();
    let _running = installation.start().await;
    let data = installation.data();
    for args in printing(utf8(&data)) {
        let mut command = drydock();
        command.args(&args).stdout(closed()).stderr(Stdio::piped());
        let ended = output(command).await;
        assert_eq!(
            (ended.status.code(), text(&ended.stderr)),
            (Some(0), String::new()),
            "{args:?}"
        );
        let mut command = drydock();
        command.args(&args).stdout(full()).stderr(Stdio::piped());
        let ended = output(command).await;
        let printed = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{args:?}");
        assert!(printed.starts_with("error: stdout: No space left"), "{args:?}: {printed}");
        assert_eq!(printed.lines().count(), 1, "{args:?}: {printed}");
    }
}

#[tokio::test]
async fn an_export_to_a_reader_that_is_gone_fails_without_a_word() {
    let installation = Installation::new();
    let _running = installation.start().await;
    let mut command = drydock();
    command.arg("export").arg("--data-dir").arg(installation.data());
    command.stdout(closed()).stderr(Stdio::piped());
    let ended = output(command).await;
    assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(1), String::new()));
}

#[tokio::test]
async fn a_failure_keeps_its_exit_code_if_stderr_cannot_be_written() {
    let installation = Installation::new();
    let data = installation.data();
    for (args, code) in [
        (&["serve"][..], 2),
        (&["maintenance", "status", "--url", "ftp://a", "--token", "t"], 2),
        (&["maintenance", "status", "--url", "127.0.0.1:1", "--token", "t"], 1),
        (&["serve", "all", "--log-level", "=", "--data-dir", utf8(&data)], 78),
    ] {
        for stderr in [full, closed] {
            let mut command = drydock();
            command.args(args).stdout(Stdio::piped()).stderr(stderr());
            assert_eq!(output(command).await.status.code(), Some(code), "{args:?}");
        }
    }
}

async fn serves(running: Running) {
    for number in 0..20 {
        let new = NewUser { name: format!("user-{number}"), admin: false };
        running.client.create_user(&soon(), &new, None).await.unwrap();
    }
    running.signal("TERM");
    assert_eq!(running.end().await, Some(0));
}

#[tokio::test]
async fn no_request_is_lost_with_a_log_that_cannot_be_written() {
    for stderr in [full, closed] {
        let installation = Installation::new();
        let mut command = drydock();
        command.env("DRYDOCK_LOG_LEVEL", "trace").stderr(stderr());
        serves(installation.start_with(command).await).await;
    }
}

#[tokio::test]
async fn no_request_waits_for_a_log_that_nobody_reads() {
    let installation = Installation::new();
    let (unread, writer) = pipe().unwrap();
    let mut command = drydock();
    // More than a pipe holds.
    command.env("DRYDOCK_LOG_LEVEL", "trace").stderr(writer);
    serves(installation.start_with(command).await).await;
    drop(unread);
}
