//! Rules, and the port that they come through.

use std::sync::Arc;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::ask;
use crate::process::{listen, local_address};
use crate::server::control;
use crate::{Asked, ControlArgs, Controlled, Error, Fault, Result, Rule, Rules, fields};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Trouble {
    Slow { ms: u64 },
    Gone {},
}

impl Fault for Trouble {
    fn methods() -> Vec<String> {
        vec!["read".to_owned(), "write".to_owned()]
    }

    fn check(rule: &Rule<Self>) -> Result<()> {
        match rule.fault {
            Trouble::Slow { ms: 0 } => Err(Error("0 ms are not slow".to_owned())),
            _ => Ok(()),
        }
    }
}

fn rule(value: Value) -> Rule<Trouble> {
    serde_json::from_value(value).unwrap()
}

fn asked<'a>(method: &'a str, key: &'a str, member: usize) -> Asked<'a> {
    Asked { method, key: key.as_bytes(), member }
}

/// Sends this many writes, and answers which of them were struck.
fn struck(rules: &Rules<Trouble>, count: usize) -> Vec<usize> {
    let mut writes = (0..count).map(|n| (n, rules.strike(asked("write", "a", 0), |_| true)));
    let struck = writes.by_ref().filter_map(|(n, strike)| strike.map(|_| n));
    struck.collect()
}

#[test]
fn a_rule_strikes_what_it_names_and_as_often_as_it_says() {
    let rules = Rules::new(0, 3);
    let only = json!({
        "methods": ["write"], "key_prefix": "a/", "member": 1, "skip": 1, "count": 2,
        "fault": {"kind": "gone"},
    });
    rules.add(rule(only)).unwrap();
    for (method, key, member) in [("read", "a/", 1), ("write", "b/", 1), ("write", "a/", 0)] {
        assert_eq!(rules.strike(asked(method, key, member), |_| true), None);
    }
    let strikes = || rules.strike(asked("write", "a/b", 1), |_| true).is_some();
    let strikes: Vec<bool> = std::iter::repeat_with(strikes).take(5).collect();
    assert_eq!(strikes, [false, true, true, false, false]);
}

#[test]
fn the_first_rule_that_strikes_decides() {
    let rules = Rules::new(0, 3);
    rules.add(rule(json!({"count": 1, "fault": {"kind": "slow", "ms": 5}}))).unwrap();
    rules.add(rule(json!({"fault": {"kind": "gone"}}))).unwrap();
    let strike = || rules.strike(asked("read", "", 0), |_| true).unwrap();
    assert_eq!((strike().id, strike().fault), (1, Trouble::Gone {}));
    let only_slow = |fault: &Trouble| matches!(fault, Trouble::Slow { .. });
    assert_eq!(rules.strike(asked("read", "", 0), only_slow), None);
}

#[test]
fn the_same_seed_strikes_the_same_requests() {
    let of_seed = |seed| {
        let rules = Rules::new(seed, 3);
        let rarely = json!({"probability": 0.3, "fault": {"kind": "gone"}});
        rules.add(rule(rarely.clone())).unwrap();
        let first = struck(&rules, 100);
        rules.clear();
        rules.add(rule(rarely)).unwrap();
        (first, struck(&rules, 100))
    };
    let (first, second) = of_seed(1);
    assert_eq!(of_seed(1), (first.clone(), second.clone()));
    assert!((15..45).contains(&first.len()), "{first:?}");
    assert_ne!(first, second, "another rule draws by itself");
    assert_ne!(first, of_seed(2).0);
}

