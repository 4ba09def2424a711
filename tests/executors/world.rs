//! A runservice with two instances, and one executor that can be killed and started again.

use std::sync::Arc;

use drydock_api::runservice::client::ExecutorClient;
use drydock_api::runservice::types::{AttemptId, ClaimId, Claimed, Heartbeat, HeldState, NewClaim};
use drydock_core::context::Context;
use drydock_core::env::{Env, RngTree};
use drydock_core::net::Net;
use drydock_executor::journal::{Held, MemoryJournal, Record, Records};
use drydock_executor::protocol::{
    Ended, Executor, ExecutorError, Parts, ProtocolSettings, Shutdown,
};
use drydock_http::client::Client;
use drydock_runservice::Runservice;
use drydock_tests::app::{TestApp, settings};
use drydock_tests::client::Request;
use drydock_tests::run::{run, until};
use futures_util::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::bad_net::BadNet;
use crate::machine::{Machine, exit};

pub const PROJECT: &str = "01900000-0000-7000-8000-000000000001";

pub struct World {
    pub app: TestApp,
    pub machine: Machine,
    pub journal: MemoryJournal,
    pub settings: ProtocolSettings,
    /// The network of claims and reports.
    pub net: BadNet,
    /// The network of logs.
    pub log_net: BadNet,
    /// The network of archives.
    pub archive_net: BadNet,
    pub token: String,
    starts: u64,
}

/// An executor's process.
pub struct Process {
    pub shutdown: Shutdown,
    running: JoinHandle<Result<Ended, ExecutorError>>,
}

/// Runs a test with a service that is ready, and an executor that is registered.
pub fn with_world(test: impl AsyncFnOnce(World)) {
    run(async {
        let mut app = TestApp::new();
        app.add_service(Runservice::default(), settings()).await;
        app.add_service(Runservice::default(), settings()).await;
        app.ready().await;
        let new = Request::post("/api/v1/executors").json(&json!({ "name": "linux" }));
        let token = app.send(new).await.expect(201).field("token");
        let [net, log_net, archive_net] = [(); 3].map(|()| BadNet::new(app.net()));
        test(World {
            app,
            machine: Machine::default(),
            journal: MemoryJournal::default(),
            settings: ProtocolSettings::default(),
            net,
            log_net,
            archive_net,
            token,
            starts: 0,
        })
        .await;
    });
}

/// One task of one step.
pub fn one_step() -> Value {
    json!({ "build": { "steps": [{ "run": { "command": "make" } }] } })
}

impl World {
    fn client(&self, net: Arc<dyn Net>) -> ExecutorClient {
        let servers = ["runservice-1:8001", "runservice-2:8001"].map(str::to_owned).to_vec();
        let token = SecretString::from(self.token.clone());
        ExecutorClient::new(Client::of_any(net, servers).with_token(token))
    }

    /// A client with which a test plays the executor.
    pub fn own(&self) -> ExecutorClient {
        self.client(Arc::new(self.app.net().clone()))
    }

    /// Starts the executor.
    pub fn start(&mut self) -> Process {
        self.starts += 1;
        let seeds = RngTree::from_seed(7).child(&format!("start {}", self.starts));
        let executor = Executor::new(Parts {
            env: Env::new(self.app.clock(), seeds),
            settings: self.settings.clone(),
            client: self.client(Arc::new(self.net.clone())),
            heartbeat_client: self.own(),
            log_client: self.client(Arc::new(self.log_net.clone())),
            archive_client: self.client(Arc::new(self.archive_net.clone())),
            driver: self.machine.clone(),
            journal: self.journal.clone(),
        });
        let shutdown = Shutdown::default();
        let running = tokio::spawn(executor.unwrap().run(shutdown.clone()));
        Process { shutdown, running }
    }

    /// Starts an executor with a task of one step: its run, the executor, and the attempt, which
    /// runs.
    pub async fn begun(&mut self) -> (String, Process, String) {
        let run = self.create(one_step()).await;
        let executor = self.start();
        let attempt = self.started(1).await;
        (run, executor, attempt)
    }

    pub fn held(&self) -> Held {
        self.journal.held()
    }

    pub fn write(&mut self, record: Record) {
        self.journal.append(record).unwrap();
    }

    /// Creates a run, and returns its path.
    pub async fn create(&self, tasks: Value) -> String {
        let new = json!({ "project": PROJECT, "name": "main", "tasks": tasks });
        let made = self.app.send(Request::post("/api/v1/runs").json(&new)).await.expect(201);
        format!("/api/v1/runs/{}", made.field("id"))
    }

    pub async fn run(&self, path: &str) -> Value {
        self.app.get(path).await.expect(200).json()
    }

