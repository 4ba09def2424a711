//! Connections of a member: etcd's clients speak HTTP/2, and health checks speak HTTP/1.1.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use drydock_sim_control::server::reply;
use drydock_sim_etcd::net::{Accept, BoxStream};
use drydock_sim_etcd::{Cluster, Etcd};
use etcd_client::AlarmType;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How every connection over HTTP/2 begins.
const HTTP_2: &[u8] = b"PRI ";

/// Hands out the connections of etcd's clients, and answers the others itself.
pub struct Door {
    listener: TcpListener,
    etcd: Arc<Etcd>,
    member: usize,
    /// Of clients of etcd.
    sorted: (mpsc::UnboundedSender<Connection>, mpsc::UnboundedReceiver<Connection>),
    others: JoinSet<()>,
}

type Connection = (TcpStream, String);

impl Door {
    pub fn new(listener: TcpListener, etcd: Arc<Etcd>, member: usize) -> Door {
        Door { listener, etcd, member, sorted: mpsc::unbounded_channel(), others: JoinSet::new() }
    }

    /// Whoever connects and says nothing keeps nobody waiting.
    fn sort(&mut self, stream: TcpStream, peer: String) {
        let (etcd, member, sorted) = (self.etcd.clone(), self.member, self.sorted.0.clone());
        self.others.spawn(async move {
            if speaks_http_2(&stream).await {
                // Whoever would take it has gone.
                let _ = sorted.send((stream, peer));
            } else {
                health(stream, &etcd, member).await;
            }
        });
    }
}

#[async_trait]
impl Accept for Door {
    async fn accept(&mut self) -> io::Result<(BoxStream, String)> {
        loop {
            tokio::select! {
                Some((stream, peer)) = self.sorted.1.recv() => {
                    stream.set_nodelay(true)?;
                    return Ok((Box::new(stream), peer));
                }
                Some(_) = self.others.join_next() => {}
                accepted = self.listener.accept() => {
                    let (stream, peer) = accepted?;
                    self.sort(stream, peer.to_string());
                }
            }
        }
    }
}

/// Looks at the first bytes, and leaves them there.
async fn speaks_http_2(stream: &TcpStream) -> bool {
    let mut first = [0; HTTP_2.len()];
    match stream.peek(&mut first).await {
        Ok(count) => count > 0 && HTTP_2.starts_with(&first[..count]),
        Err(_) => false,
    }
}

async fn health(stream: TcpStream, etcd: &Arc<Etcd>, member: usize) {
    let service = service_fn(|request: http::Request<Incoming>| {
        let answer = answer(request.uri().path(), etcd, member);
        async move { Ok::<_, Infallible>(answer) }
    });
    let io = TokioIo::new(stream);
    let serving = http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service);
    // Whoever broke it off knows.
    let _ = serving.await;
}

fn answer(path: &str, etcd: &Etcd, member: usize) -> Response<Full<Bytes>> {
    match path {
        "/health" => {
            let sick = etcd.look(|cluster, _| sickness(cluster, member));
            let status =
                if sick.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            reply(status, &health_of(sick))
        }
        "/version" => {
            let version = etcd.look(|cluster, _| cluster.config().version.clone());
            reply(StatusCode::OK, &json!({ "etcdserver": version, "etcdcluster": "3.5.0" }))
        }
        _ => reply(StatusCode::NOT_FOUND, &json!({ "error": "there is no such page" })),
    }
}

fn health_of(sick: Option<&'static str>) -> Value {
    json!({ "health": sick.is_none().to_string(), "reason": sick.unwrap_or_default() })
}

/// As etcd words it.
fn sickness(cluster: &Cluster, member: usize) -> Option<&'static str> {
    if cluster.machine().has_alarm(AlarmType::Nospace) {
        Some("ALARM NOSPACE")
    } else if cluster.machine().has_alarm(AlarmType::Corrupt) {
        Some("ALARM CORRUPT")
    } else if !cluster.led(member) {
        Some("RAFT NO LEADER")
    } else {
        None
    }
}
