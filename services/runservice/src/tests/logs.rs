//! Logs of attempts over HTTP: how they are read, and how they become complete.

use std::convert::Infallible;

use bytes::Bytes;
use drydock_api::runservice::client::{ExecutorClient, RunserviceClient};
use drydock_api::runservice::types::{
    AttemptId, ClaimId, Claimed, LogQuery, LogState, LogStep, NewClaim, Reason, RunId, TaskName,
};
use drydock_core::context::Context;
use drydock_core::read_model::lineage;
use drydock_core::store::{Reads, StoreTx};
use futures_util::TryStreamExt;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::harness::id;
use super::http::{TestHttp, claim, new_run};
use crate::action::executor;
use crate::logs::seal::Sealing;
use crate::periodic::Periodic;
use crate::record::{Attempt, SealedLog};
use crate::schema::ATTEMPTS;

pub const STEP: LogStep = LogStep::Step(0);

pub fn some_log(size: usize) -> Bytes {
    (0..size).map(|at| if at % 61 == 60 { b'\n' } else { b'a' + (at * at % 23) as u8 }).collect()
}

/// A task that an executor has claimed, over HTTP.
pub struct Claims {
    pub http: TestHttp,
    pub operator: RunserviceClient,
    executor: ExecutorClient,
    pub attempt: AttemptId,
    pub run: RunId,
    sealing: Sealing,
}

pub fn sealing(http: &TestHttp) -> Sealing {
    let (store, logs) = (http.runs.store.clone(), http.runs.logs().0);
    let (tails, metrics) = (http.served.service.tails.clone(), http.runs.log_metrics.clone());
    Sealing::new(store, (logs, tails), metrics, http.runs.settings.log_retention)
}

pub fn task() -> TaskName {
    "a".parse().unwrap()
}

pub fn ctx() -> Context {
    Context::background()
}

impl Claims {
    pub async fn start() -> Claims {
        let http = TestHttp::start().await;
        let token = http.executor("one").await;
        let tasks = json!({"a": {"steps": [{"run": {"command": "make"}}]}});
        http.expect("POST /runs 201", &new_run(tasks)).await;
        let claimed = http.send("POST /executors/self/claims 201", &claim(50), Some(&token)).await;
        let claimed: Claimed = serde_json::from_value(claimed.json()).unwrap();
        let operator = RunserviceClient::new(http.served.client());
        let own = http.served.client().with_token(SecretString::from(token));
        let sealing = sealing(&http);
        let (attempt, run) = (claimed.attempt.id, claimed.run.id);
        Claims { http, operator, executor: ExecutorClient::new(own), attempt, run, sealing }
    }

    pub async fn append(&self, offset: usize, piece: Bytes) {
        let (attempt, offset) = (self.attempt, offset as u64);
        self.executor.append(&ctx(), attempt, STEP, offset, piece).await.unwrap();
    }

    /// Reports success, and a log of this size and digest.
    pub async fn report(&self, log: &Bytes) {
        let report = json!({"size": log.len(), "blake3": blake3::hash(log).to_hex().as_str()});
        self.report_logs(json!({"0": report})).await;
    }

    /// Reports success, and these logs.
    pub async fn report_logs(&self, logs: Value) {
        let ended = json!({"exit": {"code": 0}});
        let status = json!({"phase": "success", "steps": [ended], "logs": logs});
        let status = serde_json::from_value(status).unwrap();
        self.executor.report(&ctx(), self.attempt, &status).await.unwrap();
    }

    pub async fn seal(&mut self) {
        for _ in 0..2 {
            self.seal_once().await;
        }
    }

    /// One pass, and the time until the next one.
    pub async fn seal_once(&mut self) {
        self.sealing.pass().await.unwrap();
        self.http.runs.pass(3);
    }

    pub async fn stored(&self) -> Attempt {
        let attempt = self.attempt.0;
        let find = move |tx: &drydock_core::db::Tx<'_>| Ok(tx.get(ATTEMPTS, attempt)?);
        self.http.runs.store.read(&ctx(), Reads::Linearizable, find).await.unwrap().unwrap()
    }

