//! The program `fake-etcd` as a process, spoken to over TCP.

#[cfg(test)]
mod served;

use drydock_sim_control::client::ask;
use http::Method;
use serde_json::json;
use tokio::process::Command;

use self::served::{Fake, PROGRAM, get, loads, words};

#[tokio::test]
async fn an_answer_is_lost_with_and_without_effect() {
    let mut fake = Fake::start(1, &[]).await;
    let mut client = fake.client(0).await;
    let fault = json!({"kind": "fail", "error": "leader_changed", "applied": true});
    let rule = json!({"methods": ["put"], "key_prefix": "a", "count": 1, "fault": fault});
    fake.post("/faults", rule).await;
    client.put("b", "", None).await.unwrap();
    let error = client.put("a", "", None).await.unwrap_err();
    assert_eq!(words(error), "etcdserver: leader changed");
    assert_eq!(fake.state().await["revision"], 3);
    let told = [fake.logged().await, fake.logged().await]
        .map(|line| json!([line["method"], line["key"], line["outcome"], line["fault"]]));
    let expected =
        [json!(["put", "b", "ok", null]), json!(["put", "a", "etcdserver: leader changed", 1])];
    assert_eq!(told, expected);
    for (applied, revision) in [(true, 4), (false, 4)] {
        let lose = json!({"count": 1, "fault": {"kind": "lose", "applied": applied}});
        fake.post("/faults", lose).await;
        let mut writer = fake.client(0).await;
        let write = tokio::spawn(async move { writer.put("c", "", None).await.map(drop) });
        let struck = async || {
            let faults = ask(&fake.control, Method::GET, "/faults", String::new()).await.unwrap();
            faults.as_array().unwrap().last().unwrap()["struck"] == 1
        };
        while !struck().await || fake.state().await["revision"] != revision {
            tokio::task::yield_now().await;
        }
        assert!(!write.is_finished());
        write.abort();
        let told = fake.logged().await;
        assert_eq!(told["outcome"], "never answered", "{told}");
    }
}