#[test]
fn what_no_rule_has_is_one_clear_error() {
    for (text, part) in [
        (r#"{"fault": {"kind": "gone"}, "methds": []}"#, "unknown field `methds`"),
        (r#"{"fault": {"kind": "gone", "ms": 5}}"#, "unknown field `ms`"),
        (r#"{"fault": {"kind": "slow"}}"#, "missing field `ms`"),
        (r#"{"fault": {"kind": "late"}}"#, "unknown variant `late`"),
        ("{}", "missing field `fault`"),
    ] {
        let error = fields::<Rule<Trouble>>(text.as_bytes()).unwrap_err();
        assert!(error.0.contains(part), "{text}: {error}");
    }
    let rules = Rules::new(0, 3);
    for (value, part) in [
        (json!({"methods": ["red"], "fault": {"kind": "gone"}}), "`red` is none of the methods"),
        (json!({"probability": 1.5, "fault": {"kind": "gone"}}), "1.5 is no probability"),
        (json!({"fault": {"kind": "slow", "ms": 0}}), "0 ms are not slow"),
        (json!({"member": 3, "fault": {"kind": "gone"}}), "there is no member 3"),
    ] {
        let error = rules.add(rule(value)).unwrap_err();
        assert!(error.0.contains(part), "{error}");
    }
    assert!(rules.list().is_empty());
}

struct Fake {
    rules: Rules<Trouble>,
}

#[async_trait::async_trait]
impl Controlled for Fake {
    type Fault = Trouble;

    fn actions(&self) -> &'static [&'static str] {
        &["kill"]
    }

    fn rules(&self) -> &Rules<Trouble> {
        &self.rules
    }

    fn state(&self) -> Value {
        json!({"running": true})
    }

    async fn act(&self, _: &str, body: &[u8]) -> Result<()> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Kill {
            member: usize,
        }
        match fields::<Kill>(body)?.member {
            0 => Ok(()),
            other => Err(Error(format!("there is no member {other}"))),
        }
    }
}

#[tokio::test]
async fn the_control_port_adds_lists_and_ends_faults() {
    let listener = listen("127.0.0.1:0").await.unwrap();
    let at = local_address(&listener).unwrap();
    let fake = Arc::new(Fake { rules: Rules::new(0, 3) });
    tokio::spawn(control(listener, fake.clone()));
    let ask = async |method, path: &str, body: &str| {
        ask(&at, method, path, body.to_owned()).await.map_err(|error| error.0)
    };
    let rule = r#"{"methods": ["write"], "fault": {"kind": "slow", "ms": 5}}"#;
    let added = ask(Method::POST, "/faults", rule).await.unwrap();
    assert_eq!((&added["id"], &added["fault"]["ms"]), (&json!(1), &json!(5)));
    assert_eq!(struck(&fake.rules, 2).len(), 2);
    let listed = ask(Method::GET, "/faults", "").await.unwrap();
    assert_eq!(listed[0]["struck"], 2, "{listed}");
    assert!(ask(Method::DELETE, "/faults/7", "").await.is_err());
    ask(Method::DELETE, "/faults/1", "").await.unwrap();
    assert_eq!(ask(Method::GET, "/faults", "").await.unwrap(), json!([]));
    let done = ask(Method::POST, "/kill", r#"{"member": 0}"#).await;
    assert_eq!(done, Ok(json!({"running": true})));
    for (method, path, body, part) in [
        (Method::POST, "/kill", r#"{"member": 9}"#, "there is no member 9"),
        (Method::POST, "/kill", r#"{"membr": 0}"#, "unknown field `membr`"),
        (Method::POST, "/faults", "[", "EOF"),
        (Method::POST, "/kil", "", "one of `kill`"),
        (Method::GET, "/faults?x=1", "", "no request has parameters"),
    ] {
        let error = ask(method, path, body).await.unwrap_err();
        assert!(error.contains(part), "{path}: {error}");
    }
}

#[tokio::test]
async fn the_control_port_is_on_loopback_unless_said_otherwise() {
    let args = |address: &str, control_from_anywhere| ControlArgs {
        control: Some(address.to_owned()),
        control_from_anywhere,
        faults: None,
        seed: 0,
        log: None,
    };
    assert!(args("127.0.0.1:0", false).listen().await.unwrap().is_some());
    let error = args("0.0.0.0:0", false).listen().await.unwrap_err();
    assert!(error.0.contains("--control-from-anywhere"), "{error}");
    assert!(args("0.0.0.0:0", true).listen().await.unwrap().is_some());
}