    pub async fn lineage(&self) -> Uuid {
        let read = |tx: &drydock_core::db::Tx<'_>| Ok(lineage(tx)?);
        self.http.runs.store.read(&ctx(), Reads::Linearizable, read).await.unwrap()
    }

    pub async fn store(&self, attempt: Attempt) {
        let put = move |tx: &mut StoreTx<'_>| Ok(tx.put(ATTEMPTS, attempt.id.0, &attempt)?);
        self.http.runs.act::<_, Infallible>(put).await.unwrap();
    }

    /// The service ends the attempt without its executor.
    async fn lose(&self) {
        let (attempt, engine) = (self.stored().await, self.http.runs.settings.engine.clone());
        let end = move |tx: &mut StoreTx<'_>| {
            executor::end::<Infallible>(tx, &engine, &attempt, Reason::ExecutorLost)
        };
        self.http.runs.act(end).await.unwrap();
    }

    pub async fn objects(&self) -> Vec<String> {
        let store = &self.http.runs.store;
        let folder = store.object_keys().all().join("logs").join(self.attempt.to_string());
        let found = store.objects().list(&folder).await.unwrap();
        found.iter().map(|key| key.filename().unwrap().to_owned()).collect()
    }

    pub async fn read(&self, query: LogQuery) -> (String, Vec<u8>) {
        let (run, task) = (self.run, task());
        let answer = self.operator.log(&ctx(), run, &task, STEP, &query).await.unwrap();
        let state = answer.headers["drydock-log-state"].to_str().unwrap().to_owned();
        let bytes: Vec<Bytes> = answer.body.try_collect().await.unwrap();
        (state, bytes.concat())
    }
}

pub fn from(offset: i64) -> LogQuery {
    LogQuery { offset: Some(offset), ..LogQuery::default() }
}

#[tokio::test]
async fn a_log_is_read_while_it_is_written_and_sealed_when_it_is_whole() {
    let mut claims = Claims::start().await;
    let log = some_log(400_000);
    assert_eq!(claims.read(from(0)).await, ("live".to_owned(), Vec::new()));
    claims.append(0, log.slice(..300_000)).await;
    assert_eq!(claims.read(from(0)).await.1, log[..300_000]);
    assert_eq!(claims.read(from(-100)).await.1, log[299_900..300_000]);
    claims.report(&log).await;
    // Bytes are missing: nothing is sealed, and the executor keeps what it has.
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Live);
    claims.append(300_000, log.slice(300_000..)).await;
    // The last bytes are in memory only, until they are old.
    claims.http.runs.pass(3);
    claims.http.served.service.tails.store_old().await;
    claims.seal().await;
    let attempt = claims.stored().await;
    assert_eq!(attempt.log_state, LogState::Complete);
    let objects = claims.objects().await;
    assert_eq!(objects, [attempt.sealed["0"].object.clone()], "the parts are gone");
    for offset in [0, 1, 65_535, 65_536, 399_999, 400_000, 500_000] {
        let rest = log.get(offset..).unwrap_or_default();
        let (state, bytes) = claims.read(from(i64::try_from(offset).unwrap())).await;
        assert!(state == "complete" && bytes == rest, "offset {offset}");
    }
    assert_eq!(claims.read(from(-10)).await.1, log[399_990..]);
    // Nothing is added to it.
    let late = claims.executor.append(&ctx(), claims.attempt, STEP, 0, Bytes::from("x")).await;
    assert_eq!(late.unwrap_err().remote().unwrap().code, "stale_attempt");
}

#[tokio::test(start_paused = true)]
async fn who_follows_a_log_sees_all_of_it_and_then_its_end() {
    let mut claims = Claims::start().await;
    let log = some_log(100_000);
    let following = {
        let (operator, run) = (claims.operator.clone(), claims.run);
        tokio::spawn(async move {
            let query = LogQuery { follow: true, ..LogQuery::default() };
            let answer = operator.log(&ctx(), run, &task(), STEP, &query).await.unwrap();
            let bytes: Vec<Bytes> = answer.body.try_collect().await.unwrap();
            bytes.concat()
        })
    };
    for offset in (0..100_000).step_by(25_000) {
        claims.append(offset, log.slice(offset..offset + 25_000)).await;
        tokio::task::yield_now().await;
    }
    claims.report(&log).await;
    claims.http.runs.pass(3);
    claims.http.served.service.tails.store_old().await;
    claims.seal().await;
    assert!(following.await.unwrap() == log);
}

