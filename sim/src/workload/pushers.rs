//! Those who make runs: each makes one call after the other until the load ends, in few groups, so
//! that runs meet.

use drydock_api::runservice::types::{NewRun, OnNewer, ProjectId, RestartFrom, RunId, TaskName};
use serde_json::json;
use uuid::Uuid;

use super::Session;
use super::shapes::Shaping;
use crate::history::{
    Answer, BadCall, Call, LogName, Reads, Reply, RunsCall, RunsReply, Server, Text,
};
use crate::plan::{InstanceId, Plan, RunsOp, Shape};

/// How often a creation is asked for again under its key, at most.
const REPEATS: u64 = 3;
/// Groups that must not be taken for each other.
const GROUPS: [&str; 6] = ["a_b", "a-b", "A_b", "a_b/c", "a%b", "ab"];
const RUNS: &str = "/api/v1/runs";

struct Pusher<'a> {
    plan: &'a Plan,
    session: &'a Session,
    number: usize,
    runs: Vec<RunId>,
    next: u64,
}

/// One pusher's life.
pub async fn pusher(plan: &Plan, session: &Session, number: usize) {
    let [least, greatest] = plan.runs.pause_ms;
    let mut pusher = Pusher { plan, session, number, runs: Vec::new(), next: 0 };
    session.sleep_until(plan.workload.from_ms).await;
    loop {
        session.sleep_ms(session.draw(least, greatest)).await;
        if session.is_over(plan.load_ms) {
            return;
        }
        if let Some(op) = chosen(session, &plan.runs.weights) {
            pusher.act(op).await;
        }
    }
}

/// One of some choices, in proportion to its weight.
fn chosen<T: Copy + Ord>(
    session: &Session,
    weights: &std::collections::BTreeMap<T, u32>,
) -> Option<T> {
    let total: u64 = weights.values().map(|weight| u64::from(*weight)).sum();
    let mut left = session.draw(0, total.checked_sub(1)?);
    weights.iter().find_map(|(choice, weight)| {
        let weight = u64::from(*weight);
        let is_chosen = left < weight;
        left = left.saturating_sub(weight);
        is_chosen.then_some(*choice)
    })
}

