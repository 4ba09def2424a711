//! What the product logs, searched for secrets.
//!
//! Only of plans with gateways, where secrets and tokens travel; formatting every line costs time.
//! Others may listen, too: who reads the log, and who writes the trace.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

use crate::history::MARKER;
use crate::plan::Plan;
use crate::plan::identity::{admin_token, token};

/// What every token of a user begins with, and nothing else.
const TOKEN_PREFIX: &str = "drydock_";
/// Hexadecimal digits after it.
const TOKEN_DIGITS: usize = 64;

/// Somebody who listens to what the product logs.
pub type Listener = Box<dyn Layer<Registry> + Send + Sync>;

pub struct Log {
    found: Arc<Found>,
    _guard: Option<DefaultGuard>,
}

#[derive(Default)]
struct Found {
    lines: AtomicU64,
    /// The first line that holds a secret.
    told: Mutex<Option<String>>,
}

impl Log {
    /// Listens to this thread until it is dropped, as `others` do.
    pub fn listen(plan: &Plan, mut others: Vec<Listener>) -> Log {
        let found = Arc::<Found>::default();
        let silent = tracing::dispatcher::get_default(|it| it.is::<NoSubscriber>());
        if plan.topology.gateways > 0 && silent {
            let search = Search { found: found.clone(), known: known() };
            let wanted = filter_fn(|it| it.target().starts_with("drydock") || !is_trace(it));
            others.push(search.with_filter(wanted).boxed());
        }
        let listens = !others.is_empty();
        let subscriber = || tracing_subscriber::registry().with(others);
        let guard = listens.then(|| tracing::subscriber::set_default(subscriber()));
        Log { found, _guard: guard }
    }

    /// How many lines were looked at.
    pub fn lines(&self) -> u64 {
        self.found.lines.load(Ordering::Relaxed)
    }

    pub fn told(&self) -> Option<String> {
        self.found.told.lock().expect("no holder of this lock panics").clone()
    }
}

/// The secrets that are the same in every run.
fn known() -> Vec<String> {
    let tokens = [admin_token(), token()];
    let tokens = tokens.iter().map(|token| token.expose_secret().to_owned());
    tokens.chain([MARKER.to_owned()]).collect()
}

struct Search {
    found: Arc<Found>,
    known: Vec<String>,
}

impl Search {
    fn look(&self, what: &str, visit: impl FnOnce(&mut Line)) {
        let mut line = Line(what.to_owned());
        visit(&mut line);
        self.found.lines.fetch_add(1, Ordering::Relaxed);
        let Line(line) = line;
        if self.known.iter().any(|secret| line.contains(secret)) || holds_token(&line) {
            let mut told = self.found.told.lock().expect("no holder of this lock panics");
            told.get_or_insert(line);
        }
    }
}

fn holds_token(line: &str) -> bool {
    line.match_indices(TOKEN_PREFIX).any(|(at, _)| {
        let rest = line[at + TOKEN_PREFIX.len()..].bytes();
        rest.take_while(u8::is_ascii_hexdigit).count() >= TOKEN_DIGITS
    })
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string takes everything");
    }
}

fn is_trace(metadata: &Metadata<'_>) -> bool {
    *metadata.level() == Level::TRACE
}

impl<S: Subscriber> Layer<S> for Search {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.look(span.metadata().name(), |line| span.record(line));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.look("recorded", |line| values.record(line));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.look(event.metadata().target(), |line| event.record(line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Fidelity;
    use crate::scenario::Scenario;

    #[test]
    fn a_secret_in_a_line_a_field_or_a_span_is_found() {
        let plan = Scenario::find("gateway").unwrap().plan(0, Fidelity::Direct);
        let token = format!("{TOKEN_PREFIX}{}", "0f".repeat(32));
        let lines: [&dyn Fn(); 4] = [
            &|| tracing::info!("it is {MARKER}-7"),
            &|| tracing::debug!(token, "presented"),
            &|| drop(tracing::info_span!("request", admin = admin_token().expose_secret())),
            &|| tracing::trace!(?token),
        ];
        for line in lines {
            let log = Log::listen(&plan, Vec::new());
            tracing::info!(token = "drydock_0f", "nothing to hide");
            assert_eq!(log.told(), None);
            line();
            assert!(log.told().is_some());
            assert_eq!(log.lines(), 2);
        }
    }
}
