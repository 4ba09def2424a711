//! The watchers of one stream: what they are told, and when.
//!
//! Pure. A watcher is a position in the history; telling it something moves the position. One that
//! keeps up gets a response for each revision, one that is behind gets many revisions at once; a
//! revision is never split, unless the client allows fragments.

use std::collections::{BTreeMap, VecDeque};

use etcd_client::proto::{PbEvent, PbKeyValue, PbWatchResponse};
use prost::Message as _;

use super::cluster::{Bug, Cluster};
use super::machine::{Span, event, is_delete};

/// What a response about no watcher in particular, or about none at all, is addressed to.
pub const NO_WATCHER: i64 = -1;

/// What etcd adds to its limit for a request before it fragments a response.
const FRAGMENT_OVERHEAD: usize = 512 * 1024;

/// What a client asks of a new watcher.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Create {
    pub key: Vec<u8>,
    pub range_end: Vec<u8>,
    /// 0: from now on.
    pub start_revision: i64,
    /// 0: the stream chooses one.
    pub id: i64,
    pub prev_kv: bool,
    pub fragment: bool,
    pub progress_notify: bool,
    pub no_puts: bool,
    pub no_deletes: bool,
}

#[derive(Debug, Default)]
pub struct Watchers {
    watchers: BTreeMap<i64, Watcher>,
    next_id: i64,
    outbox: VecDeque<PbWatchResponse>,
}

#[derive(Debug)]
struct Watcher {
    asked: Create,
    span: Span,
    /// The first revision that it has not been told of.
    next: i64,
    /// Has once been told of everything there was.
    caught_up: bool,
    /// Nothing was sent since the last notification of progress.
    quiet: bool,
    /// Was cancelled by a compaction. Its id stays taken until the client cancels it, too.
    compacted: bool,
}

impl Watchers {
    pub fn create(&mut self, mut asked: Create, cluster: &Cluster, member: usize) {
        if asked.key.is_empty() {
            asked.key = vec![0];
        }
        let newest = cluster.applied(member);
        let span = Span::new(&asked.key, &asked.range_end);
        let mut answer = respond(cluster, member, NO_WATCHER, newest);
        answer.created = true;
        if let Some(reason) = self.refusal(&asked, &span) {
            answer.canceled = true;
            answer.cancel_reason = reason.to_owned();
            self.outbox.push_back(answer);
            return;
        }
        let id = self.take_id(asked.id);
        let in_future = asked.start_revision > newest;
        let next = match asked.start_revision {
            0 => newest + 1,
            _ if in_future
                && asked.start_revision > newest + 1
                && cluster.bugs().strikes(Bug::FutureWatchSeesPast) =>
            {
                newest + 1
            }
            start => start,
        };
        let caught_up = next > newest;
        let watcher = Watcher { asked, span, next, caught_up, quiet: true, compacted: false };
        self.watchers.insert(id, watcher);
        answer.watch_id = id;
        self.outbox.push_back(answer);
    }

    /// A watcher that does not exist is not mentioned, as in etcd.
    pub fn cancel(&mut self, id: i64, cluster: &Cluster, member: usize) {
        if self.watchers.remove(&id).is_some() {
            let mut answer = respond(cluster, member, id, cluster.applied(member));
            answer.canceled = true;
            self.outbox.push_back(answer);
        }
    }

    /// Tells how far the watchers are, if all of them have been told of everything. Else nothing is
    /// answered, now or later: neither while one is behind or was cancelled by a compaction, nor on
    /// a stream without watchers.
    pub fn request_progress(&mut self, cluster: &Cluster, member: usize) {
        let ahead = cluster.machine().revision();
        let untold = self.watchers.values().any(|watcher| watcher.next <= ahead);
        if untold && cluster.bugs().strikes(Bug::ProgressAhead) {
            self.outbox.push_front(respond(cluster, member, NO_WATCHER, ahead));
            return;
        }
        self.pump(cluster, member);
        let applied = cluster.applied(member);
        let synced = |watcher: &Watcher| !watcher.compacted && watcher.next > applied;
        if !self.watchers.is_empty() && self.watchers.values().all(synced) {
            self.outbox.push_back(respond(cluster, member, NO_WATCHER, applied));
        }
    }

    /// Tells every watcher that asked for it, and was told nothing since the last time, how far
    /// it is.
    pub fn notify_progress(&mut self, cluster: &Cluster, member: usize) {
        let delivered = cluster.delivered(member);
        for (id, watcher) in &mut self.watchers {
            let synced = !watcher.compacted && watcher.next > delivered;
            if watcher.asked.progress_notify && watcher.quiet && synced {
                self.outbox.push_back(respond(cluster, member, *id, delivered));
            }
            watcher.quiet = true;
        }
    }

    /// The next response to send, if there is one.
    pub fn next(&mut self, cluster: &Cluster, member: usize) -> Option<PbWatchResponse> {
        if self.outbox.is_empty() {
            self.pump(cluster, member);
        }
        self.outbox.pop_front()
    }

