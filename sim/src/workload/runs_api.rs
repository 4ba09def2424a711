//! Calls at runservice with the product's own clients.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use drydock_api::admin::AdminClient;
use drydock_api::names::Ref;
use drydock_api::runservice::client::{ExecutorClient, RunserviceClient};
use drydock_api::runservice::types::{
    ApprovalBody, ApprovalDecision, AttemptId, LOG_STATE, LogQuery, LogStep, NewExecutor, Phase,
    RunView, RunsQuery, UploadQuery,
};
use drydock_core::context::Context;
use drydock_core::net::SharedNet;
use drydock_http::api::page::Consistency;
use drydock_http::client::{Client, ClientError, ClientSettings};
use futures_util::StreamExt;
use http::Method;
use secrecy::SecretString;
use uuid::Uuid;

use crate::history::{
    BadCall, LogName, LogSeen, Reads, Reply, RunSeen, RunsCall, RunsReply, Token,
};

const ANSWER_BYTES: usize = 64 << 20;
/// More runs than any simulation has at once.
const LIST_LIMIT: usize = 100;

pub struct RunsApi {
    /// Where each instance listens: `host:port`.
    pub instances: Vec<String>,
    pub net: SharedNet,
    pub token: SecretString,
    /// When a client gives up.
    pub timeout: Duration,
    /// Those that were called already, by instance and by the executor that calls.
    pub clients: Mutex<BTreeMap<(usize, Option<Uuid>), Client>>,
}

impl RunsApi {
    pub fn admin(&self, instance: usize) -> AdminClient {
        RunserviceClient::new(self.client(instance, None)).admin()
    }

    pub async fn send(
        &self,
        instance: usize,
        ctx: &Context,
        call: &RunsCall,
    ) -> Result<Reply, ClientError> {
        let client = RunserviceClient::new(self.client(instance, None));
        let own = |by: &Token| ExecutorClient::new(self.client(instance, Some(by)));
        Ok(match call {
            RunsCall::Register { name, labels, key } => {
                let labels = labels.iter().filter_map(|label| label.parse().ok()).collect();
                let new = NewExecutor { name: name.clone(), labels };
                let made = client.create_executor(ctx, &new, Some(&named(*key))).await?.body;
                Reply::Token(Token { id: made.executor.id.0, value: made.token })
            }
            RunsCall::Unregister { executor } => {
                client.delete_executor(ctx, &Ref::Id(*executor), None).await?;
                Reply::Done
            }
            RunsCall::Create { new, key } => {
                seen(&client.create_run(ctx, new, Some(&named(*key))).await?.body)
            }
            RunsCall::Look { run, reads } => {
                let reads = match reads {
                    Reads::Linearizable => Consistency::Linearizable,
                    Reads::Local => Consistency::Local,
                };
                seen(&client.run(ctx, *run, reads).await?.body)
            }
            RunsCall::Open => open(&client, ctx).await?,
            RunsCall::Stop { run } => {
                client.stop_run(ctx, *run).await?;
                Reply::Done
            }
            RunsCall::Cancel { run } => {
                client.cancel_run(ctx, *run).await?;
                Reply::Done
            }
            RunsCall::Decide { run, task, approve, approver } => {
                let body = ApprovalBody { approver: approver.clone(), comment: None };
                match approve {
                    true => client.approve_task(ctx, *run, task, &body).await?,
                    false => client.refuse_task(ctx, *run, task, &body).await?,
                }
                Reply::Done
            }
            RunsCall::Beat { by, beat } => {
                Reply::Runs(RunsReply::Orders(own(by).heartbeat(ctx, beat).await?))
            }
            RunsCall::Claim { by, claim } => {
                let claimed = own(by).claim(ctx, claim, None).await?;
                Reply::Runs(RunsReply::Claimed(claimed.map(Box::new)))
            }
            RunsCall::Report { by, attempt, status } => {
                let view = own(by).report(ctx, *attempt, status).await?;
                Reply::Runs(RunsReply::Attempt { id: view.id, phase: view.phase })
            }
            RunsCall::Append { by, attempt, step, offset, piece } => {
                let step = LogStep::Step(u16::try_from(*step).unwrap_or(u16::MAX));
                let piece = piece.clone();
                let appended = own(by).append(ctx, *attempt, step, *offset, piece).await?;
                Reply::Runs(RunsReply::Appended(appended))
            }
            RunsCall::Upload { by, attempt, step, bytes } => {
                upload(&own(by), &ctx.timeout(self.timeout), (*attempt, *step), bytes).await?
            }
            RunsCall::Download { by, attempt, step } => {
                download(&own(by), ctx, (*attempt, step)).await?
            }
            RunsCall::Read { log, offset, follow } => {
                read(&client, ctx, log, *offset, *follow).await?
            }
            RunsCall::Bad { by, bad } => self.send_bad(instance, ctx, by.as_ref(), bad).await?,
        })
    }

