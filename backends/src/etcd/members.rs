//! The choice of the member to ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use drydock_core::error::Chain;
use drydock_core::net::SharedNet;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::leader::Leader;
use super::link::Link;
use super::settings::{Endpoint, EtcdError, EtcdSettings};
use crate::connect::tls;

pub struct Members {
    pub settings: EtcdSettings,
    net: SharedNet,
    tls: Option<TlsConnector>,
    members: Vec<Member>,
    /// The index of the member that calls ask.
    asked: AtomicUsize,
    pub(super) leader: Leader,
    /// Whether a member has answered since one was left: while none does, every call leaves them
    /// all, which is not worth a log line each time.
    answered: AtomicBool,
}

struct Member {
    endpoint: Endpoint,
    /// Locked while it is dialled, so that concurrent calls open one connection.
    link: Mutex<Option<Arc<Link>>>,
}

impl Members {
    pub fn new(settings: EtcdSettings, net: SharedNet) -> Result<Members, EtcdError> {
        let endpoints = settings.endpoints.iter().map(|endpoint| Endpoint::parse(endpoint));
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
        if endpoints.is_empty() {
            return Err(EtcdError::NoEndpoint);
        }
        let tls = match endpoints.iter().any(Endpoint::is_secure) {
            true => Some(tls::connector(&settings.tls, &[tls::HTTP_2])?),
            false => None,
        };
        let member = |endpoint| Member { endpoint, link: Mutex::new(None) };
        let members = endpoints.into_iter().map(member).collect();
        Ok(Members {
            settings,
            net,
            tls,
            members,
            asked: AtomicUsize::new(0),
            leader: Leader::default(),
            answered: AtomicBool::new(true),
        })
    }

    pub fn count(&self) -> usize {
        self.members.len()
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub fn endpoint(&self, member: usize) -> &str {
        self.members[member].endpoint.authority.as_str()
    }

    /// A connection to a member, or the reason why there is none in time.
    pub async fn link(&self, member: usize) -> Result<Arc<Link>, String> {
        let limit = self.settings.dial_timeout;
        match tokio::time::timeout(limit, self.open(member)).await {
            Ok(opened) => opened,
            Err(_) => Err(format!("no connection within {} ms", limit.as_millis())),
        }
    }

    async fn open(&self, member: usize) -> Result<Arc<Link>, String> {
        let Member { endpoint, link } = &self.members[member];
        let mut link = link.lock().await;
        if let Some(open) = link.as_ref().filter(|link| link.is_open()) {
            return Ok(Arc::clone(open));
        }
        // Boxed, because the future is large and rarely needed.
        let opening = Link::open(endpoint, &self.settings, &self.net, self.tls.as_ref());
        let opened = Box::pin(opening).await;
        let opened = opened.map_err(|error| Chain(error.as_ref()).to_string())?;
        Ok(Arc::clone(link.insert(Arc::new(opened))))
    }

    /// Makes calls ask this member from now on.
    pub fn ask(&self, member: usize) {
        let from = self.asked.swap(member, Ordering::Relaxed);
        if from != member {
            let (from, to) = (self.endpoint(from), self.endpoint(member));
            tracing::debug!(from, to, "the member of etcd that leads is asked");
        }
    }

    /// Makes calls ask the next member from now on, unless they do already.
    pub fn leave(&self, member: usize, reason: &str) {
        let next = (member + 1) % self.members.len();
        let left = self.asked.compare_exchange(member, next, Ordering::Relaxed, Ordering::Relaxed);
        if left.is_ok() && next != member {
            let (from, to) = (self.endpoint(member), self.endpoint(next));
            if self.answered.swap(false, Ordering::Relaxed) {
                tracing::warn!(from, to, reason, "another member of etcd is asked");
            } else {
                tracing::debug!(from, to, reason, "another member of etcd is asked");
            }
        }
    }
}

/// A call that waits for a member. If its caller gives up by dropping it, the member counts as
/// silent, too: otherwise callers with short time-outs would keep asking a dead one.
pub struct Waiting {
    members: Arc<Members>,
    pub member: usize,
    link: Option<Arc<Link>>,
    since: Option<Instant>,
}

impl Waiting {
    pub fn new(members: &Arc<Members>) -> Waiting {
        let member = members.asked();
        Waiting { members: Arc::clone(members), member, link: None, since: Some(Instant::now()) }
    }

    pub async fn link(&mut self) -> Result<Arc<Link>, String> {
        let link = self.members.link(self.member).await?;
        self.link = Some(Arc::clone(&link));
        Ok(link)
    }

    pub fn answered(&mut self) {
        self.members.answered.store(true, Ordering::Relaxed);
        self.over();
    }

    /// Ends the wait: the member has answered, or cannot be reached.
    pub fn over(&mut self) {
        self.since = None;
    }

    /// The member is silent.
    pub fn silent(&mut self, reason: &str) {
        self.since = None;
        if let Some(link) = &self.link {
            link.cut();
        }
        self.members.leave(self.member, reason);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let long = self.members.settings.call_timeout / 2;
        if self.since.is_some_and(|since| since.elapsed() >= long) {
            self.silent("it was silent until the caller gave up");
        }
    }
}
