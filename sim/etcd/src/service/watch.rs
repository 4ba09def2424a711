//! Streams of watchers.
//!
//! A stream is pulled: while its client does not read, nothing is looked up for it, so that it
//! falls behind and gets many revisions at once when it reads again.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use etcd_client::proto::{
    PbEvent, PbWatchRequest, PbWatchRequestUnion, PbWatchResponse, PbWatchService,
};
use futures_util::StreamExt as _;
use tokio::time::Instant;
use tonic::{Request, Response, Status, Streaming};

use super::request::{Answers, wants_leader};
use crate::error::Error;
use crate::faults::{Method, Watching};
use crate::node::Node;
use crate::watchers::{Create, Watchers};

/// Numbers of the filters in etcd's protocol.
const NO_PUTS: i32 = 0;
const NO_DELETES: i32 = 1;

#[tonic::async_trait]
impl PbWatchService for Node {
    type WatchStream = Answers<PbWatchResponse>;

    async fn watch(
        &self,
        request: Request<Streaming<PbWatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let wants_leader = wants_leader(request.metadata());
        if wants_leader && !self.etcd.look(|cluster, _| cluster.led(self.member)) {
            return Err(Error::NoLeader.into());
        }
        let stream = WatchStream {
            node: self.clone(),
            requests: Some(request.into_inner()),
            watchers: Watchers::default(),
            wants_leader,
            notified: Instant::now(),
            lagging: VecDeque::new(),
        };
        let answers = futures_util::stream::try_unfold(stream, |mut stream| async move {
            let answer = stream.next().await?;
            Ok(Some((answer, stream)))
        });
        Ok(Response::new(answers.boxed()))
    }
}

struct WatchStream {
    node: Node,
    /// None after the client has sent its last one: it may still listen.
    requests: Option<Streaming<PbWatchRequest>>,
    watchers: Watchers,
    wants_leader: bool,
    notified: Instant,
    /// What is told later, and when.
    lagging: VecDeque<(Instant, PbWatchResponse)>,
}

impl WatchStream {
    async fn next(&mut self) -> Result<PbWatchResponse, Status> {
        let etcd = Arc::clone(&self.node.etcd);
        let node = self.node.clone();
        let interval = etcd.look(|cluster, _| cluster.config().progress_interval);
        loop {
            let changed = etcd.changed();
            let next = etcd.look(|cluster, _| {
                if !cluster.members()[node.member].running() {
                    return Err(Error::Stopped);
                }
                Ok(self.watchers.next(cluster, node.member))
            });
            let Watching { lag, broken } = node.watching();
            if let Some(error) = broken {
                return Err(error.into());
            }
            if let Some(next) = next? {
                let Some(next) = remembered(next, &node) else { continue };
                if lag.is_zero() && self.lagging.is_empty() {
                    return Ok(next);
                }
                node.lagged();
                let due = Instant::now() + lag;
                let last = self.lagging.back().map_or(due, |(last, _)| *last);
                self.lagging.push_back((due.max(last), next));
                continue;
            }
            let due = self.lagging.front().map(|(due, _)| *due);
            if due.is_some_and(|due| due <= Instant::now())
                && let Some((_, next)) = self.lagging.pop_front()
            {
                return Ok(next);
            }
            let notify = self.notified + interval;
            let (until, then) = match due {
                Some(due) if due < notify => (due, Woken::Changed),
                _ => (notify, Woken::Notify),
            };
            let wait = async {
                tokio::select! {
                    biased;
                    request = read(&mut self.requests) => request,
                    () = changed => Ok(Woken::Changed),
                    () = tokio::time::sleep_until(until) => Ok(then),
                }
            };
            match node.while_led(self.wants_leader, wait).await? {
                Woken::Changed => {}
                Woken::Asked(request) => self.ask(request).await?,
                Woken::Closed => self.requests = None,
                Woken::Notify => {
                    self.notified = Instant::now();
                    etcd.look(|cluster, _| self.watchers.notify_progress(cluster, node.member));
                }
            }
        }
    }

    async fn ask(&mut self, request: PbWatchRequest) -> Result<(), Status> {
        let node = &self.node;
        match request.request_union {
            Some(PbWatchRequestUnion::CreateRequest(asked)) => {
                node.with_faults(Method::Watch, &asked.key, async { Ok(()) }).await?;
                let create = Create {
                    no_puts: asked.filters.contains(&NO_PUTS),
                    no_deletes: asked.filters.contains(&NO_DELETES),
                    key: asked.key,
                    range_end: asked.range_end,
                    start_revision: asked.start_revision,
                    id: asked.watch_id,
                    prev_kv: asked.prev_kv,
                    fragment: asked.fragment,
                    progress_notify: asked.progress_notify,
                };
                let watchers = &mut self.watchers;
                node.etcd.look(|cluster, _| watchers.create(create, cluster, node.member));
            }
            Some(PbWatchRequestUnion::CancelRequest(asked)) => {
                let watchers = &mut self.watchers;
                let id = asked.watch_id;
                node.etcd.look(|cluster, _| watchers.cancel(id, cluster, node.member));
            }
            Some(PbWatchRequestUnion::ProgressRequest(_)) => {
                let watchers = &mut self.watchers;
                node.etcd.look(|cluster, _| watchers.request_progress(cluster, node.member));
            }
            None => {}
        }
        Ok(())
    }
}

/// A response without what its client is not told of; none if nothing else is left.
fn remembered(mut response: PbWatchResponse, node: &Node) -> Option<PbWatchResponse> {
    if response.events.is_empty() {
        return Some(response);
    }
    let forgotten = |event: &PbEvent| event.kv.as_ref().is_some_and(|kv| node.forgets(&kv.key));
    response.events.retain(|event| !forgotten(event));
    (!response.events.is_empty()).then_some(response)
}

enum Woken {
    Changed,
    Asked(PbWatchRequest),
    Closed,
    Notify,
}

async fn read(requests: &mut Option<Streaming<PbWatchRequest>>) -> Result<Woken, Status> {
    match requests {
        Some(requests) => Ok(requests.message().await?.map_or(Woken::Closed, Woken::Asked)),
        None => pending().await,
    }
}
