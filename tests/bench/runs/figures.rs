//! The figures, each printed beside another of the same turn.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use drydock_api::gateway::GatewayClient;
use drydock_api::gateway::types::{Definition, ProjectRunsQuery, StartRun};
use drydock_api::names::TreeRef;
use drydock_api::runservice::types::Phase;
use drydock_core::context::Context;
use drydock_tests::run::until;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::installation::{Installation, LIMIT, PROJECT, utf8};

/// Runs of one group come one after the other: this many groups have enough to do for all slots.
const GROUPS: usize = 50;
const STEPS: usize = 60;
const LOG_BYTES: usize = 100_000_000;
const MIB: u64 = 1 << 20;
const FIRST_LINE_AIM: Duration = Duration::from_millis(150);
const RUNS_AIM: f64 = 40.0;
const PATIENCE: Duration = Duration::from_secs(60);
const MEMORY_AIM: u64 = 64 * MIB;

/// From the start of `run start` to the first line in the hands of who follows the log.
pub fn first_line(installation: &Installation, times: usize) {
    let file = installation.file("first.yml", &["echo line"]);
    let mut pairs = Vec::new();
    for _ in 0..times {
        let begun = Instant::now();
        let start = ["run", "start", PROJECT, "--branch", "main", "--file", utf8(&file), "--json"];
        let started: Value = serde_json::from_str(&installation.alice(&start)).expect("JSON");
        let number = started["number"].to_string();
        let logs = ["run", "logs", PROJECT, &number, "build", "0", "--follow"];
        let ours = line_of(&mut installation.command(&logs), begun);
        let direct = line_of(Command::new("sh").args(["-c", "echo line"]), Instant::now());
        pairs.push((ours, direct));
    }
    let (ours, direct) = (median(&pairs, |pair| pair.0), median(&pairs, |pair| pair.1));
    let (ours_ms, direct_ms) = (ours.as_secs_f64() * 1e3, direct.as_secs_f64() * 1e3);
    println!(
        "first line: {ours_ms:.0} ms, by `sh -c` {direct_ms:.1} ms, {:.0} ms more (aim {} ms), \
         ratio {:.0}",
        ours_ms - direct_ms,
        FIRST_LINE_AIM.as_millis(),
        ours_ms / direct_ms,
    );
}

/// The time until a command has printed a line.
fn line_of(command: &mut Command, begun: Instant) -> Duration {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    let passed = begun.elapsed();
    assert_eq!(line, "line\n");
    child.wait().expect("it ends");
    passed
}

/// The time that one more step of a task takes.
pub fn further_step(installation: &Installation) {
    let (one, many) =
        (installation.file("one.yml", &["true"]), installation.file("many.yml", &["true"; STEPS]));
    let mut pairs = Vec::new();
    for _ in 0..5 {
        let [one, many] = [&one, &many].map(|file| {
            let begun = Instant::now();
            let start = ["run", "start", PROJECT, "--branch", "main", "--file", utf8(file)];
            installation.alice(&[&start[..], &["--wait"]].concat());
            begun.elapsed()
        });
        let begun = Instant::now();
        for _ in 1..STEPS {
            assert!(Command::new("sh").args(["-c", "true"]).status().expect("it runs").success());
        }
        pairs.push((many.saturating_sub(one), begun.elapsed()));
    }
    let of_one = |all: Duration| all.as_secs_f64() * 1e3 / (STEPS - 1) as f64;
    let (ours, direct) = (median(&pairs, |pair| pair.0), median(&pairs, |pair| pair.1));
    let (ours, direct) = (of_one(ours), of_one(direct));
    println!(
        "a further step: {ours:.2} ms, `sh -c true` {direct:.2} ms, ratio {:.1}",
        ours / direct
    );
}

/// Runs of `true`, started by as many at once as the executor runs.
pub fn many_runs(installation: &Installation, runs: usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let file = std::fs::read_to_string(installation.file("true.yml", &["true"]));
    let file = file.expect("it was just written");
    let (begun, computed) = (Instant::now(), installation.computed());
    runtime.block_on(async {
        let mut starters = JoinSet::new();
        for starter in 0..LIMIT {
            let (gateway, file) = (installation.gateway(), file.clone());
            let own = (starter..runs).step_by(LIMIT);
            starters.spawn(async move {
                for run in own {
                    start(&gateway, &file, format!("topic-{}", run % GROUPS)).await;
                }
            });
        }
        starters.join_all().await;
        until_idle(&installation.gateway()).await;
    });
    let (elapsed, computed) = (begun.elapsed(), installation.computed() - computed);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for starter in 0..LIMIT {
            scope.spawn(move || {
                for _ in (starter..runs).step_by(LIMIT) {
                    assert!(Command::new("true").status().expect("it runs").success());
                }
            });
        }
    });
    let rate = |time: f64| runs as f64 / time;
    let (ours, direct) = (rate(elapsed.as_secs_f64()), rate(begun.elapsed().as_secs_f64()));
    println!(
        "{runs} runs of `true`: {ours:.1} a second, {:.1} by a core used (aim {RUNS_AIM}), \
         started directly {direct:.0}, ratio {:.4}",
        rate(computed),
        ours / direct,
    );
}

async fn start(gateway: &GatewayClient, file: &str, branch: String) {
    let ctx = Context::background().timeout(PATIENCE);
    let (branch, tag, r#ref) = (Some(branch), None, None);
    let (definition, run) = (Definition::of_text(file), None);
    let new = StartRun { branch, tag, r#ref, commit_sha: None, message: None, definition, run };
    gateway.runs().start(&ctx, &project(), &new, None).await.expect("it is started");
}

fn project() -> TreeRef {
    PROJECT.parse().expect("a project's path")
}

/// Waits until no run is queued or running.
async fn until_idle(gateway: &GatewayClient) {
    for phase in [Phase::Queued, Phase::Running] {
        let query = ProjectRunsQuery {
            phase: Some(phase),
            limit: Some("1".to_owned()),
            ..ProjectRunsQuery::default()
        };
        let is_idle = async || {
            let ctx = Context::background().timeout(PATIENCE);
            let found = gateway.runs().list(&ctx, &project(), &query).await;
            found.expect("they are listed").items.is_empty()
        };
        until(is_idle).await;
    }
}

/// The executor's memory while a log is followed that is longer than what it may use.
pub fn long_log(installation: &Installation) {
    let step = format!("yes 'a line of a long log' | head --bytes {LOG_BYTES}");
    let file = installation.file("long.yml", &[&step]);
    let start = ["run", "start", PROJECT, "--branch", "main", "--file", utf8(&file), "--json"];
    let started: Value = serde_json::from_str(&installation.alice(&start)).expect("JSON");
    let number = started["number"].to_string();
    let begun = Instant::now();
    let log = installation.alice(&["run", "logs", PROJECT, &number, "build", "0", "--follow"]);
    let peak = installation.executors_peak();
    println!(
        "a step that prints {LOG_BYTES} bytes: {} bytes of log followed in {:.1} s, the executor \
         used {} MiB at most (aim {})",
        log.len(),
        begun.elapsed().as_secs_f64(),
        peak / MIB,
        MEMORY_AIM / MIB,
    );
}

fn median<T>(of: &[T], time: impl Fn(&T) -> Duration) -> Duration {
    let mut times: Vec<_> = of.iter().map(time).collect();
    times.sort_unstable();
    times[times.len() / 2]
}
