use serde::{Deserialize, Serialize};

use super::Topology;

/// A service that keeps its state in a store of its own. Stores share the coordination store and
/// the object store of a run, where each has its name in its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Service {
    /// In plans, the number of its instances is called `configstores`.
    #[serde(rename = "configstores")]
    Configstore,
}

impl Service {
    pub const ALL: [Service; 1] = [Service::Configstore];

    /// Its name in keys.
    pub fn name(self) -> &'static str {
        match self {
            Service::Configstore => "configstore",
        }
    }

    /// Where every instance listens.
    pub fn port(self) -> u16 {
        match self {
            Service::Configstore => 8001,
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

    /// The hosts of all instances of all services.
    pub fn instance_hosts(&self) -> impl Iterator<Item = String> {
        Service::ALL.into_iter().flat_map(|service| {
            (1..=self.instances(service)).map(move |instance| service.host(instance))
        })
    }
}
