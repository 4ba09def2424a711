//! Wrong files, and what is said about them.

use std::fmt::Write;

use crate::{MAX_ERRORS, MAX_FILE_BYTES, parse};

/// Between two files of a list.
const SEPARATOR: &str = "====================\n";

/// Every file of a list with its errors.
fn snapshot(name: &str, files: &str) {
    let mut told = String::new();
    for file in files.split(SEPARATOR) {
        let errors = parse(file).expect_err(file);
        for line in file.lines() {
            writeln!(told, "| {}", line.replace('\t', "→")).unwrap();
        }
        writeln!(told, "{errors}\n").unwrap();
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, told) });
}

#[test]
fn what_is_no_yaml_has_one_error() {
    snapshot("syntax", include_str!("wrong/syntax.txt"));
}

#[test]
fn files_and_runs_have_their_keys() {
    snapshot("keys", include_str!("wrong/keys.txt"));
}

#[test]
fn tasks_and_steps_have_their_keys() {
    snapshot("tasks", include_str!("wrong/tasks.txt"));
}

#[test]
fn graphs_fit_together() {
    snapshot("graph", include_str!("wrong/graph.txt"));
}

#[test]
fn bounds_are_held() {
    let run = |tasks: &str| format!("version: 1\nruns: {{ main: {{ tasks: {{ {tasks} }} }} }}");
    let error = |text: &str| parse(text).expect_err("beyond a bound").to_string();
    let many = |count: usize, item: fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let tasks = |count| run(&many(count, |nth| format!("t{nth}: {{ steps: [] }}")));
    assert!(parse(&tasks(256)).is_ok());
    assert_eq!(error(&tasks(257)), "2:24: a run has 1 to 256 tasks, not 257");
    let steps = |count| run(&format!("a: {{ steps: [{}] }}", many(count, |_| "run: x".into())));
    assert!(parse(&steps(64)).is_ok());
    assert_eq!(error(&steps(65)), "2:38: a list of 65 entries, at most 64 are possible");
    let wide = |count| {
        let parents = many(count, |nth| format!("t{nth}"));
        let tasks = many(count, |nth| format!("t{nth}: {{ steps: [] }}"));
        run(&format!("{tasks}, z: {{ steps: [], depends: [{parents}] }}"))
    };
    assert!(parse(&wide(64)).is_ok());
    assert!(error(&wide(65)).contains("`z` depends on more than 64 tasks"));
    let runs = |count| {
        let runs = many(count, |nth| format!("r{nth}: {{ tasks: {{ a: {{ steps: [] }} }} }}"));
        format!("version: 1\nruns: {{ {runs} }}")
    };
    assert!(parse(&runs(64)).is_ok());
    assert_eq!(error(&runs(65)), "2:7: a file has 1 to 64 runs, not 65");
    let long = "x".repeat(MAX_FILE_BYTES + 1);
    assert_eq!(error(&long), "1:1: a file has at most 262144 bytes, not 262145");
    let env = |bytes: usize| {
        let value = "x".repeat(bytes - 1);
        format!(
            "version: 1\nruns: {{ main: {{ env: {{ A: {value} }}, \
             tasks: {{ a: {{ steps: [] }} }} }} }}"
        )
    };
    assert!(parse(&env(65536)).is_ok());
    assert_eq!(error(&env(65537)), "2:22: an environment has at most 65536 bytes, not 65537");
}

#[test]
fn aliases_make_no_file_larger_than_a_run_may_be() {
    let command = "x".repeat(10_000);
    let tasks: Vec<_> = (0..40).map(|nth| format!("t{nth}: *a")).collect();
    let file = |tasks: &[String]| {
        let tasks = tasks.join(", ");
        let first = format!("a: &a {{ steps: [{{ run: {command} }}] }}");
        format!("version: 1\nruns: {{ main: {{ tasks: {{ {first}, {tasks} }} }} }}")
    };
    assert!(parse(&file(&tasks[..20])).is_ok());
    let errors = parse(&file(&tasks)).unwrap_err().to_string();
    assert_eq!(errors, "2:24: the tasks take more than 262144 bytes");
    let nested: Vec<_> = (1..12)
        .map(|nth| format!("&a{nth} [{}]", vec![format!("*a{}", nth - 1); 9].join(", ")))
        .collect();
    let bomb = format!("version: [&a0 [x], {}]", nested.join(", "));
    assert!(bomb.len() < 1000);
    let error = parse(&bomb).unwrap_err().to_string();
    assert_eq!(error, "1:244: with its aliases the file is too large: Nodes { nodes: 65537 }");
}

#[test]
fn no_more_errors_are_told_than_a_person_reads() {
    let steps = vec!["{ x: 1 }"; 64].join(", ");
    let tasks: Vec<_> = (0..4).map(|nth| format!("t{nth}: {{ steps: [{steps}] }}")).collect();
    let text = format!("version: 1\nruns: {{ main: {{ tasks: {{ {} }} }} }}", tasks.join(", "));
    let errors = parse(&text).unwrap_err();
    assert_eq!(errors.iter().count(), MAX_ERRORS + 1);
    assert_eq!(errors.iter().last().unwrap().message, "156 further errors follow");
}

#[test]
fn messages_repeat_no_more_of_a_file_than_a_person_reads() {
    let long = format!("version: 1\nruns: {{ \"a\\n\\e{}\": 1 }}", "x".repeat(100_000));
    let errors = parse(&long).unwrap_err();
    for error in &errors {
        assert!(error.message.chars().count() < 400 && !error.message.contains(char::is_control));
    }
    let key = format!("version: 1\n\"a\\nb{}\": 1", "x".repeat(1000));
    let message = parse(&key).unwrap_err().messages().pop().unwrap();
    assert!(message.starts_with("2:1: `a\\nbxxx") && message.ends_with("xx…"), "{message}");
}
