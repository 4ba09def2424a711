//! A gateway on a simulated host: the same start-up as in production, in front of all instances of
//! configstore.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_core::error::BoxError;
use drydock_core::net::Net;
use drydock_harness::world::Stop;
use drydock_http::server::HttpSettings;
use drydock_runtime::{StatelessSettings, start_stateless};

use crate::plan::Service;
use crate::plan::hosts::{GATEWAY_PORT, gateway_name};
use crate::plan::identity::{admin_token, token};
use crate::product::RunContext;
use crate::storage::seams::HostNet;

/// How long a supervisor waits before it starts a process again.
const RESTART: Duration = Duration::from_millis(200);

/// One gateway, dead or alive.
#[derive(Clone)]
pub struct Gateway {
    context: Arc<RunContext>,
    number: usize,
    net: HostNet,
    stop: Stop,
    starts: Arc<Mutex<u64>>,
}

impl Gateway {
    pub fn new(context: &Arc<RunContext>, number: usize, net: HostNet, stop: Stop) -> Gateway {
        Gateway { context: context.clone(), number, net, stop, starts: Arc::default() }
    }

    /// Runs the process, again and again.
    pub async fn supervise(self) {
        let host = gateway_name(self.number);
        loop {
            let start = self.next_start();
            if start > 1 {
                self.context.revisions.gateway_restarted();
            }
            let started = self.context.starts(&host, start);
            match self.process(&format!("{host}/{start}")).await {
                Ok(()) => self.context.stopped(&host, started),
                Err(error) => self.context.failed(&host, started, &*error),
            }
            tokio::time::sleep(RESTART).await;
        }
    }

    async fn process(&self, name: &str) -> Result<(), BoxError> {
        let mut runservice = self.context.plan.addresses(Service::Runservice);
        if runservice.is_empty() {
            // A gateway has an address to call, and in this world nobody listens there.
            runservice.push("runservice-1:8002".to_owned());
        }
        let settings = drydock_gateway::Settings {
            internal_token: token(),
            admin_token: admin_token(),
            configstore: self.context.plan.addresses(Service::Configstore),
            runservice,
        };
        let runtime = StatelessSettings { internal_token: token(), http: HttpSettings::default() };
        let env = self.context.env(name, None);
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
