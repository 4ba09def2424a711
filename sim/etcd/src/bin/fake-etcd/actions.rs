//! What can be made to happen to the cluster.

use std::sync::Arc;

use async_trait::async_trait;
use drydock_sim_control::process::{Error, Result};
use drydock_sim_control::{Controlled, Rules, fields};
use drydock_sim_etcd::{Bug, Cluster, Etcd};
use etcd_client::AlarmType;
use etcd_client::proto::PbCompactionRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::members::Members;
use super::trouble::{Trouble, Troubles};

pub struct Fake {
    pub etcd: Arc<Etcd>,
    pub members: Members,
    pub troubles: Arc<Troubles>,
}

/// Each with its fields.
const ACTIONS: [&str; 12] = [
    "bug",
    "catch-up",
    "compact",
    "cut",
    "depose",
    "disconnect",
    "elect",
    "join",
    "kill",
    "lag",
    "no-space",
    "start",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfMember {
    member: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lag {
    member: usize,
    what: Lagging,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Lagging {
    /// It applies nothing any more: what it serves is old.
    Keys,
    /// It tells watchers nothing any more.
    Watches,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compact {
    /// None: everything that is not the newest.
    revision: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchBug {
    bug: Bug,
    on: bool,
}

#[async_trait]
impl Controlled for Fake {
    type Fault = Trouble;

    fn actions(&self) -> &'static [&'static str] {
        &ACTIONS
    }

    fn rules(&self) -> &Rules<Trouble> {
        &self.troubles.rules
    }

    fn rules_changed(&self) {
        // So that streams of watchers look.
        self.etcd.change(|_, _| ());
    }

    fn state(&self) -> Value {
        self.etcd.look(|cluster, _| told(cluster))
    }

    async fn act(&self, action: &str, body: &[u8]) -> Result<()> {
        match action {
            "kill" => self.members.kill(self.member(body)?).await,
            "start" => self.members.start(self.member(body)?).await,
            "disconnect" => self.members.disconnect(self.member(body)?).await,
            _ => self.change(action, body),
        }
    }
}

impl Fake {
    fn change(&self, action: &str, body: &[u8]) -> Result<()> {
        let refused = |error: drydock_sim_etcd::Error| Error(error.to_string());
        match action {
            "elect" => {
                let member = self.member(body)?;
                self.etcd.change(|cluster, now| cluster.elect(member, now)).map_err(refused)?;
            }
            "cut" => {
                let member = self.member(body)?;
                self.etcd.change(|cluster, now| cluster.isolate(member, now));
            }
            "join" => {
                let member = self.member(body)?;
                self.etcd.change(|cluster, now| cluster.rejoin(member, now));
            }
            "lag" => {
                let Lag { member, what } = fields(body)?;
                self.check(member)?;
                self.etcd.change(|cluster, _| match what {
                    Lagging::Keys => cluster.hold(member),
                    Lagging::Watches => cluster.hold_watches(member),
                });
            }
            "catch-up" => {
                let member = self.member(body)?;
                self.etcd.change(|cluster, _| {
                    cluster.release(member);
                    cluster.release_watches(member);
                });
            }
            "depose" => {
                let Nothing {} = fields(body)?;
                self.etcd.change(|cluster, now| cluster.depose(now));
            }
            "compact" => {
                let Compact { revision } = fields(body)?;
                let compacted = self.etcd.change(|cluster, _| {
                    let revision = revision.unwrap_or_else(|| cluster.machine().revision());
                    cluster.compact(&PbCompactionRequest { revision, physical: true })
                });
                compacted.map_err(refused)?;
            }
            "no-space" => {
                let Switch { on } = fields(body)?;
                self.etcd.change(|cluster, _| set_no_space(cluster, on));
            }
            _ => {
                let SwitchBug { bug, on } = fields(body)?;
                self.etcd.change(|cluster, _| cluster.set_bug(bug, on));
            }
        }
        Ok(())
    }

    fn member(&self, body: &[u8]) -> Result<usize> {
        let OfMember { member } = fields(body)?;
        self.check(member)?;
        Ok(member)
    }

    fn check(&self, member: usize) -> Result<()> {
        match self.etcd.look(|cluster, _| member < cluster.members().len()) {
            true => Ok(()),
            false => Err(Error(format!("there is no member {member}"))),
        }
    }
}

/// Raises the alarm NOSPACE, or clears it, even if a full database has raised it.
fn set_no_space(cluster: &mut Cluster, on: bool) {
    let members: Vec<u64> = cluster.members().iter().map(|member| member.id).collect();
    if on {
        cluster.raise_alarm(members[0], AlarmType::Nospace);
        return;
    }
    for member in members {
        cluster.clear_alarm(member, AlarmType::Nospace);
    }
}

fn told(cluster: &Cluster) -> Value {
    let machine = cluster.machine();
    let members = cluster.members().iter().enumerate().map(|(number, member)| {
        json!({
            "name": member.config.name,
            "client_url": member.config.client_url,
            "running": member.running(),
            "in_touch_with_leader": cluster.led(number),
            "applied": cluster.applied(number),
            "told_to_watchers": cluster.delivered(number),
        })
    });
    let alarms = machine
        .alarms()
        .iter()
        .map(|(_, alarm)| AlarmType::try_from(*alarm).unwrap_or_default().as_str_name());
    json!({
        "members": members.collect::<Vec<_>>(),
        "leader": cluster.leader(),
        "term": cluster.term(),
        "revision": machine.revision(),
        "compacted": machine.compacted(),
        "alarms": alarms.collect::<Vec<_>>(),
        "bytes": machine.bytes(),
        "leases": machine.lease_ids().len(),
    })
}
