//! Warnings that repeat: the first comes at once, the others as a count from time to time.
//!
//! Through an outage many tasks and requests say the same again and again. Two lines are the same
//! if they come from the same place in code with the same values; spans, and so ids of requests, do
//! not count. Lines below the level of warnings are never held back.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata};
use tracing_subscriber::layer::{Context, Filter};

const PERIOD: Duration = Duration::from_secs(30);
/// The different lines that are remembered at most; beyond, lines are not held back.
const MAX_LINES: usize = 1000;
/// The target of counts.
const TARGET: &str = "drydock::repeated";

/// Clones count together.
#[derive(Clone, Default)]
pub struct Repeats(Arc<Mutex<BTreeMap<Place, u64>>>);

/// Where a line comes from, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    target: String,
    line: Option<u32>,
    text: String,
}

impl Repeats {
    /// Counts what was held back, in one line each, until the future is dropped.
    pub async fn count(self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            self.report();
        }
    }

    fn report(&self) {
        let counted: Vec<_> = {
            let mut seen = self.lock();
            // What did not come again is new the next time.
            seen.retain(|_, times| *times > 0);
            let counts =
                seen.iter_mut().map(|(place, times)| (place.clone(), std::mem::take(times)));
            counts.collect()
        };
        for (Place { target, text, .. }, times) in counted {
            let seconds = PERIOD.as_secs();
            tracing::warn!(target: TARGET, times, within_s = seconds, "{target}: {text}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, u64>> {
        self.0.lock().expect("no holder panics")
    }
}

impl<S> Filter<S> for Repeats {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let about = event.metadata();
        if *about.level() > Level::WARN || about.target() == TARGET {
            return true;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let (target, line) = (about.target().to_owned(), about.line());
        let place = Place { target, line, text: text.0 };
        let mut seen = self.lock();
        if let Some(times) = seen.get_mut(&place) {
            *times += 1;
            return false;
        }
        if seen.len() < MAX_LINES {
            seen.insert(place, 0);
        }
        true
    }
}

/// The message and the other values of a line.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        let written = match field.name() {
            "message" => write!(self.0, "{space}{value:?}"),
            name => write!(self.0, "{space}{name}={value:?}"),
        };
        written.expect("a text grows");
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::{Layer, SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Lines;

        fn make_writer(&self) -> Lines {
            self.clone()
        }
    }

    fn outage() {
        for attempt in 0..5 {
            tracing::warn!(error = "the store is away", "could not archive");
            tracing::info!(attempt, "going on");
        }
        tracing::warn!(error = "the store is full", "could not archive");
    }

    #[test]
    fn a_warning_comes_once_and_then_as_a_count() {
        let (lines, repeats) = (Lines::default(), Repeats::default());
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(lines.clone());
        let filtered = layer.with_filter(repeats.clone());
        let printed = || String::from_utf8(std::mem::take(&mut *lines.0.lock().unwrap())).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(filtered), || {
            outage();
            let first = printed();
            assert_eq!(first.matches("the store is away").count(), 1, "{first}");
            assert_eq!(first.matches("the store is full").count(), 1, "{first}");
            assert_eq!(first.matches("going on").count(), 5, "{first}");
            repeats.report();
            let counted = printed();
            assert_eq!(counted.lines().count(), 1, "{counted}");
            assert!(
                counted.contains("the store is away") && counted.contains("times=4"),
                "{counted}"
            );
            repeats.report();
            outage();
            assert_eq!(printed().matches("the store is away").count(), 1, "it is news again");
        });
    }
}