    /// The one task of a run.
    pub async fn task(&self, path: &str) -> Value {
        let run = self.run(path).await;
        run["tasks"].as_object().unwrap().values().next().unwrap().clone()
    }

    /// The task of a run with this name.
    pub async fn task_named(&self, path: &str, name: &str) -> Value {
        let run = self.run(path).await;
        let mut tasks = run["tasks"].as_object().unwrap().values();
        tasks.find(|task| task["name"] == name).unwrap().clone()
    }

    /// The objects of archives in object storage.
    pub async fn archives(&self) -> Vec<Path> {
        let listed: Vec<_> = self.app.objects.list(None).try_collect().await.unwrap();
        let keys = listed.into_iter().map(|meta| meta.location);
        keys.filter(|key| key.as_ref().contains("/archives/")).collect()
    }

    /// Waits until the run has this result.
    pub async fn result(&self, path: &str, result: &str) {
        until(async || self.run(path).await["phase"] == "finished").await;
        assert_eq!(self.run(path).await["result"], result);
    }

    /// Waits until so many attempts were started, and returns the last one.
    pub async fn started(&self, count: usize) -> String {
        until(async || self.machine.ledger().len() >= count).await;
        let ledger = self.machine.ledger();
        assert_eq!(ledger.len(), count, "{ledger:?}");
        ledger[count - 1].clone()
    }

    /// Plays the executor in its first session: what it had asked for when it died.
    pub async fn claimed_before(&mut self, claim: ClaimId) -> Claimed {
        self.write(Record::Session { number: 1 });
        let ctx = Context::background();
        let beat = Heartbeat {
            session: 1,
            labels: Default::default(),
            arch: None,
            limit: 1,
            held: Vec::new(),
            asked: Default::default(),
            forgotten: Default::default(),
        };
        self.own().heartbeat(&ctx, &beat).await.unwrap();
        let claim = NewClaim { claim, session: 1 };
        self.own().claim(&ctx, &claim, None).await.unwrap().expect("there is a task")
    }

    /// As [`claimed_before`](Self::claimed_before), with what the journal of that session says of
    /// the attempt that it got: it has come as far as this.
    pub async fn held_before(&mut self, state: HeldState) -> AttemptId {
        let claim = claim_id(5);
        let attempt = self.claimed_before(claim).await.attempt.id;
        self.write(Record::Asked { claim });
        self.write(Record::Claimed { claim, attempt, exclusive: false });
        if state == HeldState::Spawned {
            self.write(Record::Spawned { attempt });
        }
        if state == HeldState::Exited {
            self.write(Record::Exited { attempt });
        }
        attempt
    }

    /// Ends an attempt with success, and waits for the end of its run.
    pub async fn succeeds(&self, run: &str, attempt: impl ToString) {
        self.machine.end(&attempt.to_string(), exit(0));
        self.result(run, "success").await;
    }

    /// The log of a step of the one task as it is now: its state, and its bytes.
    pub async fn log(&self, run: &str, step: &str) -> (String, Vec<u8>) {
        self.log_on(2, run, step).await
    }

    /// As [`log`](Self::log), on the instance with this number.
    pub async fn log_on(&self, instance: usize, run: &str, step: &str) -> (String, Vec<u8>) {
        let path = format!("{run}/tasks/build/logs/{step}");
        let answer = self.app.instance(instance).send(Request::get(&path)).await.expect(200);
        (answer.header("drydock-log-state").unwrap().to_owned(), answer.body.to_vec())
    }

    /// Waits until the attempt is released and nothing of it is left.
    pub async fn released(&self, attempt: &str) {
        until(async || !self.machine.attempts().contains_key(attempt)).await;
        let id = attempt.parse().unwrap();
        until(async || !self.held().attempts.contains_key(&id)).await;
    }

    /// The phase of an attempt, as the service says.
    pub async fn phase(&self, attempt: &str) -> String {
        let attempt: AttemptId = attempt.parse().unwrap();
        let found = self.own().attempt(&Context::background(), attempt).await.unwrap();
        found.phase.to_string()
    }
}

pub fn claim_id(number: u128) -> ClaimId {
    ClaimId(uuid::Uuid::from_u128(number))
}

impl Process {
    /// Kills it.
    pub async fn kill(self) {
        self.running.abort();
        assert!(self.running.await.unwrap_err().is_cancelled());
    }

    /// Waits for its end.
    pub async fn end(self) -> Result<Ended, ExecutorError> {
        self.running.await.unwrap()
    }

    pub fn is_running(&self) -> bool {
        !self.running.is_finished()
    }
}
