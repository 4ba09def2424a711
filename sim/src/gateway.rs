//! A gateway on a simulated host: the same start-up as in production, in front of all instances of
//! configstore.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_core::error::{BoxError, Chain};
use drydock_core::net::Net;
use drydock_http::server::HttpSettings;
use drydock_runtime::{StatelessSettings, start_stateless};
use secrecy::SecretString;

use crate::plan::{gateway_name, instance_name};
use crate::runner::Shared;
use crate::service;
use crate::workload::PORT;
use crate::world::{SimNet, Stop};

/// Where every gateway listens.
pub const GATEWAY_PORT: u16 = 8000;
/// How long a supervisor waits before it starts a process again.
const RESTART: Duration = Duration::from_millis(200);

/// What operators present.
pub fn admin_token() -> SecretString {
    SecretString::from("simulated-admin-token")
}

/// One gateway, dead or alive.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
    number: usize,
    net: SimNet,
    stop: Stop,
    starts: Arc<Mutex<u64>>,
}

impl Gateway {
    pub fn new(shared: &Arc<Shared>, number: usize, net: SimNet, stop: Stop) -> Gateway {
        Gateway { shared: shared.clone(), number, net, stop, starts: Arc::default() }
    }

    /// Runs the process, again and again.
    pub async fn supervise(self) {
        let host = gateway_name(self.number);
        loop {
            let start = self.next_start();
            if start > 1 {
                self.shared.witness.gateway_restarted();
            }
            self.shared.recorder.event(&host, format_args!("starts for the {start}. time"));
            match self.process(&format!("{host}/{start}")).await {
                Ok(()) => self.shared.recorder.event(&host, format_args!("stopped")),
                Err(error) => {
                    let text = Chain(&*error).to_string();
                    self.shared.recorder.event(&host, format_args!("failed: {text}"))
                }
            };
            tokio::time::sleep(RESTART).await;
        }
    }

    async fn process(&self, name: &str) -> Result<(), BoxError> {
        let instances = 1..=self.shared.plan.topology.configstores;
        let settings = drydock_gateway::Settings {
            internal_token: service::token(),
            admin_token: admin_token(),
            configstore: instances.map(|it| format!("{}:{PORT}", instance_name(it))).collect(),
        };
        let runtime =
            StatelessSettings { internal_token: service::token(), http: HttpSettings::default() };
        let env = self.shared.env(name, None);
        let listener = self.net.listen(&format!("0.0.0.0:{GATEWAY_PORT}")).await?;
        let gateway = drydock_gateway::Gateway::new(settings, Arc::new(self.net.clone()));
        start_stateless(gateway, runtime, env, listener, self.stop.renew()).await;
        Ok(())
    }

    fn next_start(&self) -> u64 {
        let mut starts = self.starts.lock().expect("no holder of this lock panics");
        *starts += 1;
        *starts
    }
}