#[tokio::test]
async fn a_full_disk_is_told_to_clients_and_to_whoever_asks_for_health() {
    let fake = Fake::start(1, &[]).await;
    let mut client = fake.client(0).await;
    let health = get(&fake.addresses[0], "/health").await;
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
    assert!(health.ends_with(r#"{"health":"true","reason":""}"#), "{health}");
    fake.post("/no-space", json!({"on": true})).await;
    let error = client.put("a", "", None).await.unwrap_err();
    assert_eq!(words(error), "etcdserver: mvcc: database space exceeded");
    let health = get(&fake.addresses[0], "/health").await;
    assert!(health.starts_with("HTTP/1.1 503 ") && health.contains("NOSPACE"), "{health}");
    fake.post("/no-space", json!({"on": false})).await;
    client.put("a", "", None).await.unwrap();
    let version = get(&fake.addresses[0], "/version").await;
    assert!(version.contains(r#""etcdserver":"3.5"#), "{version}");
}

#[tokio::test]
async fn members_are_killed_cut_off_and_elected() {
    let fake = Fake::start(3, &[]).await;
    let mut client = fake.client(1).await;
    client.put("a", "", None).await.unwrap();
    fake.post("/kill", json!({"member": 1})).await;
    assert!(client.put("a", "", None).await.is_err());
    let again = ask(&fake.control, Method::POST, "/kill", r#"{"member": 1}"#.to_owned()).await;
    assert_eq!(again.unwrap_err().0, "member 1 does not run");
    fake.post("/start", json!({"member": 1})).await;
    fake.client(1).await.put("a", "", None).await.unwrap();
    fake.post("/elect", json!({"member": 2})).await;
    assert_eq!(fake.state().await["leader"], 2);
    fake.post("/cut", json!({"member": 0})).await;
    let health = get(&fake.addresses[0], "/health").await;
    assert!(health.contains("RAFT NO LEADER"), "{health}");
    fake.post("/join", json!({"member": 0})).await;
    fake.post("/lag", json!({"member": 0, "what": "keys"})).await;
    fake.client(1).await.put("b", "", None).await.unwrap();
    let state = fake.state().await;
    assert_eq!(state["members"][0]["applied"], 3, "{state}");
    fake.post("/catch-up", json!({"member": 0})).await;
    assert_eq!(fake.state().await["members"][0]["applied"], 4);
    fake.post("/compact", json!({})).await;
    assert_eq!(fake.state().await["compacted"], 4);
    fake.post("/disconnect", json!({"member": 2})).await;
    fake.client(2).await.put("c", "", None).await.unwrap();
}

#[tokio::test]
async fn streams_of_watchers_break_lag_and_forget() {
    let fake = Fake::start(1, &[]).await;
    let mut client = fake.client(0).await;
    let forget = json!({"key_prefix": "f/", "fault": {"kind": "watch_forget"}});
    fake.post("/faults", forget).await;
    let mut watch = client.watch("", Some(etcd_client::WatchOptions::new().with_all_keys())).await;
    let watch = watch.as_mut().unwrap();
    assert!(watch.message().await.unwrap().unwrap().created());
    client.put("f/a", "", None).await.unwrap();
    client.put("g/a", "", None).await.unwrap();
    let told = watch.message().await.unwrap().unwrap();
    assert_eq!(told.events()[0].kv().unwrap().key(), b"g/a");
    let broken = json!({"kind": "watch_break", "error": "no_leader"});
    fake.post("/faults", json!({"count": 1, "fault": broken})).await;
    assert_eq!(words(watch.message().await.unwrap_err()), "etcdserver: no leader");
}

#[tokio::test]
async fn a_seed_strikes_the_same_requests_again() {
    let dir = tempfile::tempdir().unwrap();
    let faults = dir.path().join("faults.json");
    let rule = json!([{"methods": ["put"], "probability": 0.5, "fault": {"kind": "throttle"}}]);
    std::fs::write(&faults, rule.to_string()).unwrap();
    let run = async |seed: &str| {
        let faults = faults.to_str().unwrap();
        let fake = Fake::start(1, &["--seed", seed, "--faults", faults]).await;
        let mut client = fake.client(0).await;
        let mut struck = Vec::new();
        for key in 0..30 {
            struck.push(client.put(key.to_string(), "", None).await.is_err());
        }
        struck
    };
    let first = run("1").await;
    assert!(first.contains(&true) && first.contains(&false), "{first:?}");
    assert_eq!(run("1").await, first);
    assert_ne!(run("2").await, first);
}

#[tokio::test]
async fn the_command_line_speaks_to_the_control_port_and_the_state_is_written_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let dump = dir.path().join("dump.json");
    let fake = Fake::start(1, &["--dump", dump.to_str().unwrap()]).await;
    let control = async |args: &[&str]| {
        let mut command = Command::new(PROGRAM);
        let output = command.args(["control", "--at", &fake.control]).args(args).output().await;
        let output = output.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, stdout, _) = control(&["add", r#"{"fault": {"kind": "throttle"}}"#]).await;
    assert_eq!((code, stdout.contains(r#""id":1"#)), (0, true), "{stdout}");
    let (code, _, stderr) = control(&["add", r#"{"fault": {"kind": "throttle"}, "x": 1}"#]).await;
    assert!(code == 2 && stderr.contains("unknown field `x`"), "{stderr}");
    let wrong = r#"{"methods": ["put"], "fault": {"kind": "watch_lag", "ms": 1}}"#;
    let (code, _, stderr) = control(&["add", wrong]).await;
    assert!(code == 2 && stderr.contains("the method `watch` alone"), "{stderr}");
    assert_eq!(control(&["remove", "1"]).await.0, 0);
    fake.client(0).await.put("kept", "", None).await.unwrap();
    fake.terminate().await;
    assert!(loads(&dump).await);
}
