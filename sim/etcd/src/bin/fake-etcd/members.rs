//! The members as processes would be: each serves until it is killed.

use std::sync::Arc;

use drydock_sim_control::process::{self, Error, Result, local_address};
use drydock_sim_etcd::authority::Repairing;
use drydock_sim_etcd::{Etcd, Node};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::door::Door;

pub struct Members {
    etcd: Arc<Etcd>,
    members: Mutex<Vec<Member>>,
}

struct Member {
    address: String,
    running: Option<Running>,
}

struct Running {
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

/// The listener of a member, and its address.
pub async fn listen(address: &str) -> Result<(TcpListener, String)> {
    let listener = process::listen(address).await?;
    let address = local_address(&listener)?;
    Ok((listener, address))
}

impl Members {
    pub fn serve(etcd: Arc<Etcd>, listeners: Vec<TcpListener>, addresses: &[String]) -> Members {
        let serving = listeners.into_iter().enumerate().zip(addresses);
        let members = serving.map(|((number, listener), address)| Member {
            address: address.clone(),
            running: Some(Running::start(&etcd, number, listener)),
        });
        let members = Mutex::new(members.collect());
        Members { etcd, members }
    }

    /// Cuts all connections of a member, which then is gone.
    pub async fn kill(&self, number: usize) -> Result<()> {
        let mut members = self.members.lock().await;
        let running = member(&mut members, number)?.running.take();
        let running = running.ok_or_else(|| Error(format!("member {number} does not run")))?;
        self.etcd.change(|cluster, now| cluster.stop(number, now));
        running.end().await;
        Ok(())
    }

    /// Starts a member again, where it was.
    pub async fn start(&self, number: usize) -> Result<()> {
        let mut members = self.members.lock().await;
        let member = member(&mut members, number)?;
        if member.running.is_some() {
            return Err(Error(format!("member {number} runs")));
        }
        let (listener, _) = listen(&member.address).await?;
        self.etcd.change(|cluster, now| cluster.start(number, now));
        member.running = Some(Running::start(&self.etcd, number, listener));
        Ok(())
    }

    /// Cuts all connections of a member, which goes on.
    pub async fn disconnect(&self, number: usize) -> Result<()> {
        let mut members = self.members.lock().await;
        let member = member(&mut members, number)?;
        let running = member.running.take();
        let running = running.ok_or_else(|| Error(format!("member {number} does not run")))?;
        running.end().await;
        let (listener, _) = listen(&member.address).await?;
        member.running = Some(Running::start(&self.etcd, number, listener));
        Ok(())
    }

    /// Cuts all connections of all members.
    pub async fn end(&self) {
        for member in self.members.lock().await.iter_mut() {
            if let Some(running) = member.running.take() {
                running.end().await;
            }
        }
    }
}

fn member(members: &mut [Member], number: usize) -> Result<&mut Member> {
    members.get_mut(number).ok_or_else(|| Error(format!("there is no member {number}")))
}

impl Running {
    fn start(etcd: &Arc<Etcd>, number: usize, listener: TcpListener) -> Running {
        let door = Door::new(listener, etcd.clone(), number);
        let listener = Box::new(Repairing { listener: Box::new(door) });
        let shutdown = CancellationToken::new();
        let node = Node::new(etcd.clone(), number);
        let serving = tokio::spawn(drydock_sim_etcd::serve(listener, node, shutdown.clone()));
        Running { shutdown, serving }
    }

    async fn end(self) {
        self.shutdown.cancel();
        // A panic in there has been told on stderr.
        let _ = self.serving.await;
    }
}
