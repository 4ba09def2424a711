//! What a run comes to, told at the end of its trace: modes, lineages, positions, leases, attempts,
//! and what the oracles say. Each has the time at which it came about.

use std::collections::BTreeMap;
use std::time::Duration;

use drydock_harness::record::trace::{OUTCOME, VIOLATION};
use drydock_harness::record::{About, Cause, Recorder, Seq, When};
use drydock_harness::report::{Outcome, Violation};
use drydock_runservice::record::Attempt;
use uuid::Uuid;

use crate::check::runs::walk;
use crate::history::Operation;
use crate::plan::Service;
use crate::plan::hosts::executor_name;
use crate::product::RunContext;
use crate::timeline::Timeline;

/// Whose lane attempts of an unknown executor are in, and everything that belongs to no host.
const NOBODY: &str = "run";

/// Tells everything.
pub fn tell(
    context: &RunContext,
    timelines: &BTreeMap<Service, Timeline>,
    operations: &[Operation],
    outcome: &Outcome,
) {
    let recorder = &context.recorder;
    load(context);
    for (service, timeline) in timelines {
        States { recorder, service: service.name() }.tell(timeline);
    }
    if let Some(timeline) = timelines.get(&Service::Runservice) {
        attempts(context, timeline);
    }
    let checks = &outcome.checks;
    let finder = Finder { context, timelines, operations };
    for (number, violation) in checks.violations.iter().enumerate() {
        finder.violated(number, violation);
    }
    recorder.trace(NOBODY, || {
        let about = About::new(OUTCOME).with("verdict", outcome.verdict.word());
        let about = about.with("fingerprint", &*outcome.fingerprint);
        let about = about.with("events", outcome.events).with("pending", &*checks.pending);
        about.text(drydock_harness::report::headline(outcome))
    });
}

/// A value that is in force until the next one of the same track.
fn state(recorder: &Recorder, track: &str, when: When, value: impl ToString) {
    recorder.trace(NOBODY, || {
        let value = value.to_string();
        let cause = match when {
            When::Event(seq) => Some(Cause::Event(seq)),
            When::At(_) => None,
        };
        let about = About::new("state").when(when).because(cause).with("track", track);
        about.with("value", &*value).text(format!("{track}: {value}"))
    });
}

fn load(context: &RunContext) {
    let end = Duration::from_millis(context.plan.load_ms);
    let states = [(Duration::ZERO, "on"), (end, "over, everything must converge")];
    for (at, value) in states {
        // A run may end before that.
        if at <= context.recorder.now() {
            state(&context.recorder, "load", When::At(at), value);
        }
    }
}

/// The states of one service.
struct States<'a> {
    recorder: &'a Recorder,
    service: &'static str,
}

impl States<'_> {
    fn tell(&self, timeline: &Timeline) {
        for (era, began) in timeline.began.iter().enumerate() {
            self.state("store", *began, format!("store {}", era + 1));
        }
        for mode in &timeline.modes {
            let mode_now = format!("{:?} {}", mode.value.mode, mode.value.generation);
            self.state("mode", mode.seq, mode_now.to_lowercase());
        }
        let mut lineage = None;
        for head in &timeline.heads {
            if lineage.replace(head.value.lineage) != Some(head.value.lineage) {
                self.state("lineage", head.seq, head.value.lineage);
            }
            self.state("position", head.seq, head.value.position);
        }
        for it in &timeline.archived {
            self.state("archived", it.seq, it.value.position);
        }
        for it in &timeline.checkpoints {
            self.state("checkpoint", it.seq, it.value.position);
        }
        for it in &timeline.recoveries {
            self.state("recovery", it.seq, format!("back to {}", it.value.position));
        }
        self.leases(timeline);
    }

    /// Instances, as long as their leases live.
    fn leases(&self, timeline: &Timeline) {
        let mut hosts = BTreeMap::<&str, String>::new();
        let mut steps: Vec<(Seq, &str, Option<String>)> = Vec::new();
        for it in &timeline.instances {
            let host = it.value.address.split(':').next().unwrap_or_default().to_owned();
            hosts.insert(&it.value.id, host);
            let step = format!("{:?}, mode {} acknowledged", it.value.state, it.value.generation);
            steps.push((it.seq, &it.value.id, Some(step.to_lowercase())));
        }
        for it in &timeline.instance_ends {
            steps.push((it.seq, &it.value, None));
        }
        steps.sort_by_key(|(seq, ..)| *seq);
        let mut told = BTreeMap::new();
        for (seq, id, step) in steps {
            let Some(host) = hosts.get(id) else { continue };
            let value = step.unwrap_or_else(|| "no lease".to_owned());
            // Renewals are many, and say nothing new.
            if told.insert(host, value.clone()).as_ref() != Some(&value) {
                let track = format!("{host} lease");
                state(self.recorder, &track, When::Event(seq), value);
            }
        }
    }

    fn state(&self, name: &str, seq: Seq, value: impl ToString) {
        let track = format!("{} {name}", self.service);
        state(self.recorder, &track, When::Event(seq), value);
    }
}

