//! Hosts, time and the schedule of faults, on turmoil.
//!
//! Invariants: faults begin and end only between steps, so every host sees the same faults for a
//! whole step; a host that dies at a code point has no effect on others from there on, and is taken
//! down before the next step.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::ambient::{self, AmbientClock};
use super::net::{Connections, SimNet};
use crate::fault::{Act, Faults};
use crate::record::{About, Cause, Recorder};

/// More bytes on their way than any test needs: turmoil panics when its buffers are full.
const TCP_CAPACITY: usize = 4096;

type BoxResult = Result<(), Box<dyn std::error::Error>>;

/// What a world is made with. Times are simulated milliseconds from the start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Drives latencies and the order of hosts.
    pub seed: u64,
    /// The wall clock at the start.
    pub epoch: Timestamp,
    /// How finely hosts interleave.
    pub tick_ms: u64,
    /// Faults happen until then; hosts that are down start again.
    pub load_ms: u64,
    /// The world is not meant to last longer.
    pub end_ms: u64,
    /// Least and greatest latency of a message between two hosts.
    pub latency_ms: [u64; 2],
}

/// Hosts by name, with what runs on them.
pub struct Cluster {
    sim: turmoil::Sim<'static>,
    ambient: AmbientClock,
    faults: Faults,
    recorder: Recorder,
    connections: Connections,
    /// Begins and ends of faults, the next one last.
    schedule: Vec<Edge>,
    /// Hosts that are down, and when they start again.
    down: BTreeMap<String, u64>,
    stops: BTreeMap<String, Stop>,
    hooks: Option<Arc<dyn FaultHooks>>,
    load_ms: u64,
    tick_ms: u64,
    now_ms: u64,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    at_ms: u64,
    index: usize,
    begins: bool,
}

/// Tells the process on a host to stop; its supervisor takes a new token for the next one.
#[derive(Clone, Default)]
pub struct Stop(std::sync::Arc<std::sync::Mutex<CancellationToken>>);

impl Stop {
    /// The token of a process that starts now.
    pub fn renew(&self) -> CancellationToken {
        let mut token = self.0.lock().expect("no holder of this lock panics");
        *token = CancellationToken::new();
        token.clone()
    }

    fn fire(&self) {
        self.0.lock().expect("no holder of this lock panics").cancel();
    }
}

/// Told of faults and deaths between steps, when no host runs. Faults go by their index.
pub trait FaultHooks {
    /// A fault begins; hosts that it takes down are down.
    fn begins(&self, index: usize);
    fn ends(&self, index: usize);
    /// The process of a host is dead, of which fault; answers what else was lost by that.
    fn dies(&self, host: &str, index: usize) -> u64;
}

impl Cluster {
    pub fn new(settings: &Settings, faults: &Faults, recorder: &Recorder) -> Cluster {
        let epoch_ms = u64::try_from(settings.epoch.as_millisecond()).unwrap_or(0);
        let epoch = Duration::from_millis(epoch_ms);
        let ambient = AmbientClock::begin(epoch, faults);
        let [least, greatest] = settings.latency_ms;
        let sim = turmoil::Builder::new()
            .epoch(SystemTime::UNIX_EPOCH + epoch)
            .simulation_duration(Duration::from_millis(settings.end_ms * 2))
            .tick_duration(Duration::from_millis(settings.tick_ms))
            .min_message_latency(Duration::from_millis(least))
            .max_message_latency(Duration::from_millis(greatest))
            .tcp_capacity(TCP_CAPACITY)
            .enable_random_order()
            .rng_seed(settings.seed)
            .build();
        Cluster {
            sim,
            ambient,
            faults: faults.clone(),
            recorder: recorder.clone(),
            connections: Connections::default(),
            schedule: schedule(faults, settings.load_ms),
            down: BTreeMap::new(),
            stops: BTreeMap::new(),
            hooks: None,
            load_ms: settings.load_ms,
            tick_ms: settings.tick_ms,
            now_ms: 0,
        }
    }

    /// The network as `host` sees it.
    pub fn net(&self, host: &str) -> SimNet {
        SimNet::new(host, &self.faults, &self.connections)
    }

    /// Tells of faults and deaths from now on.
    pub fn hook(&mut self, hooks: Arc<dyn FaultHooks>) {
        self.hooks = Some(hooks);
    }

    /// Adds a host whose software `start` makes, again after every death. The software takes a
    /// token from `stop` to learn that it should end.
    pub fn host<F>(&mut self, name: &str, stop: Stop, start: impl Fn() -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        self.stops.insert(name.to_owned(), stop);
        let host = name.to_owned();
        self.sim.host(name, move || {
            ambient::settle(&host);
            let software = start();
            async move {
                software.await;
                BoxResult::Ok(())
            }
        });
    }

