//! A machine without processes: attempts run until the test says how they end.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use drydock_api::runservice::types::{
    AttemptId, AttemptPhase, LogReport, LogStep, Reason, StepExit,
};
use drydock_executor::attempt::{Outcome, SavedCache, StepOutcome, Stop, Task, WantedCache};
use drydock_executor::driver::{
    AttemptArchives, AttemptLogs, AttemptState, Driver, DriverError, RestoreFile,
};

/// What can be written of the answers to steps that restore caches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Disk {
    #[default]
    Sound,
    /// No entry fits.
    NoRoom,
    /// Nothing can be written.
    Full,
}

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
    /// What attempts restore.
    restores: BTreeMap<String, Vec<u8>>,
    /// What steps wait for that restore caches, and what they were answered.
    wanted: BTreeMap<String, WantedCache>,
    answers: BTreeMap<String, Result<Vec<u8>, String>>,
    disk: Disk,
    /// How often an answer was to be written.
    answers_begun: usize,
    /// The pieces of logs that were read, in order.
    pieces: Vec<(LogStep, Range<u64>)>,
}

#[derive(Debug, Clone)]
pub struct Process {
    pub task: Task,
    pub state: AttemptState,
    pub stop: Option<Stop>,
    pub logs: BTreeMap<LogStep, Vec<u8>>,
    /// What steps have saved.
    pub saved: BTreeMap<u16, Vec<u8>>,
    /// The keys of those of them that are for caches.
    pub cached: BTreeMap<u16, String>,
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
        archives: BTreeMap::new(),
        caches: BTreeMap::new(),
        kill_incomplete: false,
    }
}

/// The outcome of an attempt that was stopped.
pub fn stopped(reason: Reason) -> Outcome {
    Outcome { phase: AttemptPhase::Stopped, reason: Some(reason), steps: Vec::new(), ..exit(0) }
}

