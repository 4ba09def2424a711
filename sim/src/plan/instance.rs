use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Service, Topology};

/// One instance of a service, counted from 1. In plans it is a number if it is one of configstore,
/// and its host's name otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceId {
    pub service: Service,
    pub number: usize,
}

impl InstanceId {
    pub fn new(service: Service, number: usize) -> InstanceId {
        InstanceId { service, number }
    }

    pub fn configstore(number: usize) -> InstanceId {
        InstanceId::new(Service::Configstore, number)
    }

    pub fn runservice(number: usize) -> InstanceId {
        InstanceId::new(Service::Runservice, number)
    }

    pub fn host(self) -> String {
        self.service.host(self.number)
    }

    /// Where it listens: `host:port`.
    pub fn address(self) -> String {
        format!("{}:{}", self.host(), self.service.port())
    }

    /// The instance that runs on a host.
    pub fn of_host(host: &str) -> Option<InstanceId> {
        Service::ALL.into_iter().find_map(|service| {
            let number = host.strip_prefix(service.name())?.strip_prefix('-')?;
            let number = number.parse().ok()?;
            Some(InstanceId { service, number }).filter(|found| found.host() == host)
        })
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host())
    }
}

impl Topology {
    /// The instances of a service.
    pub fn ids(&self, service: Service) -> impl Iterator<Item = InstanceId> + use<> {
        (1..=self.instances(service)).map(move |number| InstanceId { service, number })
    }

    /// All instances of all services.
    pub fn all_ids(&self) -> impl Iterator<Item = InstanceId> {
        Service::ALL.into_iter().flat_map(|service| self.ids(service))
    }
}

impl Serialize for InstanceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.service {
            Service::Configstore => serializer.serialize_u64(self.number as u64),
            Service::Runservice => serializer.serialize_str(&self.host()),
        }
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<InstanceId, D::Error> {
        deserializer.deserialize_any(NumberOrHost)
    }
}

struct NumberOrHost;

impl Visitor<'_> for NumberOrHost {
    type Value = InstanceId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of an instance of configstore, or the host of any instance")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<InstanceId, E> {
        Ok(InstanceId::configstore(usize::try_from(number).unwrap_or(usize::MAX)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<InstanceId, E> {
        self.visit_u64(u64::try_from(number).unwrap_or(0))
    }

    fn visit_str<E: Error>(self, host: &str) -> Result<InstanceId, E> {
        let unknown = || E::custom(format_args!("`{host}` is no host of an instance"));
        InstanceId::of_host(host).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_a_number_or_a_host() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Holds {
            instance: InstanceId,
        }
        for (text, instance) in [
            ("instance = 2\n", InstanceId::configstore(2)),
            ("instance = \"runservice-3\"\n", InstanceId::runservice(3)),
        ] {
            let holds: Holds = toml::from_str(text).unwrap();
            assert_eq!(holds, Holds { instance });
            assert_eq!(toml::to_string(&holds).unwrap(), text);
        }
        for text in ["instance = \"runservice-x\"", "instance = \"mars-1\"", "instance = true"] {
            assert!(toml::from_str::<Holds>(text).is_err(), "{text}");
        }
    }
}
