use std::time::Duration;

use drydock_core::context::Context;
use drydock_http::client::{Answer, AnswerStream};
use http::Method;

use super::RunserviceClient;
use crate::calls::{Result, with_query};
use crate::runservice::types::{LogAttemptQuery, LogQuery, LogStep, RunId, TaskName};

impl RunserviceClient {
    /// Reads a log of an attempt as it arrives; its state is in the header `Drydock-Log-State`.
    pub async fn log(
        &self,
        ctx: &Context,
        run: RunId,
        task: &TaskName,
        step: LogStep,
        query: &LogQuery,
    ) -> Result<Answer<AnswerStream>> {
        let path = with_query(&format!("{}/{step}", logs_path(run, task)), query);
        self.calls.call(Method::GET, path).silent_for(FOLLOWED_SILENCE).send_streamed(ctx).await
    }

    /// Deletes all logs of an attempt that has ended.
    pub async fn delete_logs(
        &self,
        ctx: &Context,
        run: RunId,
        task: &TaskName,
        query: &LogAttemptQuery,
    ) -> Result<()> {
        let call = self.calls.call(Method::DELETE, with_query(&logs_path(run, task), query));
        call.send_bytes(ctx).await?;
        Ok(())
    }
}

/// How long a log that is followed may bring nothing: the service itself waits less for more.
pub const FOLLOWED_SILENCE: Duration = Duration::from_secs(330);

fn logs_path(run: RunId, task: &TaskName) -> String {
    format!("/api/v1/runs/{run}/tasks/{task}/logs")
}
