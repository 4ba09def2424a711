//! A machine without processes: attempts run until the test says how they end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use drydock_api::runservice::types::{AttemptPhase, LogReport, Reason, StepExit};
use drydock_executor::attempt::{Outcome, StepOutcome, Stop, Task};
use drydock_executor::driver::{AttemptState, Driver, DriverError};

/// Clones are the same machine.
#[derive(Debug, Clone, Default)]
pub struct Machine(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    attempts: BTreeMap<String, Process>,
    /// The ids of attempts in the order in which they were started.
    ledger: Vec<String>,
    /// Supervisors end before they begin.
    is_broken: bool,
}

#[derive(Debug, Clone)]
pub struct Process {
    pub task: Task,
    pub state: AttemptState,
    pub stop: Option<Stop>,
}

/// The outcome of an attempt whose one step ended with this code.
pub fn exit(code: u8) -> Outcome {
    let failed = code != 0;
    Outcome {
        phase: if failed { AttemptPhase::Failed } else { AttemptPhase::Success },
        reason: failed.then_some(Reason::ExitCode),
        message: None,
        steps: vec![StepOutcome { exit: Some(StepExit::Code(code)), ..StepOutcome::default() }],
        logs: BTreeMap::new(),
        kill_incomplete: false,
    }
}

/// The outcome of an attempt that was stopped.
pub fn stopped(reason: Reason) -> Outcome {
    Outcome { phase: AttemptPhase::Stopped, reason: Some(reason), steps: Vec::new(), ..exit(0) }
}

/// The same with some bytes of output.
pub fn with_output(outcome: Outcome) -> Outcome {
    let log = LogReport { size: 3, blake3: "ab".repeat(32) };
    Outcome { logs: BTreeMap::from([("0".to_owned(), log)]), ..outcome }
}

impl Machine {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The attempts that were started, in order.
    pub fn ledger(&self) -> Vec<String> {
        self.lock().ledger.clone()
    }

    /// The attempts of which there is something.
    pub fn attempts(&self) -> BTreeMap<String, Process> {
        self.lock().attempts.clone()
    }

    pub fn is_running(&self, attempt: &str) -> bool {
        self.lock().attempts.get(attempt).is_some_and(|it| it.state == AttemptState::Running)
    }

    /// The order to stop that an attempt has got.
    pub fn stop(&self, attempt: &str) -> Option<Stop> {
        self.lock().attempts.get(attempt)?.stop.clone()
    }

    pub fn end(&self, attempt: &str, outcome: Outcome) {
        let mut state = self.lock();
        state.attempts.get_mut(attempt).unwrap().state = AttemptState::Ended(outcome);
    }

    /// Ends all processes: the next look finds no supervisor.
    pub fn power_cut(&self) {
        for process in self.lock().attempts.values_mut() {
            if process.state == AttemptState::Running {
                let reason = Some(Reason::ExecutorRestarted);
                let (phase, steps) = (AttemptPhase::Failed, Vec::new());
                process.state = AttemptState::Ended(Outcome { phase, reason, steps, ..exit(0) });
            }
        }
    }

    /// Makes supervisors end before they begin, or no longer.
    pub fn set_broken(&self, is_broken: bool) {
        self.lock().is_broken = is_broken;
    }
}

impl Driver for Machine {
    fn start(&mut self, task: &Task) -> Result<(), DriverError> {
        let mut state = self.lock();
        let id = task.attempt.clone();
        match state.attempts.get(&id).map(|it| &it.state) {
            None | Some(AttemptState::NotStarted) => {}
            Some(AttemptState::Running) => return Err(DriverError::Running(id)),
            Some(_) => return Err(DriverError::AlreadyStarted(id)),
        }
        let is_broken = state.is_broken;
        let begun = if is_broken { AttemptState::NotStarted } else { AttemptState::Running };
        if !is_broken {
            state.ledger.push(id.clone());
        }
        state.attempts.insert(id, Process { task: task.clone(), state: begun, stop: None });
        Ok(())
    }

    fn look(&mut self, attempt: &str) -> Result<AttemptState, DriverError> {
        let state = self.lock();
        let found = state.attempts.get(attempt).map(|process| process.state.clone());
        Ok(found.unwrap_or(AttemptState::Absent))
    }

    fn order(&mut self, attempt: &str, stop: &Stop) -> Result<(), DriverError> {
        let mut state = self.lock();
        let process = state.attempts.get_mut(attempt);
        let process = process.ok_or_else(|| DriverError::Absent(attempt.to_owned()))?;
        process.stop = Some(stop.clone());
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<String>, DriverError> {
        Ok(self.lock().attempts.keys().cloned().collect())
    }

    fn clean(&mut self, _attempt: &str) -> Result<(), DriverError> {
        Ok(())
    }

    fn remove(&mut self, attempt: &str) -> Result<(), DriverError> {
        match self.is_running(attempt) {
            true => Err(DriverError::Running(attempt.to_owned())),
            false => {
                self.lock().attempts.remove(attempt);
                Ok(())
            }
        }
    }
}
