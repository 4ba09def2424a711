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
async fn check_reports_sound_and_missing_stores() {
    let installation = Installation::new();
    let data = installation.data();
    let sound = run(&["check", "--data-dir", utf8(&data)]).await;
    let printed = text(&sound.stdout);
    assert_eq!(sound.status.code(), Some(0), "{printed}");
    for line in ["ok       embedded coordination: ", "ok       objects in files: uploads in parts"]
    {
        assert!(printed.lines().any(|printed| printed.starts_with(line)), "{line} in {printed}");
    }
    let mut command = drydock();
    command.env("DRYDOCK_COORDINATION_KIND", "etcd");
    command.env("DRYDOCK_ENCRYPTION_KEYS", format!("key-1:{}", "5a".repeat(32)));
    // No server listens on port 1.
    command.env("DRYDOCK_COORDINATION_ENDPOINTS", "http://127.0.0.1:1");
    command.env("DRYDOCK_ENCRYPTION_KEYS", format!("key-1:{}", "0123456789abcdef".repeat(4)));
    command.args(["check", "--json", "--data-dir", utf8(&data)]);
    let missing = command.output().await.unwrap();
    assert_eq!(missing.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&missing.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let refused = findings.iter().find(|finding| finding["at"] == "etcd `127.0.0.1:1`").unwrap();
    assert_eq!(refused["level"], "missing", "{report}");
    assert!(text(&missing.stderr).contains("error: check: some findings are missing"));
}

#[tokio::test]
async fn variables_are_one_line_of_text_or_not_set_and_unknown_ones_are_named() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let installation = Installation::new();
    let _running = installation.start().await;
    let data = installation.data();
    let commands = [
        &["maintenance", "status", "--data-dir", utf8(&data)][..],
        &["user", "list", "--data-dir", utf8(&data)],
        &["config", "print"],
    ];
    let names = [
        "DRYDOCK_URL",
        "DRYDOCK_GATEWAY",
        "DRYDOCK_TOKEN",
        "DRYDOCK_INTERNAL_TOKEN",
        "DRYDOCK_DATA_DIR",
        "DRYDOCK_HTTP_MAX_CONNECTIONS",
        "DRYDOCK_GATEWAY_CONFIGSTORE",
    ];
    for args in commands {
        let mut command = drydock();
        command.args(args).envs(names.map(|name| (name, "")));
        let ended = command.output().await.unwrap();
        assert!(ended.status.success(), "{args:?}: {}", text(&ended.stderr));
        assert_eq!(text(&ended.stderr), "");
        for name in names {
            let mut command = drydock();
            command.args(args).env(name, OsStr::from_bytes(b"a-value-\xff"));
            let ended = command.output().await.unwrap();
            assert_eq!(ended.status.code(), Some(78), "{args:?} {name}");
            let expected = format!("error: variable `{name}`: the value is not UTF-8\n");
            assert_eq!(text(&ended.stderr), expected);
        }
        let mut command = drydock();
        command.args(args).env("DRYDOCK_CLUTSER", "test");
        let ended = command.output().await.unwrap();
        assert!(ended.status.success(), "{args:?}");
        let warning = "warning: nothing reads the variables `DRYDOCK_CLUTSER`\n";
        assert_eq!(text(&ended.stderr), warning);
    }
}