/// Attempts of tasks, from their claims until they are final.
fn attempts(context: &RunContext, timeline: &Timeline) {
    let recorder = &context.recorder;
    let mut begun = BTreeMap::<Uuid, Option<u64>>::new();
    walk(timeline, |change| {
        let host = |attempt: &Attempt| {
            let executor = change.now.executors.get(&attempt.executor.0);
            let host = executor.and_then(|it| host_of(context, &it.name.to_string()));
            host.unwrap_or_else(|| NOBODY.to_owned())
        };
        for (before, attempt) in change.attempts() {
            let Attempt { id, name, run, number, phase, .. } = attempt;
            let when = When::Event(change.seq);
            let n = *begun.entry(id.0).or_insert_with(|| {
                recorder.trace(&host(attempt), || {
                    let about = About::new("attempt").when(when);
                    let about = about.because(Some(Cause::Event(change.seq)));
                    let about = about.with("attempt", id.to_string()).with("run", run.to_string());
                    about.text(format!("attempt {number} of {name} of run {run}"))
                })
            });
            let Some(n) = n else { continue };
            if before.is_some_and(|before| before.phase == *phase) {
                continue;
            }
            recorder.trace(&host(attempt), || {
                let about = match phase.is_final() {
                    true => About::end(Cause::Record(n)).with("outcome", phase.to_string()),
                    false => About::new("phase").because(Some(Cause::Record(n))),
                };
                about.when(when).with("attempt", id.to_string()).text(phase)
            });
        }
    });
}