#[tokio::test]
async fn whoever_reads_while_a_log_becomes_complete_reads_all_of_it() {
    let mut claims = Claims::start().await;
    let log = some_log(3_000_000);
    for offset in (0..3_000_000).step_by(300_000) {
        claims.append(offset, log.slice(offset..offset + 300_000)).await;
    }
    let (run, query) = (claims.run, LogQuery::default());
    let answer = claims.operator.log(&ctx(), run, &task(), STEP, &query).await.unwrap();
    claims.report(&log).await;
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Complete);
    // The parts that it has seen so far are gone.
    let bytes: Vec<Bytes> = answer.body.try_collect().await.unwrap();
    assert!(bytes.concat() == log);
}

#[tokio::test]
async fn what_is_missing_for_a_day_is_missing_for_good() {
    let mut claims = Claims::start().await;
    let log = some_log(600_000);
    claims.append(0, log.slice(..300_000)).await;
    claims.report(&log).await;
    claims.http.runs.pass(86_000);
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Live);
    claims.http.runs.pass(400);
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Incomplete);
    let (state, bytes) = claims.read(from(0)).await;
    assert!(state == "incomplete" && bytes == log[..300_000]);
}

/// A status that comes too late.
async fn report_late(claims: &Claims, log: &Bytes) {
    let report = json!({"size": log.len(), "blake3": blake3::hash(log).to_hex().as_str()});
    let status = json!({"phase": "failed", "reason": "timeout", "logs": {"0": report}});
    let status = serde_json::from_value(status).unwrap();
    let late = claims.executor.report(&ctx(), claims.attempt, &status).await;
    assert_eq!(late.unwrap_err().remote().unwrap().code, "stale_attempt");
}

#[tokio::test]
async fn the_log_of_an_attempt_that_the_service_has_ended_waits_for_its_executor() {
    let mut claims = Claims::start().await;
    let log = some_log(600_000);
    claims.append(0, log.slice(..300_000)).await;
    claims.lose().await;
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Live);
    report_late(&claims, &log).await;
    // What is told later does not count.
    report_late(&claims, &some_log(7)).await;
    claims.append(300_000, log.slice(300_000..)).await;
    claims.seal().await;
    let attempt = claims.stored().await;
    assert_eq!(attempt.log_state, LogState::Complete);
    assert_eq!(attempt.sealed["0"].size, 600_000);
}

#[tokio::test]
async fn the_log_of_an_attempt_of_which_nobody_tells_is_incomplete_after_a_day() {
    let mut claims = Claims::start().await;
    claims.append(0, some_log(300_000)).await;
    claims.lose().await;
    claims.http.runs.pass(86_500);
    claims.seal().await;
    let attempt = claims.stored().await;
    assert_eq!(attempt.log_state, LogState::Incomplete);
    assert_eq!(attempt.sealed["0"].size, 300_000);
}

#[tokio::test]
async fn a_log_that_was_complete_before_an_import_is_found_again() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    claims.report(&log).await;
    claims.seal().await;
    let complete = claims.stored().await;
    // The state from before, whose parts are gone.
    let before =
        Attempt { log_state: LogState::Live, sealed: Default::default(), ..complete.clone() };
    claims.store(before).await;
    claims.seal().await;
    let again = claims.stored().await;
    assert_eq!(again.log_state, LogState::Complete);
    let (found, first) = (again.sealed["0"].clone(), complete.sealed["0"].clone());
    assert_ne!(found.object, first.object, "somebody may be about to delete that one");
    assert_eq!(SealedLog { object: first.object.clone(), ..found.clone() }, first);
    assert_eq!(claims.objects().await, [found.object]);
}

