use serde::{Deserialize, Serialize};

use super::{InstanceId, Topology};

/// A service that keeps its state in a store of its own. Stores share the coordination store and
/// the object store of a run, where each has its name in its keys. In plans, the number of its
/// instances has the plural of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Service {
    #[serde(rename = "configstores")]
    Configstore,
    #[serde(rename = "runservices")]
    Runservice,
}

impl Service {
    pub const ALL: [Service; 2] = [Service::Configstore, Service::Runservice];

    /// Its name in keys.
    pub fn name(self) -> &'static str {
        match self {
            Service::Configstore => "configstore",
            Service::Runservice => "runservice",
        }
    }

    /// Where every instance listens.
    pub fn port(self) -> u16 {
        match self {
            Service::Configstore => 8001,
            Service::Runservice => 8002,
        }
    }

    /// The host of an instance, counted from 1.
    pub fn host(self, instance: usize) -> String {
        format!("{}-{instance}", self.name())
    }
}

impl Topology {
    /// How many instances of a service there are.
    pub fn instances(&self, service: Service) -> usize {
        self.instances.get(&service).copied().unwrap_or(0)
    }

    pub fn configstores(&self) -> usize {
        self.instances(Service::Configstore)
    }

    pub fn runservices(&self) -> usize {
        self.instances(Service::Runservice)
    }

    /// The services that there are any instances of.
    pub fn services(&self) -> impl Iterator<Item = Service> {
        Service::ALL.into_iter().filter(|service| self.instances(*service) > 0)
    }

    /// The hosts of all instances of all services.
    pub fn instance_hosts(&self) -> impl Iterator<Item = String> {
        self.all_ids().map(InstanceId::host)
    }
}
