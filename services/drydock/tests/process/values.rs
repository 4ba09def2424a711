//! The values of secrets are the same bytes from the command line to the environment of a run,
//! before and after an export and an import.

use std::collections::BTreeMap;

use drydock_api::configstore::types::EnvironmentQuery;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::harness::{Installation, Running, soon, text, utf8};

const VALUES: usize = 60;
const PLACE: [&str; 2] = ["--project", "org/acme/site"];

/// Texts that something on the way might change.
const DELICATE: [&str; 14] = [
    "",
    "\n",
    "\r\n",
    " ",
    "a\n",
    "a\r\n",
    "a\n\n",
    "-----BEGIN KEY-----\r\nAAAA\r\n-----END KEY-----\n",
    "\u{feff}a",
    "\0\u{1}\u{7f}\u{85}",
    "\"\\/ \u{2028} \u{1f511}",
    "e\u{301}",
    "${HOME} %s \u{1b}[2K",
    "\tvalue\t",
];

fn values() -> Vec<String> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let any = prop_oneof![any::<String>(), "[\\r\\n\\t a-c\u{feff}]{0,20}"];
    let mut drawn = || any.new_tree(&mut runner).unwrap().current();
    let mut values: Vec<_> = DELICATE.map(str::to_owned).into();
    values.extend((0..VALUES).map(|_| drawn()));
    values
}

async fn must(installation: &Installation, args: &[&str]) -> String {
    let ended = installation.operate(args).await;
    assert!(ended.status.success(), "{args:?}: {}", text(&ended.stderr));
    text(&ended.stdout)
}

async fn environment(running: &Running) -> BTreeMap<String, String> {
    let (site, query) = ("org/acme/site".parse().unwrap(), EnvironmentQuery::default());
    let run = running.client.run_environment(&soon(), &site, &query).await.unwrap();
    run.variables.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

#[tokio::test]
async fn a_value_is_the_same_bytes_from_the_file_to_the_run() {
    let installation = Installation::new();
    let running = installation.start().await;
    must(&installation, &["user", "create", "alice"]).await;
    must(&installation, &["org", "create", "acme", "--owner", "alice"]).await;
    must(&installation, &["project", "create", "org/acme", "site"]).await;
    let values = values();
    let mut data = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let file = installation.path(&format!("value-{number}"));
        std::fs::write(&file, value).unwrap();
        data.push(format!("k{number}={}", utf8(&file)));
    }
    let data: Vec<_> = data.iter().map(String::as_str).collect();
    must(&installation, &[&["secret", "create", "all"], &data[..], &PLACE].concat()).await;
    for number in 0..values.len() {
        let (name, value) = (format!("v{number}"), format!("all.k{number}"));
        must(&installation, &[&["variable", "create", &name, &value], &PLACE[..]].concat()).await;
    }
    let same = |found: BTreeMap<String, String>| {
        for (number, value) in values.iter().enumerate() {
            assert_eq!(found.get(&format!("v{number}")), Some(value), "value {number}");
        }
    };
    same(environment(&running).await);

    let export = installation.path("export.ndjson");
    must(&installation, &["export", utf8(&export)]).await;
    must(&installation, &["project", "delete", "org/acme/site", "--yes"]).await;
    must(&installation, &["maintenance", "on", "--wait"]).await;
    must(&installation, &["import", utf8(&export)]).await;
    must(&installation, &["maintenance", "off", "--wait"]).await;
    same(environment(&running).await);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_and_go_through_as_base64() {
    let installation = Installation::new();
    let running = installation.start().await;
    must(&installation, &["user", "create", "alice"]).await;
    must(&installation, &["org", "create", "acme", "--owner", "alice"]).await;
    must(&installation, &["project", "create", "org/acme", "site"]).await;
    let file = installation.path("keystore");
    std::fs::write(&file, [0, 0xff, 0xfe, b'\n']).unwrap();
    let data = format!("key={}", utf8(&file));
    let create = ["secret", "create", "store", &data];
    let refused = installation.operate(&[&create, &PLACE[..]].concat()).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--base64"), "{}", text(&refused.stderr));
    must(&installation, &[&create[..], &["--base64"], &PLACE].concat()).await;
    must(&installation, &[&["variable", "create", "store", "store.key"], &PLACE[..]].concat())
        .await;
    assert_eq!(environment(&running).await["store"], "AP/+Cg==");
}