    /// Bounds the latency between two hosts.
    pub fn limit_latency(&self, one: &str, other: &str, greatest_ms: u64) {
        let greatest = Duration::from_millis(greatest_ms);
        self.sim.set_link_max_message_latency(one, other, greatest);
    }

    /// Adds a host that runs `work` once.
    pub fn client(&mut self, name: &str, work: impl Future<Output = ()> + 'static) {
        let host = name.to_owned();
        self.sim.client(name, async move {
            ambient::settle(&host);
            work.await;
            BoxResult::Ok(())
        });
    }

    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Goes on until `until_ms` or until `done`.
    pub fn run(&mut self, until_ms: u64, mut done: impl FnMut() -> bool) -> BoxResult {
        while self.now_ms < until_ms && !done() {
            self.take_down_the_dying();
            self.turn_edges();
            self.restart();
            self.sim.step()?;
            self.now_ms += self.tick_ms;
            let now = Duration::from_millis(self.now_ms);
            self.recorder.set_now(now);
            self.ambient.set(now);
        }
        Ok(())
    }

    fn turn_edges(&mut self) {
        while let Some(edge) = self.schedule.pop_if(|edge| edge.at_ms <= self.now_ms) {
            match edge.begins {
                true => self.begin(edge.index),
                false => self.end(edge.index),
            }
        }
    }

    fn begin(&mut self, index: usize) {
        self.faults.start(index);
        let fault = self.faults.all()[index].clone();
        for act in &fault.acts {
            match act {
                Act::Kill { host, .. } => self.take_down(host, index, fault.for_ms),
                Act::Stop { host } if !self.down.contains_key(host) => {
                    self.faults.hit(index, 1);
                    self.stops[host].fire();
                }
                Act::Reset { from, to } => {
                    let hit = self.connections.reset(from, to);
                    self.faults.hit(index, hit);
                }
                _ => {}
            }
        }
        if let Some(hooks) = &self.hooks {
            hooks.begins(index);
        }
    }

    fn end(&mut self, index: usize) {
        self.faults.end(index);
        for act in &self.faults.all()[index].acts {
            if let Act::ResetAtEnd { from, to } = act {
                let hit = self.connections.reset(from, to);
                self.faults.hit(index, hit);
            }
        }
        if let Some(hooks) = &self.hooks {
            hooks.ends(index);
        }
    }

    fn take_down_the_dying(&mut self) {
        for (host, index) in self.faults.dying() {
            let for_ms = self.faults.all()[index].for_ms;
            self.take_down(&host, index, for_ms);
            self.faults.buried(&host);
        }
    }

    fn take_down(&mut self, host: &str, index: usize, for_ms: u64) {
        let until = (self.now_ms + for_ms).min(self.load_ms);
        let until = self.down.get(host).map_or(until, |known| until.max(*known));
        if self.down.insert(host.to_owned(), until).is_none() {
            // Destructors run when turmoil drops the host's runtime: nothing of theirs may be seen.
            self.faults.die(host, index);
            self.recorder.note(host, format_args!("dies"), || {
                let about = About::new("death").with("fault", index).text("dies");
                about.because(self.faults.begun(index).map(Cause::Event))
            });
            let acts = self.faults.all()[index].acts.iter();
            let mut counted = false;
            for act in acts {
                match act {
                    Act::PowerCut { host: of, .. } if of == host => {
                        counted = true;
                        self.connections.silence(host);
                    }
                    Act::Kill { host: of, counted: is_hit } if of == host => counted = *is_hit,
                    _ => {}
                }
            }
            self.sim.crash(host);
            self.faults.buried(host);
            let lost = self.hooks.as_ref().map_or(0, |hooks| hooks.dies(host, index));
            self.faults.hit(index, u64::from(counted) + lost);
        }
    }

    fn restart(&mut self) {
        let now = self.now_ms;
        let due = self.down.iter().filter(|(_, until)| **until <= now);
        let due: Vec<_> = due.map(|(host, _)| host.clone()).collect();
        for host in due {
            self.down.remove(&host);
            let about = || About::new("boot").text("starts again");
            self.recorder.note(&host, format_args!("starts again"), about);
            self.connections.end_silence(&host);
            self.sim.bounce(host);
        }
    }
}

/// Edges in order of time, the first one last.
fn schedule(faults: &Faults, load_ms: u64) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (index, fault) in faults.all().iter().enumerate() {
        let begin = Edge { at_ms: fault.at_ms, index, begins: true };
        let end_ms = if fault.is_armed() { load_ms } else { fault.at_ms + fault.for_ms };
        let end = Edge { at_ms: end_ms, index, begins: false };
        edges.extend([begin, end]);
    }
    edges.sort_by_key(|edge| (edge.at_ms, !edge.begins, edge.index));
    edges.reverse();
    edges
}