    fn refusal(&self, asked: &Create, span: &Span) -> Option<&'static str> {
        if asked.start_revision < 0 {
            Some("etcdserver: mvcc: required revision has been compacted")
        } else if span.is_empty() {
            Some("mvcc: watcher range is empty")
        } else if asked.id != 0 && self.watchers.contains_key(&asked.id) {
            Some("mvcc: duplicate watch ID provided on the WatchStream")
        } else {
            None
        }
    }

    fn take_id(&mut self, wanted: i64) -> i64 {
        if wanted != 0 {
            return wanted;
        }
        while self.watchers.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        self.next_id += 1;
        self.next_id - 1
    }

    fn pump(&mut self, cluster: &Cluster, member: usize) {
        let compacted = cluster.machine().compacted();
        let Watchers { watchers, outbox, .. } = self;
        for (id, watcher) in watchers.iter_mut().filter(|(_, watcher)| !watcher.compacted) {
            if watcher.next < compacted {
                let mut answer = respond(cluster, member, *id, 0);
                answer.canceled = true;
                answer.compact_revision = compacted;
                outbox.push_back(answer);
                watcher.compacted = true;
            } else {
                watcher.pump(*id, cluster, member, outbox);
            }
        }
    }
}

impl Watcher {
    fn pump(
        &mut self,
        id: i64,
        cluster: &Cluster,
        member: usize,
        outbox: &mut VecDeque<PbWatchResponse>,
    ) {
        let last = cluster.delivered(member);
        if self.next > last {
            return;
        }
        let behind = usize::try_from(last - self.next).unwrap_or(usize::MAX);
        let keeps_up = self.caught_up && behind < cluster.config().watch_buffer;
        let fell_behind = self.caught_up && !keeps_up;
        if fell_behind && cluster.bugs().strikes(Bug::WatchBackInTime) {
            self.next = (self.next - 1).max(cluster.machine().compacted()).max(1);
        }
        let batch = if keeps_up { 1 } else { cluster.config().watch_batch };
        let mut revisions = 0;
        let mut events = Vec::new();
        for (revision, changes) in cluster.machine().log(self.next, last) {
            let wanted = changes.iter().filter(|change| self.wants(change));
            let before = events.len();
            events.extend(wanted.map(|change| self.event(change, cluster)));
            revisions += usize::from(events.len() > before);
            if revisions == batch {
                let told = if keeps_up { revision } else { last };
                self.send(id, cluster, member, told, std::mem::take(&mut events), outbox);
                revisions = 0;
                if !keeps_up && revision < last && cluster.bugs().strikes(Bug::LostEvent) {
                    break;
                }
            }
        }
        if !events.is_empty() {
            self.send(id, cluster, member, last, events, outbox);
        }
        self.next = last + 1;
        self.caught_up = true;
    }

    fn wants(&self, change: &PbKeyValue) -> bool {
        let filtered = if is_delete(change) { self.asked.no_deletes } else { self.asked.no_puts };
        !filtered && self.span.contains(&change.key)
    }

    fn event(&self, change: &PbKeyValue, cluster: &Cluster) -> PbEvent {
        let mut event = event(change);
        let created = !is_delete(change) && change.create_revision == change.mod_revision;
        if self.asked.prev_kv && !created {
            let prev = cluster.machine().value_at(&change.key, change.mod_revision - 1);
            event.prev_kv = prev.cloned();
        }
        event
    }

    fn send(
        &mut self,
        id: i64,
        cluster: &Cluster,
        member: usize,
        revision: i64,
        events: Vec<PbEvent>,
        outbox: &mut VecDeque<PbWatchResponse>,
    ) {
        self.quiet = false;
        let whole = PbWatchResponse { events, ..respond(cluster, member, id, revision) };
        if self.asked.fragment {
            let limit = cluster.config().limits.request_bytes + FRAGMENT_OVERHEAD;
            fragment(whole, limit, outbox);
        } else {
            outbox.push_back(whole);
        }
    }
}

/// Splits a response between events, as long as it is larger than the limit.
fn fragment(whole: PbWatchResponse, limit: usize, outbox: &mut VecDeque<PbWatchResponse>) {
    if whole.encoded_len() < limit || whole.events.len() < 2 {
        outbox.push_back(whole);
        return;
    }
    let empty = PbWatchResponse { events: Vec::new(), fragment: true, ..whole.clone() };
    let mut part = empty.clone();
    let mut size = part.encoded_len();
    for event in whole.events {
        size += event.encoded_len();
        if size >= limit && !part.events.is_empty() {
            size = empty.encoded_len() + event.encoded_len();
            outbox.push_back(std::mem::replace(&mut part, empty.clone()));
        }
        part.events.push(event);
    }
    part.fragment = false;
    outbox.push_back(part);
}

fn respond(cluster: &Cluster, member: usize, watch_id: i64, revision: i64) -> PbWatchResponse {
    let header = Some(cluster.header(member, revision));
    PbWatchResponse { header, watch_id, ..Default::default() }
}
