//! The process of an executor.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drydock_api::runservice::types::ClaimId;
use drydock_core::env::Env;
use drydock_core::error::Kind;
use drydock_harness::world::Stop;

use super::disks::Disks;
use super::journal::Journal;
use super::machine::Machine;
use crate::history::{Answer, Call, Reply, RunsCall, Server, Token};
use crate::plan::hosts::executor_name;
use crate::plan::{ExecutorPlan, InstanceId};
use crate::product::{PlannedPoints, RunContext};
use crate::workload::Session;

/// How long a supervisor waits before it starts the process again.
const RESTART: Duration = Duration::from_millis(200);
/// Between two attempts to be registered.
const REGISTER_MS: u64 = 300;

/// Makes the session of a process by the name of its random numbers.
pub type Sessions = Arc<dyn Fn(&str) -> Session + Send + Sync>;

/// One executor, dead or alive.
#[derive(Clone)]
pub struct Executor {
    context: Arc<RunContext>,
    number: usize,
    sessions: Sessions,
    stop: Stop,
    journal: Journal,
    machine: Machine,
    starts: Arc<Mutex<u64>>,
}

/// One process of it.
pub(super) struct Agent {
    pub session: Session,
    pub plan: ExecutorPlan,
    pub journal: Journal,
    pub machine: Machine,
    pub env: Env,
    pub number: usize,
    runservices: usize,
    /// The instance that is asked, from 1.
    preferred: Mutex<usize>,
}

/// The process has to end.
pub(super) struct Ended;

impl Executor {
    pub fn new(
        context: &Arc<RunContext>,
        number: usize,
        machine: &Machine,
        stop: Stop,
        sessions: Sessions,
    ) -> Executor {
        let (context, machine) = (context.clone(), machine.clone());
        let (journal, starts) = (Journal::default(), Arc::default());
        Executor { context, number, sessions, stop, journal, machine, starts }
    }

    /// Shows its disk to somebody who stands beside it.
    pub fn add_to(&self, disks: &Disks) {
        disks.add(&executor_name(self.number), &self.journal, &self.machine);
    }

    /// Runs the process, again and again.
    pub async fn supervise(self) {
        let host = executor_name(self.number);
        loop {
            let start = self.next_start();
            let started = self.context.starts(&host, start);
            let stop = self.stop.renew();
            let agent = self.agent(&host, start);
            stop.run_until_cancelled(agent.run()).await;
            self.context.stopped(&host, started);
            tokio::time::sleep(RESTART).await;
        }
    }

    fn agent(&self, host: &str, start: u64) -> Agent {
        let name = format!("{host}/{start}");
        let points = PlannedPoints {
            host: host.to_owned(),
            faults: self.context.faults.clone(),
            recorder: self.context.recorder.clone(),
            passed: self.context.points.clone(),
        };
        let runservices = self.context.plan.topology.runservices();
        Agent {
            session: (self.sessions)(&name),
            plan: self.context.plan.runs.executor(self.number),
            journal: self.journal.clone(),
            machine: self.machine.clone(),
            env: self.context.env(&name, Some(host)).with_faults(Arc::new(points)),
            number: self.number,
            runservices,
            preferred: Mutex::new((self.number + start as usize) % runservices + 1),
        }
    }

    fn next_start(&self) -> u64 {
        let mut starts = self.starts.lock().expect("no holder of this lock panics");
        *starts += 1;
        *starts
    }
}

impl Agent {
    async fn run(self) {
        self.tidy();
        loop {
            let token = self.register().await;
            // The number of the session is on disk before anybody is told of it.
            let session = self.journal.begin();
            tokio::select! {
                biased;
                Ended = self.beats(&token, session) => {}
                Ended = self.claims(&token, session) => {}
                Ended = self.ends(&token) => {}
                Ended = self.ships(&token) => {}
            }
            if self.journal.token().is_some() {
                return;
            }
        }
    }

    /// Removes what is left of attempts that the journal does not name any more.
    fn tidy(&self) {
        let held = self.journal.attempts();
        let left = self.machine.list().into_iter().filter(|attempt| !held.contains_key(attempt));
        left.for_each(|attempt| self.machine.remove(attempt));
    }

    /// The token of the registration, which an operator makes if there is none.
    async fn register(&self) -> Token {
        loop {
            if let Some(token) = self.journal.token() {
                return token;
            }
            let nth = self.journal.registration();
            let name = format!("{}-{nth}", executor_name(self.number));
            let labels = self.plan.labels.iter().cloned().collect();
            let key = EXECUTOR_KEYS + self.number as u64 * 1_000 + nth;
            match self.ask(RunsCall::Register { name, labels, key }).await {
                Answer::Ok(Reply::Token(token)) => self.journal.install(token),
                _ => self.session.sleep_ms(REGISTER_MS).await,
            }
        }
    }

    /// Asks the instance that answered last, and another one the next time if it fails.
    pub async fn ask(&self, call: RunsCall) -> Answer {
        // An executor that stands still asks nothing.
        let number = self.preferred();
        let server = Server::Instance(InstanceId::runservice(number));
        let answer = self.session.ask(server, Call::Runs(call)).await;
        let failed = match &answer {
            Answer::NotSent(_) | Answer::Unknown(_) => true,
            Answer::Refused { kind, .. } => {
                matches!(kind, Kind::Unavailable | Kind::Timeout | Kind::Internal)
            }
            Answer::Ok(_) => false,
        };
        if failed {
            let mut preferred = self.preferred.lock().expect("no holder of this lock panics");
            *preferred = number % self.runservices + 1;
        }
        answer
    }

    /// The instance that is asked next.
    pub fn preferred(&self) -> usize {
        *self.preferred.lock().expect("no holder of this lock panics")
    }

    pub fn new_claim(&self) -> ClaimId {
        ClaimId(self.env.new_id())
    }

    /// Passes a named point, at which the plan may kill or hold the process.
    pub async fn point(&self, name: &'static str) {
        // What fails here is noted, and goes on: every change is on disk already.
        let _ = self.env.point(name).await;
    }
}

/// The idempotency keys of registrations begin there.
const EXECUTOR_KEYS: u64 = 9_000_000_000;
