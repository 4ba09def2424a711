//! Definitions of runs: graphs of tasks whose steps are scripts.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{
    AllowFailure, ApprovalRule, Condition, Conditions, Dependency, Retry, RunStep, SaveStep, Step,
    StepWhen, TaskSpec, TimeSpan,
};

use super::Script;
use super::Session;
use crate::plan::Shape;

/// The label that no executor has.
const NOWHERE: &str = "nowhere";

pub type Tasks = BTreeMap<String, TaskSpec>;

/// Makes the tasks of a run.
pub struct Shaping<'a> {
    pub session: &'a Session,
    /// How long a step takes at most.
    pub step_ms: u64,
}

impl Shaping<'_> {
    pub fn tasks(&self, shape: Shape) -> Tasks {
        match shape {
            Shape::Single => [("only".to_owned(), self.task(&[]))].into(),
            Shape::Chain => self.chain(self.draw(2, 5)),
            Shape::Diamond => self.diamond(),
            Shape::FanOut => self.fan_out(self.draw(3, 8)),
            Shape::Random => self.random(self.draw(3, 8)),
            Shape::Flaky => self.flaky(),
            Shape::Approval => self.approval(),
            Shape::Unplaceable => {
                let task = TaskSpec { labels: vec![NOWHERE.to_owned()], ..self.task(&[]) };
                [("stuck".to_owned(), task), ("free".to_owned(), self.task(&[]))].into()
            }
            Shape::Broken => self.broken(),
            Shape::TooLong => {
                let script = Script { is_stubborn: true, ..Script::work(60_000) };
                let timeout = Some(TimeSpan::from_ms(self.draw(200, 1_000)));
                let task = TaskSpec { timeout, steps: vec![step(script)], ..TaskSpec::default() };
                [("long".to_owned(), task)].into()
            }
            Shape::Talkative => self.talkative(),
            Shape::Saving => self.saving(),
        }
    }

    fn chain(&self, length: u64) -> Tasks {
        let task = |nth: u64| match nth {
            1 => (named(1), self.task(&[])),
            nth => (named(nth), self.task(&[named(nth - 1)])),
        };
        (1..=length).map(task).collect()
    }

    fn diamond(&self) -> Tasks {
        let names = ["top", "left", "right", "bottom"].map(str::to_owned);
        let [top, left, right, bottom] = names;
        let (of_top, sides) = ([top.clone()], [left.clone(), right.clone()]);
        [
            (top, self.task(&[])),
            (left, self.maybe_failing(&of_top)),
            (right, self.task(&of_top)),
            (bottom, self.task(&sides)),
        ]
        .into()
    }

    fn fan_out(&self, width: u64) -> Tasks {
        let mut tasks: Tasks =
            (1..=width).map(|nth| (named(nth), self.maybe_failing(&["top".to_owned()]))).collect();
        let all: Vec<String> = tasks.keys().cloned().collect();
        tasks.insert("top".to_owned(), self.task(&[]));
        tasks.insert("z-last".to_owned(), self.task(&all));
        tasks
    }

    /// Any graph: each task depends on some of those before it, on any conditions.
    fn random(&self, count: u64) -> Tasks {
        let mut tasks = Tasks::new();
        for nth in 1..=count {
            let parents: Vec<String> =
                (1..nth).filter(|_| self.draw(0, 2) == 0).map(named).collect();
            let mut task = self.maybe_failing(&[]);
            task.depends = parents.into_iter().map(|parent| self.conditional(parent)).collect();
            task.skip = self.draw(0, 9) == 0;
            task.allow_failure = match self.draw(0, 5) {
                0 => AllowFailure::Always(true),
                1 => AllowFailure::Codes(vec![3]),
                _ => AllowFailure::default(),
            };
            if self.draw(0, 3) == 0 {
                task.concurrency = Some("pool".to_owned());
            }
            tasks.insert(named(nth), task);
        }
        tasks
    }

    fn conditional(&self, parent: String) -> Dependency {
        use Condition::{Always, OnFailure, OnSkipped, OnSuccess};
        let conditions = match self.draw(0, 6) {
            0 => Conditions::One(OnFailure),
            1 => Conditions::One(Always),
            2 => Conditions::Any(vec![OnSuccess, OnSkipped]),
            3 => Conditions::Any(vec![OnFailure, OnSkipped]),
            _ => return Dependency::Name(parent),
        };
        Dependency::Conditional([(parent, conditions)].into())
    }

    fn flaky(&self) -> Tasks {
        let until = u32::try_from(self.draw(2, 4)).unwrap_or(2);
        let script = Script { exit: 3, until, ..self.script() };
        let retry = Some(Retry { max: u8::try_from(self.draw(1, 3)).unwrap_or(1), r#for: None });
        let flaky = TaskSpec { retry, steps: vec![step(script)], ..TaskSpec::default() };
        [("flaky".to_owned(), flaky), ("then".to_owned(), self.task(&["flaky".to_owned()]))].into()
    }

    fn approval(&self) -> Tasks {
        let approval = Some(ApprovalRule::default());
        let deploy = TaskSpec { approval, ..self.task(&["build".to_owned()]) };
        let report = self.task(&["deploy".to_owned()]);
        let build = self.task(&[]);
        [("build", build), ("deploy", deploy), ("report", report)]
            .map(|(name, task)| (name.to_owned(), task))
            .into()
    }

    /// Its log is one of several parts, by its age or by its size.
    fn talkative(&self) -> Tasks {
        let lines = match self.draw(0, 5) {
            0 => 3_000,
            _ => u32::try_from(self.draw(20, 300)).unwrap_or(20),
        };
        let script =
            Script { lines, ..Script::work(self.draw(1_000, 4_500.max(3 * self.step_ms))) };
        let task = TaskSpec { steps: vec![step(script)], ..TaskSpec::default() };
        [("talk".to_owned(), task)].into()
    }

    /// Two that save side by side below one that does, and those that restore below them.
    fn saving(&self) -> Tasks {
        let [top, left, right, bottom, last] =
            ["top", "left", "right", "bottom", "z-last"].map(str::to_owned);
        let (of_top, sides) = ([top.clone()], [left.clone(), right.clone()]);
        let of_bottom = [bottom.clone()];
        [
            (top, self.saves(self.task(&[]))),
            (left, self.saves(restores(self.maybe_failing(&of_top)))),
            (right, self.saves(self.task(&of_top))),
            (bottom, restores(self.maybe_failing(&sides))),
            (last, restores(self.task(&of_bottom))),
        ]
        .into()
    }

    /// A task with one or two steps that save at its end.
    fn saves(&self, mut task: TaskSpec) -> TaskSpec {
        let save = || Step::Save(SaveStep { paths: vec!["app".to_owned()] });
        task.steps.extend((0..self.draw(1, 2)).map(|_| save()));
        task
    }

    fn broken(&self) -> Tasks {
        let (one, other) = ("one".to_owned(), "other".to_owned());
        match self.draw(0, 2) {
            0 => {
                let (to_other, to_one) = ([other.clone()], [one.clone()]);
                [(one, self.task(&to_other)), (other, self.task(&to_one))].into()
            }
            1 => [(one, self.task(&["missing".to_owned()]))].into(),
            _ => [("no name".to_owned(), self.task(&[]))].into(),
        }
    }

    fn task(&self, parents: &[String]) -> TaskSpec {
        let steps = (0..self.draw(1, 2)).map(|_| step(self.script())).collect();
        let depends = parents.iter().cloned().map(Dependency::Name).collect();
        // A label that some executors have, or none.
        let labels = if self.draw(0, 19) == 0 { vec!["linux".to_owned()] } else { Vec::new() };
        TaskSpec { depends, steps, labels, ..TaskSpec::default() }
    }

    /// One that fails now and then, and may have a step that always runs.
    fn maybe_failing(&self, parents: &[String]) -> TaskSpec {
        let mut task = self.task(parents);
        if self.draw(0, 3) == 0 {
            let exit = if self.draw(0, 1) == 0 { 1 } else { 3 };
            task.steps.push(step(Script { exit, ..self.script() }));
            let Step::Run(mut last) = step(self.script()) else { return task };
            last.when = StepWhen::Always;
            task.steps.push(Step::Run(last));
        }
        task
    }

    fn script(&self) -> Script {
        let is_stubborn = self.draw(0, 4) == 0;
        let lines = u32::try_from(self.draw(0, 4)).unwrap_or(0);
        Script { is_stubborn, lines, ..Script::work(self.draw(10, self.step_ms.max(10))) }
    }

    fn draw(&self, least: u64, greatest: u64) -> u64 {
        self.session.draw(least, greatest)
    }
}

/// A task that begins with what the tasks above have saved.
fn restores(mut task: TaskSpec) -> TaskSpec {
    task.steps.insert(0, Step::Restore {});
    task
}

fn named(nth: u64) -> String {
    format!("task-{nth}")
}

fn step(script: Script) -> Step {
    let command = script.to_string();
    Step::Run(RunStep { command, timeout: None, when: StepWhen::OnSuccess, allow_exit: Vec::new() })
}