#[tokio::test]
async fn what_there_is_of_the_logs_of_a_lost_attempt_is_kept_after_a_day() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    claims.http.done("DELETE /executors/one 204", &Value::Null).await;
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Live, "its executor may come back");
    claims.http.runs.pass(86_400);
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Incomplete);
    let (state, bytes) = claims.read(from(0)).await;
    assert!(state == "incomplete" && bytes == log);
}

#[tokio::test]
async fn attempts_that_wait_for_their_logs_hold_up_no_other() {
    let mut claims = Claims::start().await;
    let missing = some_log(10);
    claims.report(&missing).await;
    let task = json!({"steps": [{"run": {"command": "make"}}]});
    let tasks = (0..64).map(|nth| (format!("t{nth}"), task.clone()));
    claims.http.expect("POST /runs 201", &new_run(Value::Object(tasks.collect()))).await;
    for nth in 0..64 {
        let claim = NewClaim { claim: ClaimId(id(100 + nth)), session: 1 };
        let claimed = claims.executor.claim(&ctx(), &claim, None).await.unwrap();
        claims.attempt = claimed.expect("there is a task").attempt.id;
        let log = if nth < 63 { missing.clone() } else { Bytes::new() };
        claims.report(&log).await;
    }
    claims.seal().await;
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Complete);
}

#[tokio::test]
async fn a_damaged_part_holds_up_no_other_log() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    let store = claims.http.runs.store.clone();
    let folder = store.object_keys().all().join("logs");
    for part in store.objects().list(&folder).await.unwrap() {
        store.objects().put(&part, Bytes::from("rubbish\n")).await.unwrap();
    }
    claims.report(&log).await;
    let tasks = json!({"a": {"steps": [{"run": {"command": "make"}}]}});
    claims.http.expect("POST /runs 201", &new_run(tasks)).await;
    let next = NewClaim { claim: ClaimId(id(51)), session: 1 };
    let next = claims.executor.claim(&ctx(), &next, None).await.unwrap().unwrap();
    let damaged = std::mem::replace(&mut claims.attempt, next.attempt.id);
    claims.report(&Bytes::new()).await;
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Complete);
    claims.attempt = damaged;
    assert_eq!(claims.stored().await.log_state, LogState::Live);
}

#[tokio::test]
async fn nothing_is_stored_of_logs_of_which_one_is_not_whole() {
    let mut claims = Claims::start().await;
    claims.report(&Bytes::new()).await;
    let step = json!({"run": {"command": "make"}});
    claims.http.expect("POST /runs 201", &new_run(json!({"a": {"steps": [step, step]}}))).await;
    let next = NewClaim { claim: ClaimId(id(51)), session: 1 };
    let next = claims.executor.claim(&ctx(), &next, None).await.unwrap().unwrap();
    claims.attempt = next.attempt.id;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    let report = json!({"size": log.len(), "blake3": blake3::hash(&log).to_hex().as_str()});
    let logs = json!({"0": report, "1": report});
    let status = json!({"phase": "failed", "reason": "timeout", "logs": logs});
    let status = serde_json::from_value(status).unwrap();
    claims.executor.report(&ctx(), claims.attempt, &status).await.unwrap();
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Live);
    assert_eq!(claims.objects().await.len(), 1, "the part");
}

#[tokio::test]
async fn a_log_with_another_digest_is_not_called_complete() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    claims.report(&some_log(300_001).slice(1..)).await;
    claims.seal().await;
    assert_eq!(claims.stored().await.log_state, LogState::Incomplete);
}

#[tokio::test]
async fn nobody_appends_to_the_log_of_another_executor() {
    let claims = Claims::start().await;
    let token = claims.http.executor("two").await;
    let other = ExecutorClient::new(claims.http.served.client().with_token(token.into()));
    let piece = Bytes::from("x");
    let refused = other.append(&ctx(), claims.attempt, STEP, 0, piece).await.unwrap_err();
    assert_eq!(refused.remote().unwrap().code, "attempt_not_exist");
    let (own, attempt, piece) = (&claims.executor, claims.attempt, Bytes::from("x"));
    let large = own.append(&ctx(), attempt, STEP, u64::MAX, piece).await;
    assert_eq!(large.unwrap_err().remote().unwrap().code, "log_too_large");
}
