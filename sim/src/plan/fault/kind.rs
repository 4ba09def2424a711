use std::fmt;

use drydock_harness::fault::{Act, Scheduled};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{CoordinationFault, EtcdFault, LinkFault, ObjectsFault, ProcessFault, WatchFault};
use crate::plan::InstanceId;

/// One fault of a plan: from `at_ms` on, for `for_ms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub at_ms: u64,
    #[serde(default)]
    pub for_ms: u64,
    pub what: FaultKind,
}

/// A fault, by its family. In a plan it is its label with its fields, as in
/// `{ kill = { instance = 1 } }`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FaultKind {
    Process(ProcessFault),
    Link(LinkFault),
    Coordination(CoordinationFault),
    Watch(WatchFault),
    Etcd(EtcdFault),
    Objects(ObjectsFault),
}

/// A kind of fault for people.
#[derive(Debug, Clone, Copy)]
pub struct About {
    pub label: &'static str,
    pub meaning: &'static str,
    /// What is counted as a hit.
    pub hits: &'static str,
}

/// What became of a request whose answer is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It took effect.
    Applied,
    /// It did not.
    Dropped,
    /// It takes effect after the caller has given up on it.
    Late,
}

/// Every kind of fault, family by family.
pub fn about() -> impl Iterator<Item = &'static About> {
    let families = [
        ProcessFault::ABOUT,
        LinkFault::ABOUT,
        CoordinationFault::ABOUT,
        WatchFault::ABOUT,
        EtcdFault::ABOUT,
        ObjectsFault::ABOUT,
    ];
    families.into_iter().flatten()
}

impl Fault {
    /// The fault as the harness carries it out; `members` are the hosts of etcd, if there are any.
    pub fn lower(&self, members: &[String]) -> Scheduled {
        Scheduled {
            at_ms: self.at_ms,
            for_ms: self.for_ms,
            label: self.what.label(),
            story: self.what.story(),
            acts: self.what.acts(members),
        }
    }
}

impl FaultKind {
    /// The instance it concerns.
    pub fn instance(&self) -> Option<InstanceId> {
        match self {
            FaultKind::Process(fault) => fault.instance(),
            FaultKind::Link(_) => None,
            FaultKind::Coordination(fault) => fault.instance(),
            FaultKind::Watch(fault) => Some(fault.instance()),
            FaultKind::Etcd(fault) => fault.instance(),
            FaultKind::Objects(fault) => Some(fault.instance()),
        }
    }

    pub fn process(&self) -> Option<&ProcessFault> {
        if let FaultKind::Process(fault) = self { Some(fault) } else { None }
    }

    pub fn link(&self) -> Option<&LinkFault> {
        if let FaultKind::Link(fault) = self { Some(fault) } else { None }
    }

    pub fn coordination(&self) -> Option<&CoordinationFault> {
        if let FaultKind::Coordination(fault) = self { Some(fault) } else { None }
    }

    pub fn watch(&self) -> Option<&WatchFault> {
        if let FaultKind::Watch(fault) = self { Some(fault) } else { None }
    }

    pub fn etcd(&self) -> Option<&EtcdFault> {
        if let FaultKind::Etcd(fault) = self { Some(fault) } else { None }
    }

    pub fn objects(&self) -> Option<&ObjectsFault> {
        if let FaultKind::Objects(fault) = self { Some(fault) } else { None }
    }

    fn acts(&self, members: &[String]) -> Vec<Act> {
        match self {
            FaultKind::Process(fault) => fault.acts(),
            FaultKind::Link(fault) => fault.acts(),
            FaultKind::Coordination(fault) => fault.acts(members),
            FaultKind::Watch(_) => Vec::new(),
            FaultKind::Etcd(fault) => fault.acts(members),
            FaultKind::Objects(fault) => fault.acts(),
        }
    }

    fn label(&self) -> String {
        self.label_and_fields().0
    }

    /// One line of a fault story.
    fn story(&self) -> String {
        let (mut text, fields) = self.label_and_fields();
        for (name, value) in fields.as_object().into_iter().flatten() {
            let value = value.as_str().map_or(value.to_string(), str::to_owned);
            text.push_str(&format!(" {name}={value}"));
        }
        text
    }

    fn label_and_fields(&self) -> (String, serde_json::Value) {
        match serde_json::to_value(self).expect("plain data") {
            serde_json::Value::Object(tagged) => {
                tagged.into_iter().next().expect("a fault has a label")
            }
            other => unreachable!("a fault is tagged with its label: {other}"),
        }
    }
}

macro_rules! families {
    ($($family:ident($fault:ty)),*) => {
        $(impl From<$fault> for FaultKind {
            fn from(fault: $fault) -> FaultKind {
                FaultKind::$family(fault)
            }
        })*

        impl<'de> Visitor<'de> for Tagged {
            type Value = FaultKind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the label of a fault with its fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FaultKind, A::Error> {
                let Some(label) = map.next_key::<String>()? else {
                    return Err(A::Error::custom("a fault has no label"));
                };
                let known = |family: &[About]| family.iter().any(|about| about.label == label);
                $(if known(<$fault>::ABOUT) {
                    let whole = MapAccessDeserializer::new(Again { key: Some(label), map });
                    return <$fault>::deserialize(whole).map(FaultKind::$family);
                })*
                Err(A::Error::custom(format_args!("there is no fault `{label}`")))
            }
        }
    };
}

families! {
    Process(ProcessFault), Link(LinkFault), Coordination(CoordinationFault), Watch(WatchFault),
    Etcd(EtcdFault), Objects(ObjectsFault)
}

/// Finds the family by the label.
struct Tagged;

impl<'de> Deserialize<'de> for FaultKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FaultKind, D::Error> {
        deserializer.deserialize_map(Tagged)
    }
}

/// A map whose first key was looked at already.
struct Again<A> {
    key: Option<String>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Again<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.key.take() {
            Some(key) => seed.deserialize(key.into_deserializer()).map(Some),
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_by_its_label_and_refused_by_name() {
        let read = |text: &str| toml::from_str::<Fault>(text).map_err(|error| error.to_string());
        let fault = read("at_ms = 1\nwhat = { coord_cut = { instance = 2 } }").unwrap();
        assert_eq!(
            fault.what,
            CoordinationFault::Cut { instance: InstanceId::configstore(2) }.into()
        );
        assert_eq!(fault.what.story(), "coord_cut instance=2");
        let loss = read("at_ms = 1\nwhat = { coord_lost = {} }").unwrap();
        assert_eq!(loss.what, CoordinationFault::Lost {}.into());
        let unknown = read("at_ms = 1\nwhat = { meteor = { instance = 2 } }").unwrap_err();
        assert!(unknown.contains("line 2") && unknown.contains("`meteor`"), "{unknown}");
        let field = read("at_ms = 1\nwhat = { kill = { instance = 1, by = 2 } }").unwrap_err();
        assert!(field.contains("line 2") && field.contains("`by`"), "{field}");
    }

    #[test]
    fn no_two_kinds_have_one_label() {
        let mut labels: Vec<_> = about().map(|about| about.label).collect();
        let count = labels.len();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), count);
    }
}
