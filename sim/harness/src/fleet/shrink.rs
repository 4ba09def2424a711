//! Makes a failing plan smaller, as long as it fails in the same way: delta debugging.
//!
//! A plan says what can be left out and what can be made simpler ([`Reduce`]); the search tries it,
//! keeps what still fails, and ends when nothing more can go, or when it is told to stop. Every
//! plan that it keeps is a plan like any other, so a search goes on from where one was stopped.

use std::collections::BTreeSet;

use super::exit::Failure;
use super::plan::Plan;
use crate::report::{Outcome, Verdict};

/// A plan that can be made smaller.
pub trait Reduce: Plan + Clone {
    /// The lengths of the plan's lists whose elements can be left out one by one.
    fn lists(&self) -> Vec<usize>;

    /// The plan without the elements `from..to` of one of [`Reduce::lists`].
    fn without(&self, list: usize, from: usize, to: usize) -> Self;

    /// The plan with one thing made simpler, in every way that there is, the boldest first. It must
    /// come to an end: no sequence of such steps leads back to where it began.
    fn simpler(&self) -> Vec<Self>;
}

/// How a run failed, as far as a smaller plan must fail in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// This oracle is violated.
    Violated(String),
    Stuck,
}

impl FailureKind {
    /// `None`: the run did not fail, or it says nothing about the system under test.
    pub fn of(outcome: &Outcome) -> Option<FailureKind> {
        match outcome.verdict {
            Verdict::Violated => {
                let first = outcome.checks.violations.first()?;
                Some(FailureKind::Violated(first.oracle.clone()))
            }
            Verdict::Stuck => Some(FailureKind::Stuck),
            Verdict::Fine | Verdict::Inert | Verdict::Broken => None,
        }
    }

    pub fn is_shown_by(&self, outcome: &Outcome) -> bool {
        match self {
            FailureKind::Violated(oracle) => {
                outcome.checks.violations.iter().any(|violation| violation.oracle == *oracle)
            }
            FailureKind::Stuck => outcome.verdict == Verdict::Stuck,
        }
    }
}

/// What a search needs of the outside.
pub trait Trial<P> {
    /// How many plans are tried at once.
    fn width(&self) -> usize;

    /// Whether there is time to try more.
    fn goes_on(&self) -> bool;

    /// Which of the plans, at most [`Trial::width`], still fail in the same way.
    fn fail(&mut self, plans: &[P]) -> impl Future<Output = Result<Vec<bool>, Failure>>;

    /// A smaller plan that still fails was found.
    fn found(&mut self, plan: &P) -> Result<(), Failure>;
}

/// The smallest plan that the search finds. `plan` itself must fail.
pub async fn shrink<P: Reduce>(plan: P, trial: &mut impl Trial<P>) -> Result<P, Failure> {
    let tried = BTreeSet::from([plan.to_toml()]);
    let mut search = Search { best: plan, tried, trial };
    loop {
        let mut smaller = false;
        for list in 0..search.best.lists().len() {
            smaller |= search.leave_out(list).await?;
        }
        smaller |= search.simplify().await?;
        if !smaller || !search.trial.goes_on() {
            return Ok(search.best);
        }
    }
}

struct Search<'a, P, T> {
    best: P,
    /// No plan is tried twice.
    tried: BTreeSet<String>,
    trial: &'a mut T,
}

