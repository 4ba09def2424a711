//! The same steps on [`Memory`] and on the model.

use super::steps::Step;
use super::*;

struct Run {
    memory: Memory,
    clock: Arc<ManualClock>,
    model: Model,
    granted: Vec<LeaseId>,
    watches: Vec<Watching>,
}

struct Watching {
    request: WatchRequest,
    stream: WatchStream,
    /// The first revision not delivered yet.
    next: Revision,
}

impl Run {
    fn lease(&self, LeaseId(n): LeaseId) -> LeaseId {
        self.granted.get(n as usize).copied().unwrap_or(LeaseId(7))
    }

    fn resolve(&self, txn: &mut Txn) {
        for op in txn.then.iter_mut().chain(&mut txn.otherwise) {
            if let Op::Put(Put { lease: Some(id), .. }) = op {
                *id = self.lease(*id);
            }
        }
        for compare in &mut txn.compares {
            if let CompareTarget::Lease(Some(id)) = &mut compare.target {
                *id = self.lease(*id);
            }
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Range(request) => {
                let expected = self.model.range(&request);
                same(self.memory.range(request).await, expected);
            }
            Step::Txn(mut txn) => {
                self.resolve(&mut txn);
                let expected = self.model.txn(&txn);
                same(self.memory.txn(txn).await, expected);
            }
            Step::Compact(revision) => {
                let expected = self.model.compact(revision);
                same(self.memory.compact(revision).await, expected);
            }
            Step::Grant { ttl_s } => {
                let ttl = Duration::from_secs(ttl_s);
                let lease = self.memory.lease_grant(ttl).await.unwrap();
                assert_eq!(lease.ttl, Duration::from_secs(ttl_s.max(2)));
                let held = (ttl_s.max(2), self.model.now_s + ttl_s.max(2));
                assert!(!self.granted.contains(&lease.id));
                self.model.leases.insert(lease.id, held);
                self.granted.push(lease.id);
            }
            Step::KeepAlive(id) => {
                let id = self.lease(id);
                let expected = self.model.keep_alive(id);
                same(self.memory.lease_keep_alive(id).await, expected);
            }
            Step::Revoke(id) => {
                let id = self.lease(id);
                let expected = self.model.revoke(id);
                same(self.memory.lease_revoke(id).await, expected);
            }
            Step::Advance { by_s } => {
                self.clock.advance(Duration::from_secs(by_s));
                self.memory.expire_leases();
                self.model.advance(by_s);
            }
            Step::Watch(request) => self.watch(request).await,
        }
        self.drain();
        let newest = self.model.newest();
        let all = self.model.at(newest).values().cloned().collect();
        assert_eq!(self.memory.dump(), (newest, all));
    }

    async fn watch(&mut self, request: WatchRequest) {
        let opened = self.memory.watch(request.clone()).await;
        if request.start == Some(0) {
            return assert!(matches!(opened.err(), Some(Error::Invalid { .. })));
        }
        let mut stream = opened.unwrap();
        let next = request.start.unwrap_or(self.model.newest() + 1);
        if next < self.model.compacted {
            let first = stream.next().now_or_never().expect("at once");
            let oldest = self.model.compacted;
            same(first.expect("an error"), Err(Error::Compacted { oldest }));
            return assert!(stream.next().now_or_never().expect("at once").is_none());
        }
        self.watches.push(Watching { request, stream, next });
    }

    /// Every watch has exactly the differences of the snapshots since it was looked at last.
    fn drain(&mut self) {
        for watching in &mut self.watches {
            let mut delivered = Vec::new();
            while let Some(batch) = watching.stream.next().now_or_never() {
                delivered.extend(batch.expect("no end").expect("no error").events);
            }
            delivered.sort_by_key(|event| (event.kv.mod_revision, event.kv.key.clone()));
            let newest = self.model.newest();
            let revisions = watching.next..=newest;
            let expected = revisions.flat_map(|revision| {
                let mut events = self.model.events(revision, &watching.request);
                if revision == self.model.compacted {
                    events.iter_mut().for_each(|event| event.prev = None);
                }
                events
            });
            assert_eq!(delivered, expected.collect::<Vec<_>>());
            watching.next = watching.next.max(newest + 1);
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(actual: Result<T>, expected: Result<T>) {
    match (actual, expected) {
        (Ok(actual), Ok(expected)) => assert_eq!(actual, expected),
        (Err(actual), Err(expected)) => {
            let (actual, expected) = (kind(actual), kind(expected));
            assert_eq!(format!("{actual:?}"), format!("{expected:?}"));
        }
        (actual, expected) => panic!("got {actual:?}, expected {expected:?}"),
    }
}

/// Takes every step on both sides, which must agree after each.
pub(super) fn run(steps: Vec<Step>) {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let mut run = Run {
        memory: Memory::with_history(Arc::clone(&clock) as Arc<dyn Clock>),
        clock,
        model: Model {
            snapshots: vec![Snapshot::new()],
            compacted: 0,
            leases: BTreeMap::new(),
            now_s: 0,
        },
        granted: vec![],
        watches: vec![],
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        for step in steps {
            run.step(step).await;
        }
    });
    let everything = WatchRequest::new(KeyRange::prefix("")).prev_kv();
    let mut history = run.memory.history();
    history.sort_by_key(|event| (event.kv.mod_revision, event.kv.key.clone()));
    let revisions = 1..=run.model.newest();
    let expected = revisions.flat_map(|revision| run.model.events(revision, &everything));
    assert_eq!(history, expected.collect::<Vec<_>>());
}