fn digest(log: &[u8]) -> LogReport {
    LogReport { size: log.len() as u64, blake3: blake3::hash(log).to_hex().to_string() }
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

    /// Ends an attempt. Its logs are those that it has.
    pub fn end(&self, attempt: &str, outcome: Outcome) {
        let mut state = self.lock();
        let process = state.attempts.get_mut(attempt).unwrap();
        let logs = process.logs.iter().map(|(step, log)| (step.to_string(), digest(log))).collect();
        let (mut archives, mut caches) = (BTreeMap::new(), BTreeMap::new());
        for (step, bytes) in &process.saved {
            let Some(key) = process.cached.get(step) else {
                archives.insert(step.to_string(), digest(bytes));
                continue;
            };
            let offset = key.len() + 1;
            let archive = digest(&bytes[offset..]);
            let saved = SavedCache { key: key.clone(), offset: offset as u64, archive };
            caches.insert(step.to_string(), saved);
        }
        process.state = AttemptState::Ended(Outcome { logs, archives, caches, ..outcome });
    }

    /// Lets a step save these bytes.
    pub fn save(&self, attempt: &str, step: u16, bytes: &[u8]) {
        let mut state = self.lock();
        state.attempts.get_mut(attempt).unwrap().saved.insert(step, bytes.to_vec());
    }

    /// What an attempt restores, if it is there.
    pub fn restore(&self, attempt: &str) -> Option<Vec<u8>> {
        self.lock().restores.get(attempt).cloned()
    }

    /// Lets a step wait for what is cached under these keys.
    pub fn want(&self, attempt: &str, step: u16, keys: &[&str]) {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let mut state = self.lock();
        state.answers.remove(attempt);
        state.wanted.insert(attempt.to_owned(), WantedCache { step, keys });
    }

    /// What the step was answered: the bytes of the answer, or why there is nothing.
    pub fn answer(&self, attempt: &str) -> Option<Result<Vec<u8>, String>> {
        self.lock().answers.get(attempt).cloned()
    }

    pub fn set_disk(&self, disk: Disk) {
        self.lock().disk = disk;
    }

    /// How often an answer was to be written since the last time.
    pub fn answers_begun(&self) -> usize {
        std::mem::take(&mut self.lock().answers_begun)
    }

    /// Lets a step save these bytes for a cache.
    pub fn save_cache(&self, attempt: &str, step: u16, (key, bytes): (&str, &[u8])) {
        let file = [format!("{key}\n").as_bytes(), bytes].concat();
        self.save(attempt, step, &file);
        let mut state = self.lock();
        state.attempts.get_mut(attempt).unwrap().cached.insert(step, key.to_owned());
    }

    /// Adds to the log of a step.
    pub fn print(&self, attempt: &str, step: LogStep, bytes: &[u8]) {
        let mut state = self.lock();
        let process = state.attempts.get_mut(attempt).unwrap();
        process.logs.entry(step).or_default().extend_from_slice(bytes);
    }

    /// The pieces of logs that were read since the last time, but for questions.
    pub fn pieces(&self) -> Vec<(LogStep, Range<u64>)> {
        let pieces = std::mem::take(&mut self.lock().pieces);
        pieces.into_iter().filter(|(_, piece)| !piece.is_empty()).collect()
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
        let (logs, saved, cached) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let process = Process { task: task.clone(), state: begun, stop: None, logs, saved, cached };
        state.attempts.insert(id, process);
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

    fn logs(&self) -> Arc<dyn AttemptLogs> {
        Arc::new(self.clone())
    }

    fn archives(&self) -> Arc<dyn AttemptArchives> {
        Arc::new(self.clone())
    }
}

impl AttemptArchives for Machine {
    fn read(&self, attempt: AttemptId, step: u16, piece: Range<u64>) -> io::Result<Bytes> {
        let state = self.lock();
        let process = state.attempts.get(&attempt.to_string());
        let saved = process.and_then(|process| process.saved.get(&step));
        let saved = saved.ok_or(io::ErrorKind::NotFound)?;
        Ok(Bytes::copy_from_slice(&saved[piece.start as usize..piece.end as usize]))
    }

    fn begin_restore(&self, attempt: AttemptId) -> io::Result<Box<dyn RestoreFile>> {
        let (machine, attempt) = (self.clone(), attempt.to_string());
        let is_cache = false;
        Ok(Box::new(Restore { machine, attempt, bytes: Vec::new(), is_cache }))
    }

    fn wanted_cache(&self, attempt: AttemptId) -> io::Result<Option<WantedCache>> {
        let (state, attempt) = (self.lock(), attempt.to_string());
        let is_answered = state.answers.contains_key(&attempt);
        Ok(state.wanted.get(&attempt).filter(|_| !is_answered).cloned())
    }

    fn begin_cache(&self, attempt: AttemptId, _step: u16) -> io::Result<Box<dyn RestoreFile>> {
        let mut state = self.lock();
        state.answers_begun += 1;
        if state.disk != Disk::Sound {
            return Err(io::ErrorKind::StorageFull.into());
        }
        drop(state);
        let (machine, attempt) = (self.clone(), attempt.to_string());
        Ok(Box::new(Restore { machine, attempt, bytes: Vec::new(), is_cache: true }))
    }

    fn no_cache(&self, attempt: AttemptId, _step: u16, why: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.answers_begun += 1;
        if state.disk == Disk::Full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.answers.insert(attempt.to_string(), Err(why.to_owned()));
        Ok(())
    }
}

/// What an attempt restores, as it is written.
struct Restore {
    machine: Machine,
    attempt: String,
    bytes: Vec<u8>,
    is_cache: bool,
}

impl RestoreFile for Restore {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        let mut state = self.machine.lock();
        match self.is_cache {
            true => drop(state.answers.insert(self.attempt, Ok(self.bytes))),
            false => drop(state.restores.insert(self.attempt, self.bytes)),
        }
        Ok(())
    }
}

impl AttemptLogs for Machine {
    fn sizes(&self, attempt: AttemptId) -> io::Result<BTreeMap<LogStep, u64>> {
        let state = self.lock();
        let found = state.attempts.get(&attempt.to_string());
        let logs = found.into_iter().flat_map(|process| &process.logs);
        Ok(logs.map(|(step, log)| (*step, log.len() as u64)).collect())
    }

    fn read(&self, attempt: AttemptId, step: LogStep, piece: Range<u64>) -> io::Result<Bytes> {
        let mut state = self.lock();
        state.pieces.push((step, piece.clone()));
        let found = state.attempts.get(&attempt.to_string()).and_then(|it| it.logs.get(&step));
        let bytes = found.and_then(|log| log.get(piece.start as usize..piece.end as usize));
        Ok(Bytes::copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?))
    }
}
