//! Which lines of a run are told.

use std::collections::BTreeSet;

use drydock_harness::record::Trace;
use drydock_harness::record::trace::{END, OUTCOME, Record, VIOLATION};

use super::args::ReplayArgs;

/// Told apart from the story: at the end of a run there is a report of them.
const APART: [&str; 4] = [VIOLATION, OUTCOME, "fact", "state"];
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

impl ReplayArgs {
    /// Whether lines are chosen by what only a trace knows.
    pub fn asks_for_causes(&self) -> bool {
        self.call.is_some() || self.object.is_some() || self.level.is_some()
    }

    /// From which level on the product's log is shown.
    pub fn shown_log(&self) -> Option<String> {
        self.log.clone().or_else(|| self.level.clone())
    }
}

/// The lines of a story, as far as they were asked for.
pub fn of_events<'a>(story: &'a str, args: &'a ReplayArgs) -> impl Iterator<Item = &'a str> {
    story.lines().filter(|line| {
        let host = host(line);
        is_of_host(host, host == "log", args) && has_text(line, args)
    })
}

/// The lines of a trace, as far as they were asked for, in the order of time; events as `story` has
/// them.
pub fn of_trace(trace: &Trace, story: &str, args: &ReplayArgs) -> Vec<String> {
    let events: Vec<&str> = story.lines().filter(|line| host(line) != "log").collect();
    let chosen = chosen(trace, args);
    let mut records: Vec<&Record> = trace.records.iter().collect();
    records.sort_by_key(|it| (it.ms, it.n));
    let wanted = records.into_iter().filter(|it| {
        !APART.contains(&&*it.kind)
            && chosen.as_ref().is_none_or(|chosen| chosen.contains(&it.n))
            && is_loud(it, args)
            && is_of_host(&it.host, false, args)
    });
    let lines = wanted.map(|it| {
        let event = it.event.and_then(|seq| events.get(usize::try_from(seq).ok()?));
        event.map_or_else(|| line(trace, it), |line| (*line).to_owned())
    });
    lines.filter(|line| has_text(line, args)).collect()
}

fn host(line: &str) -> &str {
    line.split_whitespace().nth(1).unwrap_or_default()
}

fn is_of_host(host: &str, always: bool, args: &ReplayArgs) -> bool {
    always || args.host.is_empty() || args.host.iter().any(|it| it == host)
}

fn has_text(line: &str, args: &ReplayArgs) -> bool {
    args.grep.as_ref().is_none_or(|text| line.contains(text))
}

/// Whether a line of the log is as grave as was asked for. What is no log is not concerned.
fn is_loud(record: &Record, args: &ReplayArgs) -> bool {
    let rank = |level: &str| LEVELS.iter().position(|it| *it == level);
    match (record.field("level").and_then(rank), args.level.as_deref().and_then(rank)) {
        (Some(of), Some(least)) => of <= least,
        _ => true,
    }
}

/// The records of a call or of an object; none: all of them.
fn chosen(trace: &Trace, args: &ReplayArgs) -> Option<BTreeSet<u64>> {
    let of_call = args.call.map(|call| of_call(trace, call));
    let of_object = args.object.as_deref().map(|object| of_object(trace, object));
    match (of_call, of_object) {
        (Some(one), Some(other)) => Some(one.intersection(&other).copied().collect()),
        (one, other) => one.or(other),
    }
}

/// A call and everything that it has caused.
fn of_call(trace: &Trace, call: u64) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for record in &trace.records {
        let is_it = record.kind == "call" && record.fields.get("call") == Some(&call.into());
        // Causes come before what they cause.
        if is_it || record.parent.is_some_and(|parent| found.contains(&parent)) {
            found.insert(record.n);
        }
    }
    found
}

/// What names an object, with where it began and how it ended.
fn of_object(trace: &Trace, object: &str) -> BTreeSet<u64> {
    let names = |record: &Record| {
        let mut texts = record.fields.values().filter_map(serde_json::Value::as_str);
        texts.any(|text| text.contains(object))
    };
    let mut found = BTreeSet::new();
    for record in trace.records.iter().filter(|it| names(it)) {
        found.insert(record.n);
        found.extend(record.parent.filter(|_| record.kind == END));
    }
    let is_end = |it: &&Record| it.kind == END && it.parent.is_some_and(|n| found.contains(&n));
    let ends: Vec<u64> = trace.records.iter().filter(is_end).map(|it| it.n).collect();
    found.extend(ends);
    found
}

