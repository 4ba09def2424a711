use std::collections::BTreeSet;
use std::path::Path;

use crate::tracked::{File, files, root};

#[test]
fn links_lead_somewhere() {
    let files = files();
    let mut dead = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for link in links(&file.text) {
            if !link.contains("://") && !link.starts_with("mailto:") && !leads(file, link, &files) {
                dead.push(format!("{}: {link}", file.path));
            }
        }
    }
    assert!(dead.is_empty(), "dead links: {dead:#?}");
}

/// The targets of `[text](target)` outside of code.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(|prose| prose.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .collect()
}

fn leads(from: &File, link: &str, files: &[File]) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { from.path.clone().into() } else { from.dir().join(path) };
    let target = normal(&target);
    let Some(file) = files.iter().find(|file| file.path == target) else {
        return root().join(&target).exists();
    };
    anchor.is_empty() || headings(&file.text).any(|heading| heading == anchor)
}

/// Without `..`, as files are listed.
fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.iter().filter_map(|part| part.to_str()) {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors of headings, as they are made from their texts.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        kept.map(|it| if it == ' ' { '-' } else { it }).collect()
    })
}

/// The names of metrics in a text, as they are registered: counters without `_total`.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|it: char| !it.is_ascii_lowercase() && it != '_');
    let name = |word: &str| word.strip_prefix("drydock_").is_some_and(|rest| !rest.is_empty());
    let named = words.filter(|word| name(word));
    named.map(|word| word.strip_suffix("_total").unwrap_or(word)).collect()
}

/// Metrics that configstore's page does not show: those of runservice alone, and one that counts
/// nothing as long as changes are not forwarded.
const SHOWN_ELSEWHERE: [&str; 6] = [
    "drydock_http_forwarded_requests",
    "drydock_logs_expired",
    "drydock_logs_held_bytes",
    "drydock_logs_incomplete",
    "drydock_logs_received_bytes",
    "drydock_logs_sealed_bytes",
];

#[test]
fn operations_names_every_metric_and_no_other() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let snapshot = read("tests/api/snapshots/api__health__metrics.snap");
    let helps: Vec<_> = snapshot.lines().filter(|line| line.starts_with("# HELP")).collect();
    let page = read("docs/operations.md");
    let helps = helps.join("\n");
    let mut shown = metrics(&helps);
    shown.extend(SHOWN_ELSEWHERE);
    assert_eq!(metrics(&page), shown);
}

#[test]
fn a_dead_link_is_found() {
    let files = [File { path: "docs/a.md".into(), text: "# One, two\n".into() }];
    assert!(leads(&files[0], "../Cargo.toml", &files));
    assert!(leads(&files[0], "#one-two", &files));
    assert!(!leads(&files[0], "#three", &files));
    assert!(!leads(&files[0], "nothing.md", &files));
    assert_eq!(links("see [a](b.md) and [c](d.md#e)\n```\n[no](link)\n```\n"), ["b.md", "d.md#e"]);
}
