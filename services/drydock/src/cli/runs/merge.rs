//! The logs of a task's steps as one text. A step begins when the one before it has ended, but what
//! the service has of them may come in another order: the first bytes of a later step are kept back
//! until the log of the step before has settled.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use drydock_api::runservice::types::LogStep;
use drydock_http::client::ClientError;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use super::terminal::Filter;
use crate::cli::exit::Failure;
use crate::cli::objects::session::failed;
use crate::cli::output;

/// How long the log of a step is awaited after a later step has written something: executors send
/// the next bytes of a log 2 s after the last ones, but its first bytes at once.
const SETTLED: Duration = Duration::from_millis(2300);
const SETTLED_EMPTY: Duration = Duration::from_millis(50);

pub type LogBytes = BoxStream<'static, Result<Bytes, ClientError>>;

pub struct Merge<W> {
    tracks: Vec<Track>,
    /// The step whose bytes are printed as they come.
    current: usize,
    sink: Sink<W>,
}

struct Track {
    step: LogStep,
    /// Absent while its next bytes are awaited, and at its end.
    bytes: Option<LogBytes>,
    has_ended: bool,
    /// When its first bytes came.
    begun: Option<Instant>,
    pending: Option<Bytes>,
}

impl<W: Write> Merge<W> {
    /// The logs in the order of their steps.
    pub fn new(logs: Vec<(LogStep, LogBytes)>, is_terminal: bool, writer: W) -> Merge<W> {
        let filter = is_terminal.then(Filter::default);
        let is_titled = logs.len() > 1;
        let sink = Sink { writer, filter, is_titled, last: None, is_closed: false };
        let track = |(step, bytes)| {
            let bytes = Some(bytes);
            Track { step, bytes, has_ended: false, begun: None, pending: None }
        };
        Merge { tracks: logs.into_iter().map(track).collect(), current: 0, sink }
    }

    /// Prints all logs to their ends.
    pub async fn print(mut self) -> Result<(), Failure> {
        let mut awaited = FuturesUnordered::new();
        while self.advance()? {
            for (nth, track) in self.tracks.iter_mut().enumerate() {
                if track.pending.is_none()
                    && let Some(bytes) = track.bytes.take()
                {
                    let next = async move {
                        let (next, bytes) = bytes.into_future().await;
                        (nth, next, bytes)
                    };
                    awaited.push(next);
                }
            }
            let settles = self.settles();
            let settled = async {
                match settles {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((nth, next, bytes)) = awaited.next() => {
                    let next = next.transpose().map_err(failed)?;
                    self.take(nth, next, bytes)?;
                }
                () = settled => self.pass_on(),
            }
        }
        self.sink.end()
    }

    /// Prints what is kept back and has its turn. `false`: everything is printed, or its reader has
    /// gone.
    fn advance(&mut self) -> Result<bool, Failure> {
        while let Some(track) = self.tracks.get_mut(self.current) {
            if let Some(bytes) = track.pending.take() {
                self.sink.write(track.step, &bytes)?;
            } else if track.has_ended {
                self.current += 1;
            } else {
                break;
            }
        }
        let is_open = self.tracks.iter().any(|track| !track.has_ended);
        Ok(is_open && !self.sink.is_closed)
    }

    /// The first later step of which something is kept back.
    fn later(&self) -> Option<usize> {
        let mut later = self.tracks.iter().enumerate().skip(self.current + 1);
        later.find(|(_, track)| track.pending.is_some()).map(|(nth, _)| nth)
    }

    /// When the log of the current step has settled; `None` as long as no later one has begun.
    fn settles(&self) -> Option<Instant> {
        let wait = match self.tracks.get(self.current)?.begun {
            Some(_) => SETTLED,
            None => SETTLED_EMPTY,
        };
        let later = self.tracks.iter().skip(self.current + 1);
        let begun = later.filter(|track| track.pending.is_some()).filter_map(|it| it.begun).min();
        Some(begun? + wait)
    }

    fn pass_on(&mut self) {
        if let Some(later) = self.later() {
            self.current = later;
        }
    }

    fn take(&mut self, nth: usize, next: Option<Bytes>, bytes: LogBytes) -> Result<(), Failure> {
        let track = &mut self.tracks[nth];
        let Some(next) = next else {
            track.has_ended = true;
            return Ok(());
        };
        track.bytes = Some(bytes);
        track.begun.get_or_insert_with(Instant::now);
        if nth > self.current {
            track.pending = Some(next);
            return Ok(());
        }
        self.sink.write(track.step, &next)
    }
}

/// Where logs are printed.
struct Sink<W> {
    writer: W,
    /// Only a terminal acts upon what a log holds.
    filter: Option<Filter>,
    /// With the name of each step before its log.
    is_titled: bool,
    last: Option<LogStep>,
    /// The reader has gone.
    is_closed: bool,
}

impl<W: Write> Sink<W> {
    fn write(&mut self, step: LogStep, bytes: &[u8]) -> Result<(), Failure> {
        if self.is_titled && self.last.replace(step) != Some(step) {
            let title = match step {
                LogStep::Setup => "== setup\n".to_owned(),
                LogStep::Step(step) => format!("== step {step}\n"),
            };
            self.print(title.as_bytes())?;
        }
        match &mut self.filter {
            Some(filter) => {
                let shown = filter.pass(bytes);
                self.print(shown.as_bytes())
            }
            None => self.print(bytes),
        }
    }

