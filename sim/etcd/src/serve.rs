//! Connections: HTTP/2 over whatever streams a listener hands out.
//!
//! Whatever runs for a client ends with the future returned by [`serve`]: dropping it is what the
//! death of a process looks like to clients.

use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::net::{Accept, BoxStream};
use super::node::Node;
use super::service::routes;

/// As often as etcd looks for leases that are over.
const TICK: Duration = Duration::from_millis(500);

/// The pause after an accept error, such as too many open files.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(10);

/// Serves a member until `shutdown`, then cuts all connections.
pub async fn serve(mut listener: Box<dyn Accept>, node: Node, shutdown: CancellationToken) {
    let tasks = Tasks::new();
    let mut connections = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => tick(&node),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let service = TowerToHyperService::new(routes(&node.serving(peer)));
                    connections.spawn(connection(stream, service, tasks.executor.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_BACKOFF).await;
                }
            },
        }
    }
}

fn tick(node: &Node) {
    node.etcd.apply_postponed();
    let due = |cluster: &super::Cluster, now| cluster.due(node.member, now);
    if node.etcd.look(due) {
        node.etcd.change(|cluster, now| cluster.tick(node.member, now));
    }
}

async fn connection(
    stream: BoxStream,
    service: TowerToHyperService<tonic::service::Routes>,
    executor: TaskExecutor,
) {
    let served = http2::Builder::new(executor)
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(None)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection failed");
    }
}

/// What runs for the requests of all connections. Ends when dropped.
struct Tasks {
    executor: TaskExecutor,
    _end: DropGuard,
}

#[derive(Clone)]
struct TaskExecutor {
    end: CancellationToken,
}

impl Tasks {
    fn new() -> Tasks {
        let end = CancellationToken::new();
        Tasks { executor: TaskExecutor { end: end.clone() }, _end: end.drop_guard() }
    }
}

impl<F> Executor<F> for TaskExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, work: F) {
        let end = self.end.clone();
        tokio::spawn(async move {
            // An end in the middle is meant.
            let _ = end.run_until_cancelled(work).await;
        });
    }
}
