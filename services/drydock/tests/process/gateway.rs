use std::sync::Arc;

use drydock_api::configstore::types::{NewOrg, NewToken, NewUser, Visibility};
use drydock_api::gateway::GatewayClient;
use drydock_backends::tcp::TcpNet;
use drydock_core::error::Kind;
use drydock_http::api::page::Consistency;
use drydock_http::client::Client;
use secrecy::SecretString;

use super::harness::{Installation, soon, text, utf8};

fn named(token: &str, address: &str) -> GatewayClient {
    let http = Client::new(Arc::new(TcpNet), address).with_token(SecretString::from(token));
    GatewayClient::new(http)
}

#[tokio::test]
async fn serve_all_serves_users_and_operators_at_the_gateway() {
    let installation = Installation::new();
    let running = installation.start().await;
    let objects = running.admin.objects();
    let new = NewUser { name: "alice".into(), admin: false };
    objects.create_user(&soon(), &new, None).await.unwrap();
    let alice = "alice".parse().unwrap();
    let token = NewToken { name: "laptop".into() };
    let token = objects.create_token(&soon(), &alice, &token, None).await.unwrap().body;
    let mine = named(&token.value, &running.gateway);
    assert_eq!(mine.me(&soon()).await.unwrap().body.name.to_string(), "alice");
    let org = NewOrg { name: "acme".into(), visibility: Visibility::Private, owner: None };
    mine.objects().create_org(&soon(), &org, None).await.unwrap();

    let operator = running.admin.configstore();
    let on = operator.switch_on(&soon(), "a test", None, Some(soon_wait())).await.unwrap();
    assert!(on.ready);
    let refused = mine.me(&soon()).await.unwrap_err();
    let refused = refused.remote().unwrap();
    assert_eq!((refused.kind, refused.code.as_str()), (Kind::Unavailable, "maintenance"));
    operator.switch_off(&soon(), "a test", Some(soon_wait())).await.unwrap();
    let acme = "acme".parse().unwrap();
    let found = mine.objects().org(&soon(), &acme, Consistency::Linearizable).await;
    assert_eq!(found.unwrap().body.visibility, Visibility::Private);
    running.signal("TERM");
    assert_eq!(running.end().await, Some(0));
}

#[tokio::test]
async fn the_command_line_operates_both_services_through_the_gateway() {
    let installation = Installation::new();
    let running = installation.start().await;
    let gateway = format!("http://{}", running.gateway);
    for service in ["configstore", "runservice"] {
        let operate = async |args: &[&str]| {
            let to = ["--gateway", &gateway, "--service", service];
            let output = installation.operate(&[args, &to].concat()).await;
            assert!(output.status.success(), "{service} {args:?}: {}", text(&output.stderr));
            text(&output.stdout)
        };
        let export = installation.path(&format!("{service}.ndjson"));
        operate(&["export", utf8(&export)]).await;
        let written = std::fs::read_to_string(&export).unwrap();
        assert!(written.lines().next().unwrap().contains(service), "{written}");
        operate(&["maintenance", "on", "--wait", "20s"]).await;
        operate(&["import", utf8(&export)]).await;
        let lineages = operate(&["lineages", "list", "--json"]).await;
        let lineages: serde_json::Value = serde_json::from_str(&lineages).unwrap();
        assert_eq!(lineages["items"].as_array().unwrap().len(), 2, "{lineages}");
        let first = lineages["items"][0]["id"].as_str().unwrap();
        operate(&["lineages", "restore", first, "--yes"]).await;
        operate(&["maintenance", "off", "--wait", "20s"]).await;
        let status = operate(&["maintenance", "status", "--json"]).await;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert_eq!(status["mode"], "normal", "{status}");
    }
}

fn soon_wait() -> std::time::Duration {
    std::time::Duration::from_secs(20)
}
