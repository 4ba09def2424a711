//! `drydock run logs`: the logs of a task, in the order of its steps, followed if that is wanted.

use std::io::IsTerminal;
use std::time::Duration;

use bytes::Bytes;
use drydock_api::gateway::RunsClient;
use drydock_api::names::TreeRef;
use drydock_api::runservice::types::{LOG_STATE, LogQuery, LogState, LogStep, TaskName};
use drydock_core::context::Context;
use drydock_http::client::{AnswerStream, ClientError};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, FuturesOrdered};
use tokio::time::{Instant, sleep};

use super::merge::Merge;
use super::retry::{Patience, pause};
use crate::cli::exit::Failure;
use crate::cli::objects::session::{Session, failed};
use crate::cli::output;
use crate::cli::run_args::LogsArgs;

/// Before a stream that has ended is opened again.
const PAUSE: Duration = Duration::from_millis(300);

/// The logs that are opened at a time.
const FEWEST_AT_ONCE: usize = 4;
const MOST_AT_ONCE: usize = 16;

/// More steps than a task has.
const MAX_STEPS: u16 = 256;

pub async fn run(session: &Session, args: LogsArgs) -> Result<(), Failure> {
    let (runs, ctx) = (session.gateway.runs(), session.ctx.clone());
    let LogsArgs { run, task, step, attempt, follow } = args;
    let place = Place { runs, ctx, project: run.project, number: run.number, task };
    let query = LogQuery { attempt, offset: None, follow };
    place.until_begun(follow).await?;
    let steps = match step {
        Some(step) => vec![step],
        None => all_steps(),
    };
    let first = steps.first().copied();
    let open = |step| {
        let mut log = Log::new(place.clone(), step, query);
        log.is_silent = Some(step) != first;
        async move { log.open().await.map(|()| log) }
    };
    let logs = open_all(steps, open, is_missing).await.map_err(failed)?;
    let is_terminal = std::io::stdout().is_terminal();
    let streams = logs.into_iter().map(|log| (log.step, log.bytes())).collect();
    Merge::new(streams, is_terminal, std::io::stdout()).print().await
}

/// The setup, and more steps than a task has.
fn all_steps() -> Vec<LogStep> {
    std::iter::once(LogStep::Setup).chain((0..MAX_STEPS).map(LogStep::Step)).collect()
}

/// Opens the logs of these steps up to the first that is missing: that is behind the last step. How
/// many there are nobody says, so few are asked for at first, and more each time.
async fn open_all<L, E, O: Future<Output = Result<L, E>>>(
    steps: Vec<LogStep>,
    mut open: impl FnMut(LogStep) -> O,
    is_missing: impl Fn(&E) -> bool,
) -> Result<Vec<L>, E> {
    let (mut steps, mut at_once) = (steps.into_iter().peekable(), FEWEST_AT_ONCE);
    let mut logs = Vec::new();
    while steps.peek().is_some() {
        let opening = FuturesOrdered::from_iter(steps.by_ref().take(at_once).map(&mut open));
        for opened in opening.collect::<Vec<_>>().await {
            match opened {
                Ok(log) => logs.push(log),
                Err(error) if is_missing(&error) && !logs.is_empty() => return Ok(logs),
                Err(error) => return Err(error),
            }
        }
        at_once = (at_once * 2).min(MOST_AT_ONCE);
    }
    Ok(logs)
}

fn is_missing(error: &ClientError) -> bool {
    error.remote().is_some_and(|remote| remote.code == "log_not_exist")
}

/// The task whose logs are read.
#[derive(Clone)]
struct Place {
    runs: RunsClient,
    ctx: Context,
    project: TreeRef,
    number: u64,
    task: TaskName,
}

impl Place {
    /// Waits until the task has an attempt, as long as it may get one.
    async fn until_begun(&self, follow: bool) -> Result<(), Failure> {
        let (begun, mut patience) = (Instant::now(), Patience::default());
        loop {
            match self.runs.task(&self.ctx, &self.project, self.number, &self.task).await {
                Ok(task) if task.attempt.is_some() => return Ok(()),
                Ok(task) if !follow || task.status.is_final() => {
                    let text =
                        format!("the task `{}` has not begun: it is {}", self.task, task.status);
                    return Err(Failure::Failed(text.into()));
                }
                Ok(_) => patience.renew(),
                Err(error) => patience.endure(error, output::note).map_err(failed)?,
            }
            sleep(pause(begun)).await;
        }
    }
}