/// The host of an executor: one that has lost its name has taken another that begins with it.
fn host_of(context: &RunContext, name: &str) -> Option<String> {
    let mut hosts = (1..=context.plan.topology.executors).map(executor_name);
    hosts.find(|host| {
        let rest = name.strip_prefix(host.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// Where the events are looked for that violations name.
struct Finder<'a> {
    context: &'a RunContext,
    timelines: &'a BTreeMap<Service, Timeline>,
    operations: &'a [Operation],
}

impl Finder<'_> {
    /// Tells of a violation, and at which events the two things happened that it names.
    fn violated(&self, number: usize, violation: &Violation) {
        let recorder = &self.context.recorder;
        let Violation { oracle, sentence, facts } = violation;
        let events = facts.each_ref().map(|fact| self.event(fact));
        let last = events.iter().flatten().max().copied();
        for (nth, (fact, event)) in facts.iter().zip(events).enumerate() {
            let Some(seq) = event else { continue };
            recorder.trace(NOBODY, || {
                let about = About::new("fact").when(When::Event(seq));
                let about = about.because(Some(Cause::Event(seq))).with("fact", nth + 1);
                about.with("violation", number).text(fact)
            });
        }
        recorder.trace(NOBODY, || {
            let when = last.map_or(When::At(recorder.now()), When::Event);
            let about = About::new(VIOLATION).when(when).because(last.map(Cause::Event));
            let about = about.with("violation", number).with("oracle", &**oracle);
            about.with("facts", facts.to_vec()).text(sentence)
        });
    }

    /// The event that a fact names: a call, what somebody did, or a position of the log.
    fn event(&self, fact: &str) -> Option<Seq> {
        let call = self.operations.iter().find(|it| fact.contains(&it.to_string()));
        let done = || {
            let entries = self.context.ledger.entries();
            entries.iter().find(|it| fact.contains(&it.to_string())).map(|it| it.seq)
        };
        call.map(|it| it.called).or_else(done).or_else(|| self.position(fact))
    }

    /// When the log first came to the position that a fact names.
    fn position(&self, fact: &str) -> Option<Seq> {
        let (_, after) = fact.split_once("position ")?;
        let digits = after.split(|it: char| !it.is_ascii_digit()).next()?;
        let position: u64 = digits.parse().ok()?;
        let heads = self.timelines.values().flat_map(|timeline| &timeline.heads);
        heads.filter(|it| it.value.position == position).map(|it| it.seq).min()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use drydock_harness::record::{Sink, Trace};

    use super::*;
    use crate::plan::{Fidelity, Plan};
    use crate::run::{Options, run};
    use crate::scenario::Scenario;

    /// A short run of a scenario, and its trace.
    fn traced(scenario: &str) -> (Plan, Outcome, Trace) {
        let mut plan = Scenario::find(scenario).unwrap().plan(1, Fidelity::Wire);
        plan.load_ms = plan.load_ms.min(8_000);
        let file = tempfile::NamedTempFile::new().unwrap();
        let sink = Box::new(file.reopen().unwrap()) as Sink;
        let outcome = run(&plan, Options { trace: Some(sink), ..Options::default() });
        (plan, outcome, Trace::read(file.path()).unwrap())
    }

    #[test]
    fn a_trace_has_what_happened_with_its_causes_and_changes_nothing() {
        let (plan, outcome, trace) = traced("runs-under-load");
        assert_eq!(outcome.fingerprint, run(&plan, Options::default()).fingerprint);
        assert_eq!(trace.header.seed, plan.seed);
        let events = trace.records.iter().filter(|it| it.event.is_some()).count() as u64;
        assert_eq!(events, outcome.events);
        let kinds: BTreeSet<_> = trace.records.iter().map(|it| &*it.kind).collect();
        for kind in ["call", "request", "coordination", "object", "lease", "log", "process"] {
            assert!(kinds.contains(kind), "{kind} is not in {kinds:?}");
        }
        let tracks: BTreeSet<_> = trace.records.iter().filter_map(|it| it.field("track")).collect();
        for track in ["load", "runservice lineage", "runservice position", "runservice-1 lease"] {
            assert!(tracks.contains(track), "{track} is not in {tracks:?}");
        }
        let parent = |n: u64| &trace.records[usize::try_from(n).unwrap()];
        let requests: Vec<_> = trace.records.iter().filter(|it| it.kind == "request").collect();
        let calls = requests.iter().filter_map(|it| it.parent).map(parent);
        let known = calls.filter(|it| it.kind == "call").count();
        assert!(known * 10 > requests.len() * 7, "{known} of {} are known", requests.len());
        // Their clients wait for them, and at whom they are made.
        for request in requests.iter().filter(|it| it.parent.is_some()) {
            let call = parent(request.parent.unwrap());
            assert_eq!(call.field("server"), Some(&*request.host), "{request:?}");
            // Hosts take turns within a tick.
            assert!(call.ms <= request.ms + plan.tick_ms, "{call:?} {request:?}");
        }
        assert!(trace.records.iter().any(|it| it.kind == "attempt" && it.host == "executor-1"));
        let last = trace.records.last().unwrap();
        assert_eq!((&*last.kind, last.field("verdict")), (OUTCOME, Some(outcome.verdict.word())));
    }

    #[test]
    fn a_violation_stands_where_its_facts_are() {
        let plan = Scenario::find("partition").unwrap().plan(0, Fidelity::Direct);
        let file = tempfile::NamedTempFile::new().unwrap();
        let sink = Box::new(file.reopen().unwrap()) as Sink;
        let context = RunContext::new(&plan, None, Some(sink));
        let call = crate::history::Call::Status;
        let server = crate::history::Server::Gateway(1);
        let number = context.history.called("client-1", server, call);
        let answer = crate::history::Answer::Unknown("no answer".to_owned());
        context.history.ended(number, answer);
        let operations = context.history.operations();
        let said = format!("as {} says", operations[0]);
        let violation = Violation::new("numbers", "one is not two", said, "nobody knows when");
        let finder =
            Finder { context: &context, timelines: &BTreeMap::new(), operations: &operations };
        finder.violated(0, &violation);
        context.recorder.fingerprint();
        let Trace { records, .. } = Trace::read(file.path()).unwrap();
        let called = records.iter().find(|it| it.kind == "call").unwrap().n;
        let facts: Vec<_> = records.iter().filter(|it| it.kind == "fact").collect();
        assert_eq!(facts.len(), 1);
        assert_eq!((facts[0].parent, &facts[0].fields["fact"]), (Some(called), &1.into()));
        let told = records.last().unwrap();
        assert_eq!(
            (&*told.kind, told.parent, told.text()),
            (VIOLATION, Some(called), "one is not two")
        );
    }
}