/// A record that is no event.
fn line(trace: &Trace, record: &Record) -> String {
    let Record { ms, host, kind, .. } = record;
    let seconds = *ms as f64 / 1000.0;
    let begun = record.parent.and_then(|n| trace.records.get(usize::try_from(n).ok()?));
    let what = match (&**kind, begun) {
        (END, Some(begun)) => {
            let outcome = record.field("outcome").unwrap_or_default();
            let text = match record.text() {
                "" => String::new(),
                text => format!(", {text}"),
            };
            format!("{} {} = {outcome}{text}", begun.kind, begun.text())
        }
        ("log", _) => {
            let level = record.field("level").unwrap_or_default().to_uppercase();
            format!("{level} {}: {}", record.field("target").unwrap_or_default(), record.text())
        }
        _ => format!("{kind} {}", record.text()),
    };
    format!("{seconds:>10.3} {host:<14} {what}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::command::{Args, Command};

    const STORY: &str = "     0.001 client-1       #3 → server: create user-1\n     \
                         0.004 log            INFO drydock: hello\n     \
                         0.009 client-1       #3 = ok 0a-7\n";
    const TRACE: &str = concat!(
        r#"{"trace":1,"program":"p","scenario":"s","seed":7,"fidelity":"f","hosts":[],"plan":""}"#,
        "\n",
        r#"{"n":0,"event":0,"ms":1,"host":"client-1","kind":"call","call":3,"#,
        r#""text":"create user-1"}"#,
        "\n",
        r#"{"n":1,"ms":3,"host":"server","kind":"request","parent":0,"text":"POST /users"}"#,
        "\n",
        r#"{"n":2,"ms":4,"host":"server","kind":"log","level":"info","#,
        r#""target":"drydock","text":"hi"}"#,
        "\n",
        r#"{"n":3,"ms":5,"host":"server","kind":"log","level":"warn","#,
        r#""target":"drydock","text":"oh"}"#,
        "\n",
        r#"{"n":4,"ms":8,"host":"server","kind":"end","parent":1,"outcome":"done"}"#,
        "\n",
        r#"{"n":5,"event":1,"ms":9,"host":"client-1","kind":"end","parent":0,"text":"ok 0a-7"}"#,
        "\n",
    );

    fn told(options: &[&str]) -> Vec<String> {
        let words = ["drydock-sim", "replay", "x:1"].iter().chain(options);
        let Some(Command::Replay(args)) = Args::try_parse_from(words).unwrap().command else {
            panic!("it is the command");
        };
        assert_eq!(args.asks_for_causes(), options[0] != "--host");
        let lines = match args.asks_for_causes() {
            true => of_trace(&Trace::parse("t", TRACE).unwrap(), STORY, &args),
            false => of_events(STORY, &args).map(str::to_owned).collect(),
        };
        lines.iter().map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn a_call_is_told_with_what_it_caused() {
        let lines = [
            "0.001 client-1       #3 → server: create user-1",
            "0.003 server         request POST /users",
            "0.008 server         request POST /users = done",
            "0.009 client-1       #3 = ok 0a-7",
        ];
        assert_eq!(told(&["--call", "3"]), lines);
        assert_eq!(told(&["--call", "#3", "--host", "server"]), lines[1..3]);
        assert!(told(&["--call", "4"]).is_empty());
    }

    #[test]
    fn an_object_is_told_by_who_names_it_in_a_call_or_an_answer() {
        let both = [
            "0.001 client-1       #3 → server: create user-1",
            "0.009 client-1       #3 = ok 0a-7",
        ];
        assert_eq!(told(&["--object", "0a-7"]), both);
        assert_eq!(told(&["--object", "user-1"]), both);
    }

    #[test]
    fn a_level_is_one_of_the_log_and_of_nothing_else() {
        let lines = told(&["--level", "warn"]);
        assert!(lines.contains(&"0.005 server         WARN drydock: oh".to_owned()), "{lines:?}");
        assert_eq!((lines.len(), told(&["--level", "info"]).len()), (5, 6));
        assert_eq!(told(&["--host", "server"]), ["0.004 log            INFO drydock: hello"]);
        assert!(Args::try_parse_from(["drydock-sim", "replay", "x:1", "--level", "loud"]).is_err());
    }
}
