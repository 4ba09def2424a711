use std::time::Duration;

use bytes::Bytes;
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_http::client::{Client, ClientError};
use http::{Method, StatusCode, header};

use crate::calls::{Calls, Result, with_query};
use crate::runservice::types::{
    AppendQuery, Appended, AttemptId, AttemptView, ClaimQuery, Claimed, Heartbeat, HeartbeatAnswer,
    LOG_BYTES, LogStep, NewClaim, Status, TimeSpan,
};

/// The calls of one executor, with its own token. Cheap to clone.
#[derive(Clone)]
pub struct ExecutorClient {
    pub(super) calls: Calls,
}

impl ExecutorClient {
    pub fn new(http: Client) -> ExecutorClient {
        ExecutorClient { calls: Calls::new(http) }
    }

    /// Says what the executor is and holds, and learns what it has to do.
    pub async fn heartbeat(&self, ctx: &Context, beat: &Heartbeat) -> Result<HeartbeatAnswer> {
        let call = self.calls.call(Method::PUT, SELF.to_owned());
        Ok(call.json(beat).repeatable().send(ctx).await?.body)
    }

    /// Asks for a task. If there is none, the answer is `None` after at most `wait`.
    pub async fn claim(
        &self,
        ctx: &Context,
        claim: &NewClaim,
        wait: Option<Duration>,
    ) -> Result<Option<Claimed>> {
        let query = ClaimQuery { wait: wait.map(in_ms) };
        let path = with_query(&format!("{SELF}/claims"), &query);
        let call = self.calls.call(Method::POST, path).json(claim).repeatable();
        let answer = call.longer_by(wait.unwrap_or_default()).send_bytes(ctx).await?;
        match answer.status {
            StatusCode::NO_CONTENT => Ok(None),
            _ => Ok(Some(
                serde_json::from_slice(&answer.body).map_err(|error| self.no_claim(error))?,
            )),
        }
    }

    pub async fn attempt(&self, ctx: &Context, attempt: AttemptId) -> Result<AttemptView> {
        let call = self.calls.call(Method::GET, attempt_path(attempt));
        Ok(call.send(ctx).await?.body)
    }

    /// Reports the end of an attempt; the same again changes nothing.
    pub async fn report(
        &self,
        ctx: &Context,
        attempt: AttemptId,
        status: &Status,
    ) -> Result<AttemptView> {
        let call = self.calls.call(Method::PUT, attempt_path(attempt));
        Ok(call.json(status).repeatable().send(ctx).await?.body)
    }

    /// Sends a piece of a log; the same again changes nothing.
    pub async fn append(
        &self,
        ctx: &Context,
        attempt: AttemptId,
        step: LogStep,
        offset: u64,
        piece: Bytes,
    ) -> Result<Appended> {
        let path = format!("{}/logs/{step}", attempt_path(attempt));
        let call = self.calls.call(Method::PUT, with_query(&path, &AppendQuery { offset }));
        let call = call.header(header::CONTENT_TYPE, LOG_BYTES).bytes(piece);
        Ok(call.repeatable().send(ctx).await?.body)
    }

    fn no_claim(&self, error: impl Into<BoxError>) -> ClientError {
        let authority = self.calls.http.authority().to_owned();
        ClientError::Unknown { authority, source: error.into() }
    }
}

const SELF: &str = "/api/v1/executors/self";

pub(super) fn attempt_path(attempt: AttemptId) -> String {
    format!("{SELF}/attempts/{attempt}")
}

fn in_ms(wait: Duration) -> TimeSpan {
    TimeSpan::from_ms(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}
