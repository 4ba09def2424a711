//! What the product's processes handle and say, for the trace of a run: the spans of requests, and
//! lines of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::sync::{Mutex, MutexGuard};

use drydock_harness::fault::Faults;
use drydock_harness::record::{About, Cause, Recorder, Seq, trace};
use drydock_harness::world::{current_host, last_sender};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::RunContext;
use crate::history::History;

/// The span of a request, which has its id.
const REQUEST: &str = "request";

/// Puts requests and log lines into the trace.
pub struct Told {
    recorder: Recorder,
    faults: Faults,
    history: History,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest request of each id and host: gateways and instances pass them on.
    requests: BTreeMap<(String, String), u64>,
    /// Calls that some server has seen.
    arrived: BTreeSet<Seq>,
}

/// A request under way.
struct Begun {
    n: u64,
    host: String,
}

impl Told {
    pub fn new(context: &RunContext) -> Told {
        Told {
            recorder: context.recorder.clone(),
            faults: context.faults.clone(),
            history: context.history.clone(),
            state: Mutex::default(),
        }
    }

    /// The call of a client that a request on `host` belongs to, as far as there is no doubt: of
    /// those that are under way from where its bytes came, the only one that has not arrived yet,
    /// or the only one.
    fn call(&self, host: &str) -> Option<Cause> {
        let calls = self.history.under_way(&last_sender()?);
        let here = calls.into_iter().filter(|(_, server)| server.to_string() == host);
        let here: Vec<Seq> = here.map(|(seq, _)| seq).collect();
        let mut state = self.state();
        let fresh: Vec<Seq> =
            here.iter().copied().filter(|seq| !state.arrived.contains(seq)).collect();
        let found = match (&*fresh, &*here) {
            ([one], _) | ([], [one]) => *one,
            _ => return None,
        };
        state.arrived.insert(found);
        Some(Cause::Event(found))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Told {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != REQUEST {
            return;
        }
        let (Some(host), Some(span)) = (current_host(), context.span(id)) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let [id, method, route] = ["id", "method", "route"].map(|name| fields.take(name));
        let sender = last_sender().map(|sender| (id.clone(), sender));
        let passed_on = sender.and_then(|it| self.state().requests.get(&it).copied());
        let passed_on = passed_on.map(Cause::Record);
        let cause = passed_on.or_else(|| self.call(&host));
        let n = self.recorder.trace(&host, || {
            let about = About::new("request").because(cause).with("request", &*id);
            about.text(format!("{method} {route}"))
        });
        let Some(n) = n else { return };
        self.state().requests.insert((id, host.clone()), n);
        span.extensions_mut().insert(Begun { n, host });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(Begun { n, .. }) = span.extensions().get()
        {
            trace::enter(Cause::Record(*n));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let begun = |span: &tracing_subscriber::registry::SpanRef<'_, S>| {
            span.extensions().get::<Begun>().is_some()
        };
        if context.span(id).is_some_and(|span| begun(&span)) {
            trace::leave();
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let begun = span.extensions_mut().remove::<Begun>();
        // Destructors of a host that dies run when nobody may ask for the time.
        if let Some(Begun { n, host }) = begun.filter(|it| !self.faults.is_dying(&it.host)) {
            self.recorder.trace(&host, || About::end(Cause::Record(n)).with("outcome", "done"));
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(host) = current_host().filter(|host| !self.faults.is_dying(host)) else { return };
        self.recorder.trace(&host, || {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let metadata = event.metadata();
            let about = About::new("log").because(trace::current());
            let about = about.with("level", metadata.level().as_str().to_lowercase());
            about.with("target", metadata.target()).text(fields.line())
        });
    }
}

/// The fields of a span or an event, by name.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn take(&mut self, name: &str) -> String {
        let found = self.0.iter_mut().find(|(known, _)| *known == name);
        found.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }

    /// The message, then the others.
    fn line(mut self) -> String {
        let mut line = self.take("message");
        for (name, value) in self.0.iter().filter(|(name, _)| *name != "message") {
            write!(line, " {name}={value}").expect("a string takes everything");
        }
        line
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }
}
