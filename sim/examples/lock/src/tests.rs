use drydock_harness::report::Verdict;

use super::*;

const SEEDS: u64 = 20;

#[test]
fn the_planted_bug_is_found_and_replayed() {
    assert_eq!(shim::check(), Ok(()));
    let found = (0..SEEDS).find_map(|seed| {
        let plan = LockPlan::draw(seed, true);
        let outcome = run(&plan);
        (outcome.verdict == Verdict::Violated).then_some((plan, outcome))
    });
    let (plan, first) = found.expect("one of the seeds finds it");
    assert_eq!(first.checks.violations[0].oracle, "mutual exclusion");
    let replayed = run(&LockPlan::parse("kept", &plan.to_toml()).unwrap());
    assert_eq!(replayed.fingerprint, first.fingerprint);
    assert_eq!(replayed.checks.violations, first.checks.violations);
}

#[test]
fn without_the_bug_the_same_seeds_find_nothing() {
    let outcomes: Vec<_> = (0..SEEDS).map(|seed| run(&LockPlan::draw(seed, false))).collect();
    for outcome in &outcomes {
        let verdict = outcome.verdict;
        assert!(matches!(verdict, Verdict::Fine | Verdict::Inert), "{outcome:?}");
        assert!(outcome.checks.counts["mutual exclusion"] > 0, "nobody held the lock");
    }
    let fine = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fine).count();
    assert!(fine > outcomes.len() / 2, "faults hit something in {fine} runs only");
}
