//! The server as a process would be: it serves until it is killed.

use std::sync::Arc;

use drydock_sim_control::process::{Error, Result, listen};
use drydock_sim_s3::{S3, serve};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub struct Host {
    s3: Arc<S3>,
    address: String,
    running: Mutex<Option<Running>>,
}

struct Running {
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Host {
    pub fn new(s3: Arc<S3>, listener: TcpListener, address: String) -> Host {
        let running = Mutex::new(Some(start(&s3, listener)));
        Host { s3, address, running }
    }

    /// Cuts all connections; nobody listens any more.
    pub async fn kill(&self) -> Result<()> {
        let running = self.running.lock().await.take();
        let running = running.ok_or_else(|| Error("the server does not run".to_owned()))?;
        running.end().await;
        Ok(())
    }

    /// Starts the server again, with all that it had stored.
    pub async fn start(&self) -> Result<()> {
        let mut running = self.running.lock().await;
        if running.is_some() {
            return Err(Error("the server runs".to_owned()));
        }
        *running = Some(start(&self.s3, listen(&self.address).await?));
        Ok(())
    }

    /// Not while it is being killed or started.
    pub fn is_running(&self) -> bool {
        self.running.try_lock().is_ok_and(|running| running.is_some())
    }

    /// Takes no more connections, and answers what was asked on those that there are.
    pub async fn finish(&self) {
        if let Some(Running { shutdown, serving }) = self.running.lock().await.take() {
            shutdown.cancel();
            // A panic in there has been told on stderr.
            let _ = serving.await;
        }
    }
}

fn start(s3: &Arc<S3>, listener: TcpListener) -> Running {
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(serve(Box::new(listener), s3.clone(), shutdown.clone()));
    Running { shutdown, serving }
}

impl Running {
    async fn end(self) {
        self.serving.abort();
        // Over when it is dropped, and its connections with it.
        let _ = self.serving.await;
    }
}
