//! The findings of `drydock check`, and how they are shown.

use std::fmt::Display;
use std::time::Duration;

use drydock_core::env::Env;
use drydock_core::private;
use serde::Serialize;

use super::{coordination, objects};
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::config::{Config, Loaded};

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Ok,
    /// Works; the operator should know.
    Note,
    /// Works, but requests will wait for it.
    Slow,
    /// Works, but data or availability are at risk.
    Unsafe,
    /// Does not work.
    Missing,
}

#[derive(Debug, Serialize)]
pub struct Finding {
    pub level: Level,
    /// The store, member or folder that was checked.
    pub at: String,
    pub what: String,
}

/// Findings in the order of the checks.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
}

/// Words of errors, and the most likely cause of each.
const HINTS: [(&str, &str); 6] = [
    ("SignatureDoesNotMatch", "the secret key does not belong to the access key"),
    ("InvalidAccessKeyId", "the server does not know the access key"),
    ("AccessDenied", "the access key lacks the permission"),
    ("NoSuchBucket", "there is no such bucket"),
    ("RequestTimeTooSkewed", "the clock of this machine, or of the server, is wrong"),
    ("tls handshake eof", "that port does not speak TLS: `http://`?"),
];

impl Report {
    pub fn add(&mut self, level: Level, at: impl Display, what: impl Display) {
        let what = what.to_string();
        // Servers answer with documents of several lines.
        let mut what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        if level == Level::Missing
            && let Some((_, hint)) = HINTS.iter().find(|(words, _)| what.contains(words))
        {
            what = format!("{hint} ({what})");
        }
        self.findings.push(Finding { level, at: at.to_string(), what });
    }

    /// Adds the duration of an operation, and whether that is too long.
    pub fn time(&mut self, at: impl Display, what: &str, took: Duration, limit: Duration) {
        let level = if took > limit { Level::Slow } else { Level::Ok };
        let (took, limit) = (milliseconds(took), limit.as_millis());
        match level {
            Level::Slow => self.add(level, at, format!("{what}: {took} ms, more than {limit} ms")),
            _ => self.add(level, at, format!("{what}: {took} ms")),
        }
    }

    fn worst(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

pub async fn run(config: Config, json: bool) -> Result<(), Failure> {
    let data_dir = config.data_dir.clone().ok_or_else(|| Loaded::missing("data_dir"))?;
    let (mut report, env) = (Report::default(), Env::system());
    match private::create_dir_all(&data_dir) {
        Ok(()) => report.add(Level::Ok, "data directory", format!("`{}`", data_dir.display())),
        Err(error) => {
            let what = format!("`{}` cannot be made: {error}", data_dir.display());
            report.add(Level::Missing, "data directory", what);
        }
    }
    coordination::check(&config, &data_dir, &env, &mut report).await?;
    objects::check(&config, &data_dir, &env, &mut report).await?;
    if json {
        output::json(&report)?;
    } else {
        for Finding { level, at, what } in &report.findings {
            output::line(format!("{:<8} {at}: {what}", output::name(level)))?;
        }
    }
    match report.worst() {
        Level::Ok | Level::Note | Level::Slow => Ok(()),
        Level::Unsafe => Err(Failure::Failed("check: some findings are unsafe".into())),
        Level::Missing => Err(Failure::Failed("check: some findings are missing".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_finding_is_one_line_that_begins_with_the_likely_cause() {
        let mut report = Report::default();
        let answer = "Error performing PUT: <?xml?>\n<Error><Code>InvalidAccessKeyId</Code>\n";
        report.add(Level::Missing, "bucket", answer);
        report.add(Level::Missing, "etcd", "connection refused");
        let texts: Vec<_> = report.findings.iter().map(|finding| &*finding.what).collect();
        let first = "the server does not know the access key (Error performing PUT: <?xml?> \
            <Error><Code>InvalidAccessKeyId</Code>)";
        assert_eq!(texts, [first, "connection refused"]);
    }
}