    fn end(mut self) -> Result<(), Failure> {
        let rest = self.filter.as_mut().map(Filter::end).unwrap_or_default();
        self.print(rest.as_bytes())
    }

    fn print(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.writer.write_all(bytes).and_then(|()| self.writer.flush());
        if let Err(error) = written {
            self.is_closed = true;
            output::unless_closed(error)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    /// A log whose pieces arrive at the given times, in milliseconds after the start.
    fn log(step: u16, pieces: &[(u64, &'static str)], ends: u64) -> (LogStep, LogBytes) {
        let mut pieces: Vec<_> = pieces.iter().map(|(at, text)| (*at, Some(*text))).collect();
        pieces.push((ends, None));
        let start = Instant::now();
        let bytes = stream::iter(pieces).then(move |(at, text)| async move {
            sleep_until(start + Duration::from_millis(at)).await;
            text.map(|text| Ok(Bytes::from(text)))
        });
        (LogStep::Step(step), bytes.filter_map(async |text| text).boxed())
    }

    async fn printed(logs: Vec<(LogStep, LogBytes)>) -> String {
        let mut printed = Vec::new();
        Merge::new(logs, false, &mut printed).print().await.unwrap();
        String::from_utf8(printed).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_logs_of_an_attempt_that_has_ended_stand_in_the_order_of_the_steps() {
        let logs = vec![
            log(0, &[(30, "a\n"), (60, "b\n")], 70),
            log(1, &[], 10),
            log(2, &[(5, "c\n"), (10, "d\n")], 20),
        ];
        assert_eq!(printed(logs).await, "== step 0\na\nb\n== step 2\nc\nd\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_step_waits_until_the_one_before_has_settled() {
        let logs = vec![
            log(0, &[(10, "a\n"), (900, "b\n"), (1800, "c\n"), (5000, "late\n")], 9000),
            log(1, &[], 9000),
            log(2, &[(100, "d\n"), (200, "e\n"), (3500, "f\n")], 9000),
        ];
        let expected = "== step 0\na\nb\nc\n== step 2\nd\ne\nf\n== step 0\nlate\n";
        assert_eq!(printed(logs).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_is_printed_as_it_comes_and_alone_without_a_title() {
        let start = Instant::now();
        assert_eq!(printed(vec![log(3, &[(10, "a"), (20, "b")], 30)]).await, "ab");
        assert!(start.elapsed() < Duration::from_millis(100));
        let none = printed(vec![log(0, &[], 10), log(1, &[], 20)]).await;
        assert_eq!(none, "");
        sleep(Duration::from_millis(1)).await;
    }

    /// A reader that closes its end after this number of bytes.
    struct Closing(usize);

    impl Write for Closing {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0 < bytes.len() {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_without_bytes_keeps_back_no_other_for_long() {
        let logs = vec![log(0, &[], 9000), log(1, &[(10, "a")], 9000)];
        let start = Instant::now();
        // It ends with the first bytes.
        Merge::new(logs, false, Closing(0)).print().await.unwrap();
        assert!(start.elapsed() < Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_goes_ends_it() {
        let logs = vec![log(0, &[(10, "aaaa"), (20, "b")], 1_000_000)];
        let start = Instant::now();
        Merge::new(logs, false, Closing(4)).print().await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}
