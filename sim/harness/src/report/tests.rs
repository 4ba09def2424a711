use std::path::{Path, PathBuf};

use super::*;

/// A run that violated one oracle twice and another one once.
const COMMANDS: Commands = Commands { replay: "sim replay", open: Some("sim open") };

fn violated() -> Outcome {
    let mut outcome = Outcome::unfinished("partition", 7);
    outcome.verdict = Verdict::Violated;
    outcome.fingerprint = "0123456789abcdef".to_owned();
    for (oracle, sentence) in
        [("log", "a commit | is\ngone"), ("log", "another one is"), ("reads", "one is <stale>")]
    {
        outcome.checks.violated(Violation::new(oracle, sentence, "was 1", "is 2, 100%"));
    }
    outcome
}

fn broken() -> Outcome {
    let mut outcome = Outcome::unfinished("partition", 8);
    outcome.broken = Some("no space left\u{1b}[0m".to_owned());
    outcome
}

fn fine() -> Outcome {
    Outcome { verdict: Verdict::Fine, ..Outcome::unfinished("calm", 1) }
}

fn tally() -> Tally {
    let mut tally = Tally::new(["seen", "unseen"], ["step"]);
    let file = |name: &str| PathBuf::from(format!("target/sim/{name}.toml"));
    for outcome in [fine(), violated(), broken()] {
        tally.add(&outcome);
        if outcome.verdict != Verdict::Fine {
            tally.add_failed(&outcome, file(&outcome.seed.to_string()));
        }
    }
    tally
}

#[test]
fn a_story_tells_one_violation_of_each_oracle_or_all_of_them() {
    let file = Path::new("a.toml");
    let short = failure(&violated(), file, COMMANDS, Detail::Short);
    assert_eq!(
        short,
        "FAIL partition seed 7: log: a commit | is\ngone\n  was 1\n  is 2, 100%\n\
         reads: one is <stale>\n  was 1\n  is 2, 100%\n  \
         and 1 more violations of these oracles (--verbose)\n\
         fingerprint: 0123456789abcdef\nplan: a.toml\nreplay: sim replay a.toml\n\
         open: sim open a.toml"
    );
    let all = failure(&violated(), file, COMMANDS, Detail::Everything);
    assert!(all.contains("log: another one is\n") && !all.contains("more violations"), "{all}");
}

#[test]
fn every_failure_is_named_at_the_end() {
    let shown = tally().show(2.0);
    for line in [
        "failed: partition:7: log: a commit | is gone (target/sim/7.toml)",
        "failed: partition:8: the simulator failed: no space left",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(shown.ends_with(", 2 failed"), "{shown}");
    assert!(!shown.contains("never"), "{shown}");
    assert!(tally().never().starts_with("never reached: seen, unseen\n"));
}

#[test]
fn a_program_reads_one_object_a_line() {
    let line = json::run(&violated(), 12, Some(Path::new("a.toml")), COMMANDS);
    let run: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(!line.contains('\n'));
    assert_eq!((&run["type"], &run["verdict"]), (&"run".into(), &"violated".into()));
    assert_eq!(run["failure"]["violations"][2]["oracle"], "reads");
    assert_eq!(run["failure"]["replay"], "sim replay a.toml");
    let run: serde_json::Value =
        serde_json::from_str(&json::run(&fine(), 12, None, COMMANDS)).unwrap();
    assert_eq!((&run["wall_ms"], run.get("failure")), (&12.into(), None));
    let all: serde_json::Value = serde_json::from_str(&json::summary(&tally(), 2.0, 1)).unwrap();
    assert_eq!(
        (&all["seeds"], &all["failed"], &all["exit_code"]),
        (&3.into(), &2.into(), &1.into())
    );
    assert_eq!(all["failures"][0]["file"], "target/sim/7.toml");
}

#[test]
fn junit_has_a_case_for_each_seed_and_tells_the_product_from_the_simulator() {
    let mut junit = junit::Junit::default();
    junit.add(&fine(), 1500, None);
    for outcome in [violated(), broken()] {
        let story = failure(&outcome, Path::new("a.toml"), COMMANDS, Detail::Everything);
        junit.add(&outcome, 250, Some(story));
    }
    let xml = junit.to_xml("drydock-sim");
    for part in [
        "<testsuites name=\"drydock-sim\">",
        "<testsuite name=\"calm\" tests=\"1\" failures=\"0\" errors=\"0\" time=\"1.500\">",
        "<testsuite name=\"partition\" tests=\"2\" failures=\"1\" errors=\"1\" time=\"0.500\">",
        "<testcase classname=\"partition\" name=\"seed 7\" time=\"0.250\"><failure \
         type=\"violated\" message=\"log: a commit | is gone\">",
        "one is &lt;stale&gt;",
        "<error type=\"simulator broken\" message=\"the simulator failed: no space \
         left\u{fffd}[0m\">",
    ] {
        assert!(xml.contains(part), "{part}\n{xml}");
    }
}

#[test]
fn annotations_and_the_page_hold_any_text() {
    let annotation = github::annotation(&violated(), "one\n100%");
    assert_eq!(
        annotation,
        "::error title=partition seed 7%3A log%3A a commit | is gone::one%0A100%25"
    );
    let page = github::page(&tally(), 2.0, "", "sim replay");
    let row = "| partition:7 | log: a commit \\| is gone | `sim replay target/sim/7.toml` |";
    assert!(page.contains(row), "{page}");
}