/// The log of one step, through as many answers as it takes.
struct Log {
    place: Place,
    step: LogStep,
    query: LogQuery,
    offset: u64,
    answer: Option<AnswerStream>,
    /// Nothing follows the answer that is open.
    is_last: bool,
    patience: Patience,
    /// The log of another step says that there is no answer.
    is_silent: bool,
}

impl Log {
    fn new(place: Place, step: LogStep, query: LogQuery) -> Log {
        let patience = Patience::default();
        Log {
            place,
            step,
            query,
            offset: 0,
            answer: None,
            is_last: false,
            patience,
            is_silent: false,
        }
    }

    /// Opens the log where the last answer has ended.
    async fn open(&mut self) -> Result<(), ClientError> {
        let Place { runs, ctx, project, number, task } = &self.place;
        let query = LogQuery { offset: i64::try_from(self.offset).ok(), ..self.query };
        let answer = runs.log(ctx, project, (*number, task, self.step), &query).await?;
        let is_live = answer.header(LOG_STATE) == Some(LogState::Live.as_str());
        self.is_last = !self.query.follow || !is_live;
        self.answer = Some(answer.body);
        self.patience.renew();
        Ok(())
    }

    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let Some(answer) = &mut self.answer else {
                sleep(PAUSE).await;
                if let Err(error) = self.open().await {
                    self.endure(error)?;
                }
                continue;
            };
            match answer.next().await {
                Some(Ok(bytes)) => {
                    self.offset += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
                Some(Err(error)) => {
                    self.answer = None;
                    self.endure(error)?;
                }
                None if self.is_last => return Ok(None),
                None => self.answer = None,
            }
        }
    }

    fn bytes(self) -> BoxStream<'static, Result<Bytes, ClientError>> {
        let next = |mut log: Log| async move {
            let bytes = log.next().await?;
            Ok(bytes.map(|bytes| (bytes, log)))
        };
        stream::try_unfold(self, next).boxed()
    }

    /// What is followed goes on after an error that passes.
    fn endure(&mut self, error: ClientError) -> Result<(), ClientError> {
        match self.query.follow {
            true => self.patience.endure(error, |text| {
                if !self.is_silent {
                    output::note(text);
                }
            }),
            false => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// The time of one request.
    const REQUEST: Duration = Duration::from_millis(10);

    #[derive(Debug, PartialEq)]
    enum Refusal {
        Missing,
        Forbidden,
    }

    /// Opens all logs of a task with this number of steps; answers the steps of the logs that were
    /// opened, the number of requests, and for how many requests' time it took.
    async fn open_task(
        has: u16,
        refused: Option<u16>,
    ) -> (Result<Vec<LogStep>, Refusal>, usize, u32) {
        let asked = RefCell::new(0);
        let begun = Instant::now();
        let open = |step: LogStep| {
            *asked.borrow_mut() += 1;
            async move {
                sleep(REQUEST).await;
                match step {
                    LogStep::Step(step) if Some(step) == refused => Err(Refusal::Forbidden),
                    LogStep::Step(step) if step >= has => Err(Refusal::Missing),
                    step => Ok(step),
                }
            }
        };
        let logs = open_all(all_steps(), open, |error| *error == Refusal::Missing).await;
        let rounds = begun.elapsed().div_duration_f64(REQUEST).round() as u32;
        let asked = *asked.borrow();
        (logs, asked, rounds)
    }

    #[tokio::test(start_paused = true)]
    async fn the_logs_of_many_steps_are_opened_in_few_rounds_of_requests() {
        for (steps, most) in [(0, 1), (1, 1), (2, 1), (3, 2), (10, 2), (26, 3), (60, 6), (64, 6)] {
            let (logs, asked, rounds) = open_task(steps, None).await;
            let expected: Vec<_> =
                std::iter::once(LogStep::Setup).chain((0..steps).map(LogStep::Step)).collect();
            assert_eq!(logs.unwrap(), expected, "in the order of the steps");
            assert!(rounds <= most, "{steps} steps: {rounds} rounds");
            let asked_in_vain = asked - usize::from(steps) - 1;
            let bound = (2 * usize::from(steps) + FEWEST_AT_ONCE).min(MOST_AT_ONCE);
            assert!(asked_in_vain <= bound, "{steps} steps: {asked} requests");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_may_not_be_read_is_a_failure_and_no_end() {
        assert_eq!(open_task(60, Some(20)).await.0, Err(Refusal::Forbidden));
    }
}
