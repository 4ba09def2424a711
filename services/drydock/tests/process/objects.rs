//! Commands on objects through the gateway.

use std::process::Output;

use serde_json::Value;

use super::harness::{Installation, Running, drydock, text, utf8};

/// Runs a command as the bearer of a token.
async fn as_user(running: &Running, token: &str, args: &[&str]) -> Output {
    let mut command = drydock();
    command
        .env("DRYDOCK_TOKEN", token)
        .env("DRYDOCK_GATEWAY", format!("http://{}", running.gateway));
    command.args(args).output().await.unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test]
async fn a_user_creates_everything_down_to_a_variable() {
    let installation = Installation::new();
    let running = installation.start().await;
    stdout(&installation.operate(&["user", "create", "alice"]).await);
    let made =
        installation.operate(&["token", "create", "laptop", "--user", "alice", "--json"]).await;
    let token = json(&made)["value"].as_str().unwrap().to_owned();
    let alice = async |args: &[&str]| as_user(&running, &token, args).await;

    assert!(stdout(&alice(&["user", "me"]).await).contains("name: alice"));
    stdout(&alice(&["org", "create", "acme", "--visibility", "public"]).await);
    stdout(&alice(&["group", "create", "org/acme", "web"]).await);
    stdout(&alice(&["project", "create", "org/acme/web", "site"]).await);
    let list = stdout(&alice(&["project", "list", "org/acme/web"]).await);
    assert!(list.contains("org/acme/web/site") && list.contains("private"), "{list}");

    let key = installation.path("key");
    std::fs::write(&key, "the plain value\n").unwrap();
    let place = ["--project", "org/acme/web/site"];
    let data = format!("key={}", utf8(&key));
    let secret = alice(&[&["secret", "create", "deploy", &data], &place[..]].concat()).await;
    assert!(!stdout(&secret).contains("plain"));
    stdout(
        &alice(&[&["variable", "create", "password", "deploy.key@main"], &place[..]].concat())
            .await,
    );
    let variables = json(&alice(&[&["variable", "list", "--json"], &place[..]].concat()).await);
    assert_eq!(variables[0]["values"][0]["secret_name"], "deploy");
    let site = "org/acme/web/site".parse().unwrap();
    let query = drydock_api::configstore::types::EnvironmentQuery {
        branch: Some("main".to_owned()),
        ..Default::default()
    };
    let run = running.client.run_environment(&super::harness::soon(), &site, &query).await.unwrap();
    let values: Vec<_> = run.variables.values().map(String::as_str).collect();
    assert_eq!(values, ["the plain value\n"], "byte for byte");

    stdout(&alice(&["org", "delete", "acme", "--yes"]).await);
    assert_eq!(json(&alice(&["org", "list", "--json"]).await), Value::Array(Vec::new()));
}

#[tokio::test]
async fn remote_sources_are_kept_by_administrators() {
    let installation = Installation::new();
    let running = installation.start().await;
    let forge = ["forge", "https://forge.example/api", "--kind", "gitea", "--auth", "token"];
    let created = installation.operate(&[&["remote-source", "create"], &forge[..]].concat()).await;
    assert!(stdout(&created).contains("auth_kind: token"));
    let change = ["remote-source", "update", "forge", "--url", "https://forge.example/api/v1"];
    stdout(&installation.operate(&change).await);
    stdout(&installation.operate(&["user", "create", "alice"]).await);
    let made =
        installation.operate(&["token", "create", "laptop", "--user", "alice", "--json"]).await;
    let token = json(&made)["value"].as_str().unwrap().to_owned();
    let alice = async |args: &[&str]| as_user(&running, &token, args).await;
    let list = stdout(&alice(&["remote-source", "list"]).await);
    assert!(list.contains("forge") && list.contains("https://forge.example/api/v1"), "{list}");
    let refused = alice(&["remote-source", "delete", "forge", "--yes"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("`forbidden`"), "{}", text(&refused.stderr));
    stdout(&installation.operate(&["remote-source", "delete", "forge", "--yes"]).await);
    assert_eq!(json(&alice(&["remote-source", "list", "--json"]).await), Value::Array(Vec::new()));
}

#[tokio::test]
async fn refusals_are_one_line_and_exit_codes_separate_usage_from_failures() {
    let installation = Installation::new();
    let running = installation.start().await;
    stdout(&installation.operate(&["user", "create", "alice"]).await);
    let again = installation.operate(&["user", "create", "alice"]).await;
    assert_eq!(again.status.code(), Some(1));
    let expected = "error: a user with the name `alice` already exists (`user_already_exists`)\n";
    assert_eq!(text(&again.stderr), expected);
    let wrong = as_user(&running, "wrong", &["user", "me"]).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("`unauthorized`"));
    for args in [
        &["user", "create", "-"][..],
        &["project", "show", "site"],
        &["secret", "list"],
        &["secret", "create", "deploy", "key", "--group", "org/acme"],
        &["variable", "create", "password", "deploy", "--group", "org/acme"],
        &["remote-source", "create", "forge", "https://forge.example", "--kind", "cvs"],
    ] {
        let refused = as_user(&running, "some-token", args).await;
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {}", text(&refused.stderr));
    }
    let nobody = drydock().args(["user", "me"]).output().await.unwrap();
    assert_eq!(nobody.status.code(), Some(2));
    assert!(text(&nobody.stderr).contains("DRYDOCK_TOKEN"));
}

#[tokio::test]
async fn completion_is_a_script_for_the_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = drydock().args(["completion", shell]).output().await.unwrap();
        assert!(stdout(&script).contains("drydock"), "{shell}");
    }
}

#[tokio::test]
async fn what_cannot_be_undone_is_shown_and_needs_a_yes_where_nobody_can_be_asked() {
    let installation = Installation::new();
    let _running = installation.start().await;
    for args in [
        &["user", "create", "alice"][..],
        &["org", "create", "acme", "--owner", "alice"],
        &["group", "create", "org/acme", "web"],
        &["project", "create", "org/acme/web", "site"],
        &["token", "create", "laptop", "--user", "alice"],
    ] {
        stdout(&installation.operate(args).await);
    }
    for (args, shown) in [
        (&["org", "delete", "acme"][..], "1 memberships, 1 project groups and 1 projects"),
        (&["user", "delete", "alice"], "user `alice` goes with 1 tokens"),
        (&["group", "delete", "org/acme/web"], "0 project groups and 1 projects"),
        (&["project", "delete", "org/acme/web/site"], "goes with 0 secrets and 0 variables"),
        (&["token", "delete", "laptop", "--user", "alice"], "token `laptop` goes"),
        (
            &["lineages", "restore", "00000000-0000-0000-0000-000000000000"],
            "the present state goes",
        ),
    ] {
        let refused = installation.operate(args).await;
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        let printed = text(&refused.stderr);
        assert!(printed.contains(shown) && printed.contains("--yes"), "{args:?}: {printed}");
    }
    let projects = installation.operate(&["project", "list", "org/acme/web", "--json"]).await;
    assert_eq!(json(&projects).as_array().map(Vec::len), Some(1));
    stdout(&installation.operate(&["org", "delete", "acme", "--yes"]).await);
    stdout(&installation.operate(&["user", "delete", "alice", "--yes"]).await);
}