impl<P: Reduce, T: Trial<P>> Search<'_, P, T> {
    /// Leaves out parts of one list: all of it, then halves, and so on down to single elements.
    async fn leave_out(&mut self, list: usize) -> Result<bool, Failure> {
        let mut smaller = false;
        let mut part = self.best.lists()[list];
        while part > 0 {
            let length = self.best.lists()[list];
            // From the end: what comes last depends on what comes first.
            let ends = (1..=length.div_ceil(part)).map(|nth| length - (nth - 1) * part);
            let ranges = ends.map(|to| (to.saturating_sub(part), to));
            let candidates = ranges.map(|(from, to)| self.best.without(list, from, to));
            if self.try_each(candidates.collect()).await? {
                smaller = true;
                part = part.min(self.best.lists()[list]);
            } else {
                part /= 2;
            }
        }
        Ok(smaller)
    }

    async fn simplify(&mut self) -> Result<bool, Failure> {
        let mut smaller = false;
        while self.try_each(self.best.simpler()).await? {
            smaller = true;
        }
        Ok(smaller)
    }

    /// Takes the first candidate that fails.
    async fn try_each(&mut self, candidates: Vec<P>) -> Result<bool, Failure> {
        let fits = |plan: &P| plan.check().is_ok() && self.tried.insert(plan.to_toml());
        let candidates: Vec<P> = candidates.into_iter().filter(fits).collect();
        for batch in candidates.chunks(self.trial.width().max(1)) {
            if !self.trial.goes_on() {
                return Ok(false);
            }
            let failed = self.trial.fail(batch).await?;
            if let Some((plan, _)) = batch.iter().zip(failed).find(|(_, failed)| *failed) {
                self.trial.found(plan)?;
                self.best = plan.clone();
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::fleet::Misfit;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Toy {
        size: u64,
        parts: Vec<u64>,
    }

    impl Plan for Toy {
        fn scenario(&self) -> &str {
            "toy"
        }

        fn seed(&self) -> u64 {
            1
        }

        fn check(&self) -> Result<(), Misfit> {
            Misfit::unless_within("size", self.size, 1, 100)
        }
    }

    impl Reduce for Toy {
        fn lists(&self) -> Vec<usize> {
            vec![self.parts.len()]
        }

        fn without(&self, _: usize, from: usize, to: usize) -> Toy {
            let mut smaller = self.clone();
            smaller.parts.drain(from..to);
            smaller
        }

        fn simpler(&self) -> Vec<Toy> {
            let sizes = [self.size / 2, self.size - 1];
            sizes.map(|size| Toy { size, parts: self.parts.clone() }).into()
        }
    }

    struct Rule<F> {
        fails: F,
        left: usize,
        asked: Vec<Toy>,
    }

    impl<F: Fn(&Toy) -> bool> Trial<Toy> for Rule<F> {
        fn width(&self) -> usize {
            2
        }

        fn goes_on(&self) -> bool {
            self.left > 0
        }

        async fn fail(&mut self, plans: &[Toy]) -> Result<Vec<bool>, Failure> {
            self.left = self.left.saturating_sub(plans.len());
            self.asked.extend_from_slice(plans);
            Ok(plans.iter().map(|plan| (self.fails)(plan)).collect())
        }

        fn found(&mut self, _: &Toy) -> Result<(), Failure> {
            Ok(())
        }
    }

    fn search(left: usize, fails: impl Fn(&Toy) -> bool) -> (Toy, Vec<Toy>) {
        let mut rule = Rule { fails, left, asked: Vec::new() };
        let toy = Toy { size: 80, parts: (0..20).collect() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let smallest = runtime.block_on(shrink(toy, &mut rule)).unwrap();
        (smallest, rule.asked)
    }

    #[test]
    fn only_the_parts_that_matter_together_are_left() {
        let matters = |toy: &Toy| [3, 11, 12].iter().all(|part| toy.parts.contains(part));
        let (smallest, asked) = search(1_000, |toy| matters(toy) && toy.size >= 9);
        assert_eq!(smallest, Toy { size: 9, parts: vec![3, 11, 12] });
        assert!(asked.len() < 80, "{} plans were tried", asked.len());
    }

    #[test]
    fn no_plan_is_tried_twice_and_none_that_does_not_fit() {
        let (_, asked) = search(1_000, |toy| toy.parts.len() > 4);
        let texts: BTreeSet<_> = asked.iter().map(Plan::to_toml).collect();
        assert_eq!(texts.len(), asked.len());
        assert!(asked.iter().all(|toy| toy.check().is_ok()));
    }

    #[test]
    fn a_search_without_time_keeps_what_it_has() {
        let (smallest, asked) = search(0, |_| true);
        assert_eq!((smallest.parts.len(), asked.len()), (20, 0));
        let (smallest, _) = search(2, |_| true);
        assert_eq!(smallest.parts.len(), 0, "what was found in time is kept");
    }
}