impl Pusher<'_> {
    async fn act(&mut self, op: RunsOp) {
        match op {
            RunsOp::Push => {
                let new = self.new_run();
                self.create(new).await;
                return;
            }
            RunsOp::Malformed => {
                let bad = self.malformed();
                self.ask(RunsCall::Bad { by: None, bad }).await;
                return;
            }
            _ => {}
        }
        let Some(run) = self.known() else { return };
        match op {
            RunsOp::Look => {
                let reads = match self.draw(0, 3) {
                    0 => Reads::Local,
                    _ => Reads::Linearizable,
                };
                self.ask(RunsCall::Look { run, reads }).await;
            }
            RunsOp::Read => self.read(run).await,
            RunsOp::Stop => drop(self.ask(RunsCall::Stop { run }).await),
            RunsOp::StopTwice => {
                self.ask(RunsCall::Stop { run }).await;
                self.ask(RunsCall::Stop { run }).await;
            }
            RunsOp::Cancel => drop(self.ask(RunsCall::Cancel { run }).await),
            RunsOp::RestartFromFailed => self.restart(run, RestartFrom::Failed).await,
            RunsOp::RestartFromStart => self.restart(run, RestartFrom::Start).await,
            RunsOp::Approve => self.decide(run, true).await,
            RunsOp::Refuse => self.decide(run, false).await,
            RunsOp::Unregister => self.unregister().await,
            RunsOp::Push | RunsOp::Malformed => {}
        }
    }

    fn new_run(&mut self) -> NewRun {
        let runs = &self.plan.runs;
        let project = project(self.draw(1, runs.projects as u64));
        let group = match self.draw(0, runs.groups as u64) {
            0 => None,
            nth => {
                let name = GROUPS[(nth as usize - 1) % GROUPS.len()];
                format!("/project/{project}/{name}").parse().ok()
            }
        };
        let shape = chosen(self.session, &runs.shapes).unwrap_or(Shape::Single);
        let shaping = Shaping { session: self.session, step_ms: runs.step_ms };
        let on_newer = match self.draw(0, 7) {
            0 => OnNewer::CancelQueued,
            1 => OnNewer::StopRunning,
            _ => OnNewer::Queue,
        };
        let mut new = NewRun {
            project: Some(project),
            group,
            tasks: Some(shaping.tasks(shape)),
            on_newer: Some(on_newer),
            fail_fast: self.draw(0, 3) == 0,
            priority: Some(i8::try_from(self.draw(0, 3)).unwrap_or(0)),
            ..NewRun::default()
        };
        if self.draw(0, 1) == 0 {
            let secret = Text(self.draw(0, u64::from(u32::MAX)));
            new.environment.insert("TOKEN".to_owned(), secret.reveal());
        }
        new
    }

    async fn restart(&mut self, run: RunId, from: RestartFrom) {
        let new = NewRun { restart_of: Some(run), from: Some(from), ..NewRun::default() };
        self.create(new).await;
    }

    /// Creates under a key of its own, again if nobody knows what became of it, or just so.
    async fn create(&mut self, mut new: NewRun) {
        self.next += 1;
        let key = self.number as u64 * 1_000_000 + self.next;
        if new.restart_of.is_none() {
            new.name = Some(format!("run-{key}"));
        }
        for _ in 0..=self.draw(0, REPEATS) {
            let call = RunsCall::Create { new: Box::new(new.clone()), key };
            let answer = self.ask(call).await;
            if let Answer::Ok(Reply::Runs(RunsReply::Run(run))) = &answer
                && !self.runs.contains(&run.id)
            {
                self.runs.push(run.id);
            }
            let is_refused = answer.ok().is_none() && !answer.is_open();
            if is_refused || self.session.is_over(self.plan.load_ms) {
                return;
            }
        }
    }

    async fn decide(&self, run: RunId, approve: bool) {
        let look = RunsCall::Look { run, reads: Reads::Linearizable };
        let Answer::Ok(Reply::Runs(RunsReply::Run(seen))) = self.ask(look).await else { return };
        // Somebody decides what nobody asked them, now and then.
        let stray = || "build".parse::<TaskName>().ok().filter(|_| self.draw(0, 4) == 0);
        let Some(task) = seen.waiting.first().cloned().or_else(stray) else { return };
        let approver = format!("user-{}", self.number);
        for _ in 0..=self.draw(0, 1) {
            let (task, approver) = (task.clone(), approver.clone());
            self.ask(RunsCall::Decide { run, task, approve, approver }).await;
        }
    }

    /// Reads a log of a run, or follows it.
    async fn read(&self, run: RunId) {
        let look = RunsCall::Look { run, reads: Reads::Linearizable };
        let Answer::Ok(Reply::Runs(RunsReply::Run(seen))) = self.ask(look).await else { return };
        let Some(last) = seen.attempts.len().checked_sub(1) else { return };
        let nth = usize::try_from(self.draw(0, last as u64)).unwrap_or(0);
        let (run, task, attempt) = seen.attempts[nth].clone();
        let step = usize::try_from(self.draw(0, 2) / 2).unwrap_or(0);
        let offset = if self.draw(0, 3) == 0 { self.draw(0, 1_000) } else { 0 };
        let log = LogName { run, task, attempt, step };
        let follow = self.draw(0, 2) > 0;
        self.ask(RunsCall::Read { log, offset, follow }).await;
    }

    /// Ends the registration of some executor.
    async fn unregister(&self) {
        let known = self.session.history.operations().into_iter().filter_map(|operation| {
            match operation.reply() {
                Some(Reply::Token(token)) if operation.client.starts_with("executor-") => {
                    Some(token.id)
                }
                _ => None,
            }
        });
        let known: Vec<Uuid> = known.collect();
        if let Some(last) = known.len().checked_sub(1) {
            let executor = known[self.draw(0, last as u64) as usize];
            self.ask(RunsCall::Unregister { executor }).await;
        }
    }

    fn malformed(&self) -> BadCall {
        let project = project(1);
        let task = json!({ "steps": [{ "run": { "command": "true" } }] });
        let tasks = json!({ "a": task });
        let new = |more: serde_json::Value| {
            let mut body = json!({ "project": project, "name": "bad", "tasks": tasks });
            let fields = more.as_object().cloned().unwrap_or_default();
            body.as_object_mut().expect("it is one").extend(fields);
            body
        };
        let (what, body) = match self.draw(0, 8) {
            0 => ("an unknown field", new(json!({ "grup": "x" }))),
            1 => ("no project", json!({ "name": "bad", "tasks": tasks })),
            2 => ("a group of nobody", new(json!({ "group": "/project/x" }))),
            3 => ("a priority of 101", new(json!({ "priority": 101 }))),
            4 => ("tasks that are none", new(json!({ "tasks": 7 }))),
            5 => ("a name of nothing", new(json!({ "name": "" }))),
            6 => ("a restart of nothing", new(json!({ "from": "failed" }))),
            7 => ("a variable that is none", new(json!({ "environment": { "1=": "x" } }))),
            _ => {
                ("a step of no kind", new(json!({ "tasks": { "a": { "steps": [{ "go": {} }] } } })))
            }
        };
        BadCall { what, method: "POST", path: RUNS.to_owned(), body }
    }

    /// Mostly one of the newest.
    fn known(&self) -> Option<RunId> {
        let last = self.runs.len().checked_sub(1)? as u64;
        let nth = match self.draw(0, 2) {
            0 => self.draw(0, last),
            _ => last - self.draw(0, last.min(3)),
        };
        Some(self.runs[nth as usize])
    }

    async fn ask(&self, call: RunsCall) -> Answer {
        let number = self.draw(1, self.plan.topology.runservices() as u64) as usize;
        let server = Server::Instance(InstanceId::runservice(number));
        self.session.ask(server, Call::Runs(call)).await
    }

    fn draw(&self, least: u64, greatest: u64) -> u64 {
        self.session.draw(least, greatest)
    }
}

/// A project, by its number.
fn project(number: u64) -> ProjectId {
    ProjectId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number)))
}
