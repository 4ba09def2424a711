use super::harness::{Installation, drydock, run, text, utf8};

#[tokio::test]
async fn a_mistake_in_the_configuration_ends_with_78_and_its_place() {
    let installation = Installation::new();
    let file = installation.path("drydock.toml");
    std::fs::write(&file, "cluster = \"test\"\nclutser = \"test\"\n").unwrap();
    for command in [["serve", "all"], ["config", "print"]] {
        let ended = run(&[&command[..], &["--config", utf8(&file)]].concat()).await;
        assert_eq!(ended.status.code(), Some(78));
        let expected = format!("error: {}:2: unknown key `clutser`\n", file.display());
        assert_eq!(text(&ended.stderr), expected);
    }
    let missing = run(&["serve", "all"]).await;
    assert_eq!(missing.status.code(), Some(78));
    assert!(text(&missing.stderr).contains("DRYDOCK_DATA_DIR"), "{}", text(&missing.stderr));
    let data = installation.data();
    let no_token = run(&["serve", "configstore", "--data-dir", utf8(&data)]).await;
    assert_eq!(no_token.status.code(), Some(78));
    assert!(text(&no_token.stderr).contains("DRYDOCK_INTERNAL_TOKEN"));
    let internal = ["serve", "gateway", "--internal-token", "a-token-of-the-tests"];
    let no_token = run(&internal).await;
    assert_eq!(no_token.status.code(), Some(78));
    assert!(text(&no_token.stderr).contains("DRYDOCK_ADMIN_TOKEN"));
    let nowhere = run(&[&internal[..], &["--gateway-configstore", "somewhere"]].concat()).await;
    assert_eq!(nowhere.status.code(), Some(78));
    assert!(text(&nowhere.stderr).contains("must be a host and a port"));
}

#[tokio::test]
async fn a_command_line_that_is_not_understood_ends_with_2() {
    for args in [&["serve"][..], &["serve", "everything"], &["maintenance", "status"], &["import"]]
    {
        let ended = run(args).await;
        assert_eq!(ended.status.code(), Some(2), "{args:?}: {}", text(&ended.stderr));
        assert!(text(&ended.stderr).contains("error: "), "{args:?}");
    }
}

#[tokio::test]
async fn config_print_shows_every_origin_and_no_secret() {
    let mut command = drydock();
    command.env("DRYDOCK_HTTP_MAX_CONNECTIONS", "7");
    command.env("DRYDOCK_INTERNAL_TOKEN", "a-token-nobody-may-see");
    command.args(["config", "print", "--cluster", "test"]);
    let printed = text(&command.output().await.unwrap().stdout);
    for line in [
        "cluster = \"test\" # flag `--cluster`",
        "http.max_connections = 7 # variable `DRYDOCK_HTTP_MAX_CONNECTIONS`",
        "http.request_timeout = \"30s\" # default",
        "internal_token = \"(hidden)\" # variable `DRYDOCK_INTERNAL_TOKEN`",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line} in {printed}");
    }
    assert!(!printed.contains("nobody-may-see"), "{printed}");
}

#[tokio::test]
async fn check_says_what_is_there_and_what_is_missing() {
    let installation = Installation::new();
    let data = installation.data();
    let sound = run(&["check", "--data-dir", utf8(&data)]).await;
    let said = text(&sound.stdout);
    assert_eq!(sound.status.code(), Some(0), "{said}");
    for line in ["ok       embedded coordination: ", "ok       objects in files: uploads in parts"]
    {
        assert!(said.lines().any(|said| said.starts_with(line)), "{line} in {said}");
    }
    let mut command = drydock();
    command.env("DRYDOCK_COORDINATION_KIND", "etcd");
    command.env("DRYDOCK_ENCRYPTION_KEYS", format!("key-1:{}", "5a".repeat(32)));
    // Nobody listens on a port that is kept for finding out who does.
    command.env("DRYDOCK_COORDINATION_ENDPOINTS", "http://127.0.0.1:1");
    command.env("DRYDOCK_ENCRYPTION_KEYS", format!("key-1:{}", "0123456789abcdef".repeat(4)));
    command.args(["check", "--json", "--data-dir", utf8(&data)]);
    let missing = command.output().await.unwrap();
    assert_eq!(missing.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&missing.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let refused = findings.iter().find(|finding| finding["at"] == "etcd `127.0.0.1:1`").unwrap();
    assert_eq!(refused["level"], "missing", "{report}");
    assert!(text(&missing.stderr).contains("error: something is missing"));
}
