//! Hosts: each has a runtime of its own, with a clock that stands still until it is moved.
//!
//! Time goes on in steps. In each of them those hosts run, one after the other in an order that is
//! drawn, which have mail or were woken by somebody else; all others only look after their timers,
//! every [`SLICE`]. So an idle host costs next to nothing, and messages still go to and fro as
//! finely as steps are.
//!
//! Invariants: a host is never further behind than a slice, and never ahead of the step; when it
//! gets mail, and when a fault begins or ends, it is not behind at all.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use drydock_core::env::{Rng, RngTree};
use rand::RngExt;
use rand::seq::SliceRandom;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime, RngSeed, UnhandledPanic};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::ambient;
use super::links::{Links, Parcel};

/// How far a host may be behind to which nothing happens.
const SLICE: Duration = Duration::from_millis(10);

pub type Work = Pin<Box<dyn Future<Output = ()>>>;
/// Makes what runs on a host; again after every death.
pub type Software = Box<dyn Fn() -> Work>;

pub struct Hosts {
    hosts: Vec<Host>,
    by_name: BTreeMap<String, usize>,
    links: Links,
    rng: Rng,
    tick: Duration,
    now: Duration,
}

struct Host {
    /// None: it runs once.
    software: Option<Software>,
    /// None: it is down, or has nothing to do any more.
    process: Option<Process>,
}

struct Process {
    runtime: LocalRuntime,
    work: JoinHandle<()>,
    began: Began,
    ran_until: Duration,
}

/// What a host's clock showed, and when.
#[derive(Clone, Copy)]
struct Began {
    clock: Instant,
    at: Duration,
}

thread_local! {
    static RUNNING: Cell<Option<Began>> = const { Cell::new(None) };
}

/// The time of the host that is running; `None` between hosts.
pub fn host_elapsed() -> Option<Duration> {
    RUNNING.get().map(|began| began.at + began.clock.elapsed())
}

impl Hosts {
    pub fn new(links: Links, rng: &RngTree, tick: Duration) -> Hosts {
        Hosts {
            hosts: Vec::new(),
            by_name: BTreeMap::new(),
            links,
            rng: rng.stream("hosts"),
            tick,
            now: Duration::ZERO,
        }
    }

    /// Adds a host, and starts it.
    pub fn add(&mut self, name: &str, software: Software) {
        let work = software();
        self.insert(name, Some(software), work);
    }

    /// Adds a host that does this, and is gone then.
    pub fn add_once(&mut self, name: &str, work: Work) {
        self.insert(name, None, work);
    }

    fn insert(&mut self, name: &str, software: Option<Software>, work: Work) {
        self.by_name.insert(name.to_owned(), self.hosts.len());
        let seed: [u8; 32] = self.rng.random();
        let process = Some(Process::start(name, work, &seed, self.now));
        self.hosts.push(Host { software, process });
    }

    /// Starts the software of a host that is down.
    pub fn start(&mut self, name: &str) {
        let seed: [u8; 32] = self.rng.random();
        let now = self.now;
        let host = self.find(name);
        if let Some(software) = &host.software {
            host.process = Some(Process::start(name, software(), &seed, now));
        }
    }

    /// The process of a host ends: its memory is gone, its connections are.
    pub fn kill(&mut self, name: &str) {
        self.find(name).process = None;
    }

    fn find(&mut self, name: &str) -> &mut Host {
        let index = self.by_name.get(name).expect("only hosts that were added are named");
        &mut self.hosts[*index]
    }

    /// Lets nobody be behind.
    pub fn catch_up(&mut self) {
        self.hosts.iter_mut().for_each(|host| host.run(self.now));
    }

    pub fn step(&mut self) {
        let until = self.now + self.tick;
        let mut mail = self.sort(self.links.due(self.now));
        let mut running: Vec<usize> = (0..self.hosts.len()).collect();
        running.retain(|index| !mail[*index].is_empty() || self.hosts[*index].must_run(until));
        running.shuffle(&mut self.rng);
        for index in running {
            let host = &mut self.hosts[index];
            let parcels = std::mem::take(&mut mail[index]);
            if !parcels.is_empty() {
                host.run(self.now);
                parcels.into_iter().for_each(|parcel| self.links.deliver(parcel));
            }
            host.run(until);
        }
        self.now = until;
    }

    /// By the host that it is for.
    fn sort(&self, parcels: Vec<Parcel>) -> Vec<Vec<Parcel>> {
        let mut mail: Vec<Vec<Parcel>> = self.hosts.iter().map(|_| Vec::new()).collect();
        for parcel in parcels {
            match self.by_name.get(parcel.to()) {
                Some(index) => mail[*index].push(parcel),
                None => self.links.deliver(parcel),
            }
        }
        mail
    }
}

impl Host {
    /// Somebody has woken one of its tasks, or its timers are due for a look.
    fn must_run(&self, until: Duration) -> bool {
        self.process.as_ref().is_some_and(|process| {
            let woken = process.runtime.metrics().global_queue_depth() > 0;
            woken || process.ran_until + SLICE <= until
        })
    }

    fn run(&mut self, until: Duration) {
        let Some(process) = &mut self.process else { return };
        process.run(until);
        if process.work.is_finished() {
            // As when a process ends by itself.
            self.process = None;
        }
    }
}

impl Process {
    fn start(name: &str, work: Work, seed: &[u8; 32], now: Duration) -> Process {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .rng_seed(RngSeed::from_bytes(seed))
            .unhandled_panic(UnhandledPanic::ShutdownRuntime)
            .build_local(LocalOptions::default())
            .expect("a runtime without I/O needs nothing of the machine");
        let clock = runtime.block_on(async { Instant::now() });
        let host = name.to_owned();
        let work = runtime.spawn_local(async move {
            ambient::settle(&host);
            work.await;
        });
        Process { runtime, work, began: Began { clock, at: now }, ran_until: now }
    }

    /// Lets its clock go on, with all that happens meanwhile.
    fn run(&mut self, until: Duration) {
        if until <= self.ran_until {
            return;
        }
        let Began { clock, at } = self.began;
        let _running = Running::begin(self.began);
        let end = clock + (until - at);
        self.runtime.block_on(async { sleep_until(end).await });
        self.ran_until = until;
    }
}

/// While it lives, a host runs.
struct Running;

impl Running {
    fn begin(began: Began) -> Running {
        RUNNING.set(Some(began));
        Running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(None);
    }
}