    async fn send_bad(
        &self,
        instance: usize,
        ctx: &Context,
        by: Option<&Token>,
        bad: &BadCall,
    ) -> Result<Reply, ClientError> {
        let method = match bad.method {
            "PUT" => Method::PUT,
            _ => Method::POST,
        };
        let client = self.client(instance, by);
        client.request(method, bad.path.clone()).json(&bad.body).send_bytes(ctx).await?;
        Ok(Reply::Runs(RunsReply::Accepted))
    }

    /// A client that presents the executor's token, or the internal one.
    fn client(&self, instance: usize, by: Option<&Token>) -> Client {
        let mut clients = self.clients.lock().expect("no holder of this lock panics");
        let known = clients.entry((instance, by.map(|token| token.id)));
        known.or_insert_with(|| self.connect(instance, by)).clone()
    }

    fn connect(&self, instance: usize, by: Option<&Token>) -> Client {
        let settings = ClientSettings {
            connect_timeout: self.timeout,
            request_timeout: self.timeout,
            idle_timeout: self.timeout,
            max_answer_bytes: ANSWER_BYTES,
        };
        let token = by.map_or_else(|| self.token.clone(), |by| by.value.clone().into());
        Client::new(self.net.clone(), &*self.instances[instance - 1])
            .with_token(token)
            .with_settings(settings)
    }
}

async fn upload(
    executor: &ExecutorClient,
    ctx: &Context,
    (attempt, step): (AttemptId, usize),
    bytes: &Bytes,
) -> Result<Reply, ClientError> {
    let step = u16::try_from(step).unwrap_or(u16::MAX);
    let blake3 = blake3::hash(bytes).to_hex().to_string();
    let query = UploadQuery { size: bytes.len() as u64, blake3 };
    let stored = executor.upload(ctx, (attempt, step), &query, bytes.clone()).await?;
    Ok(Reply::Runs(RunsReply::Stored(stored)))
}

async fn download(
    executor: &ExecutorClient,
    ctx: &Context,
    archive: (AttemptId, &str),
) -> Result<Reply, ClientError> {
    let mut answer = executor.download(ctx, archive).await?;
    let mut bytes = Vec::new();
    while let Some(more) = answer.body.next().await {
        bytes.extend_from_slice(&more?);
    }
    Ok(Reply::Runs(RunsReply::Archive(bytes.into())))
}

fn named(key: u64) -> String {
    format!("key-{key}")
}

async fn open(client: &RunserviceClient, ctx: &Context) -> Result<Reply, ClientError> {
    let mut found = Vec::new();
    for phase in [Phase::Running, Phase::Queued] {
        let limit = Some(LIST_LIMIT.to_string());
        let query = RunsQuery { phase: Some(phase), limit, ..RunsQuery::default() };
        found.extend(client.runs(ctx, &query).await?.items.into_iter().map(|run| run.id));
    }
    Ok(Reply::Runs(RunsReply::Open(found)))
}

/// Reads until the log ends, or for as long as the caller has time.
async fn read(
    client: &RunserviceClient,
    ctx: &Context,
    log: &LogName,
    offset: u64,
    follow: bool,
) -> Result<Reply, ClientError> {
    let step = LogStep::Step(u16::try_from(log.step).unwrap_or(u16::MAX));
    let query = LogQuery { attempt: Some(log.attempt), offset: i64::try_from(offset).ok(), follow };
    let mut answer = client.log(ctx, log.run, &log.task, step, &query).await?;
    let state = answer.headers.get(LOG_STATE).and_then(|state| state.to_str().ok());
    let state = state.unwrap_or_default().to_owned();
    let mut bytes = Vec::new();
    let ended = loop {
        match answer.body.next().await {
            Some(Ok(more)) => bytes.extend_from_slice(&more),
            Some(Err(_)) => break false,
            None => break true,
        }
    };
    Ok(Reply::Runs(RunsReply::Log(LogSeen { state, bytes, ended })))
}

fn seen(view: &RunView) -> Reply {
    let is_waiting = |state: ApprovalDecision| state == ApprovalDecision::Waiting;
    let tasks = view.tasks.values();
    let waiting =
        tasks.clone().filter(|task| task.approval.as_ref().is_some_and(|it| is_waiting(it.state)));
    Reply::Runs(RunsReply::Run(RunSeen {
        id: view.run.id,
        number: view.run.number,
        phase: view.run.phase,
        result: view.run.result,
        revision: view.run.revision,
        waiting: waiting.map(|task| task.name.clone()).collect(),
        attempts: tasks
            .clone()
            .filter_map(|task| {
                task.attempt.as_ref().map(|it| (it.run, task.name.clone(), it.number))
            })
            .collect(),
        tasks: tasks.map(|task| (task.id, task.status)).collect(),
    }))
}
