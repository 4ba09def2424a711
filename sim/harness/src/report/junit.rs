//! Reports in JUnit's XML format: a test suite for each scenario, a test case for each seed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Outcome, Verdict, headline};

/// The cases of a report, as runs end.
#[derive(Debug, Default)]
pub struct Junit {
    suites: BTreeMap<String, Vec<Case>>,
}

#[derive(Debug, Serialize)]
#[serde(rename = "testsuites")]
struct Suites<'a> {
    #[serde(rename = "@name")]
    name: &'a str,
    #[serde(rename = "testsuite")]
    suites: Vec<Suite<'a>>,
}

#[derive(Debug, Serialize)]
struct Suite<'a> {
    #[serde(rename = "@name")]
    name: &'a str,
    #[serde(rename = "@tests")]
    tests: usize,
    #[serde(rename = "@failures")]
    failures: usize,
    #[serde(rename = "@errors")]
    errors: usize,
    #[serde(rename = "@time")]
    time: String,
    #[serde(rename = "testcase")]
    cases: &'a [Case],
}

#[derive(Debug, Serialize)]
struct Case {
    #[serde(rename = "@classname")]
    scenario: String,
    #[serde(rename = "@name")]
    name: String,
    #[serde(rename = "@time")]
    time: String,
    #[serde(skip)]
    wall_ms: u64,
    /// The product failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Problem>,
    /// The simulator failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@message")]
    message: String,
    #[serde(rename = "$text")]
    story: String,
}

impl Junit {
    /// Adds a run, with its story if it failed.
    pub fn add(&mut self, outcome: &Outcome, wall_ms: u64, story: Option<String>) {
        let problem = story.map(|story| Problem {
            kind: outcome.verdict.word(),
            message: printable(&headline(outcome)),
            story: printable(&story),
        });
        let (failure, error) = match outcome.verdict {
            Verdict::Broken => (None, problem),
            _ => (problem, None),
        };
        self.suites.entry(outcome.scenario.clone()).or_default().push(Case {
            scenario: outcome.scenario.clone(),
            name: format!("seed {}", outcome.seed),
            time: seconds(wall_ms),
            wall_ms,
            failure,
            error,
        });
    }

    /// The document.
    ///
    /// # Panics
    /// Never: texts and numbers have a form in XML.
    pub fn to_xml(&self, name: &str) -> String {
        let suites = self.suites.iter().map(|(name, cases)| Suite {
            name,
            tests: cases.len(),
            failures: cases.iter().filter(|case| case.failure.is_some()).count(),
            errors: cases.iter().filter(|case| case.error.is_some()).count(),
            time: seconds(cases.iter().map(|case| case.wall_ms).sum()),
            cases,
        });
        let suites = Suites { name, suites: suites.collect() };
        let xml = quick_xml::se::to_string(&suites).expect("texts and numbers have a form in XML");
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}\n")
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// XML has no form for most control characters.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}
