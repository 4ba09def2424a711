//! One step: a script in a shell, until it and its output have ended or are ended.

use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, WaitStatus, pidfd_open};
use rustix::time::Timespec;

use crate::archive::{RestoreRequest, SaveRequest};
use crate::attempt::{LogLimit, Reason, StepAction, StepExit, StepOutcome};

use super::archives;
use super::attempt::Attempt;
use super::caches;
use super::clock::{monotonic_ms, wall_ms};
use super::environment::environment;
use super::log::Log;

/// How long output is waited for after the shell has ended.
const HOLD_MS: u64 = 2000;
/// How often the tree is looked at while it is expected to end.
const ENDING_LOOK_MS: u64 = 20;
const READ_BYTES: usize = 64 << 10;
/// The reads after which deadlines and orders are looked at, however much output there is.
const READS_IN_A_ROW: usize = 16;

struct Running<'a> {
    attempt: &'a mut Attempt,
    number: usize,
    log: Log,
    shell: Pid,
    shell_ends: OwnedFd,
    /// The step's output, until its end.
    output: Option<PipeReader>,
    buffer: Vec<u8>,
    timeout_at: Option<u64>,
    /// When, if at all, all processes are to be killed.
    kill_at: Option<u64>,
    killed_at: Option<u64>,
    exit: Option<(WaitStatus, u64)>,
}

/// Runs a step. What it means for the attempt is noted there.
pub fn run(attempt: &mut Attempt, number: usize) -> StepOutcome {
    let log = match attempt.open_log(number) {
        Ok(log) => log,
        Err(error) => {
            attempt.fail(Reason::DiskFull, format!("log of step {number}: {error}"));
            return StepOutcome::default();
        }
    };
    let out_of_memory = attempt.cgroup.as_ref().map_or(0, |it| it.out_of_memory_kills());
    let started_at_ms = Some(wall_ms());
    match start(attempt, number) {
        Ok((shell, shell_ends, output)) => {
            let timeout = attempt.task.steps[number].timeout_ms;
            let mut running = Running {
                attempt,
                number,
                log,
                shell,
                shell_ends,
                output: Some(output),
                buffer: vec![0; READ_BYTES],
                timeout_at: timeout.map(|ms| monotonic_ms().saturating_add(ms)),
                kill_at: None,
                killed_at: None,
                exit: None,
            };
            running.until_over();
            let exit = running.conclude(out_of_memory);
            StepOutcome { exit, started_at_ms, ended_at_ms: Some(wall_ms()), errno: None }
        }
        Err(error) => {
            let program = match attempt.task.steps[number].action {
                StepAction::Run => attempt.task.shell.first().map_or("", String::as_str),
                _ => "drydock",
            };
            let message = format!("step {number}: `{program}` cannot be executed: {error}");
            let mut log = log;
            // The result says it too, if the log cannot be written.
            let _ = log.note(&message);
            attempt.close_log(number, log);
            attempt.fail(Reason::SetupFailed, message);
            let ended_at_ms = Some(wall_ms());
            StepOutcome { exit: None, started_at_ms, ended_at_ms, errno: error.raw_os_error() }
        }
    }
}

/// Starts the shell, with stdout and stderr in one pipe.
fn start(attempt: &mut Attempt, number: usize) -> io::Result<(Pid, OwnedFd, PipeReader)> {
    let (output, input) = io::pipe()?;
    rustix::io::ioctl_fionbio(&output, true)?;
    let (task, folder) = (&attempt.task, &attempt.folder);
    let mut command = match &task.steps[number].action {
        StepAction::Run => script(attempt, number, input.try_clone()?)?,
        StepAction::Save(paths) => archives::pack(folder, task, (number, paths.as_slice()))?,
        StepAction::Restore => archives::unpack(folder, task)?,
        StepAction::SaveCache { key, paths } => {
            let request = SaveRequest {
                context: task.cache.clone(),
                key: key.clone(),
                paths: paths.clone(),
                restored: attempt.restored.clone(),
            };
            caches::save(folder, task, (number, &request))?
        }
        StepAction::RestoreCache(keys) => {
            let (context, keys) = (task.cache.clone(), keys.clone());
            let request = RestoreRequest { context, step: number, keys };
            caches::restore(folder, task, &request)?
        }
    };
    command.current_dir(folder.work()).stderr(input).process_group(0);
    if let Some(user) = &task.user {
        // This drops the groups, too.
        command.uid(user.uid).gid(user.gid);
    }
    if let Some(cgroup) = &attempt.cgroup {
        cgroup.enter()?;
    }
    let child = command.spawn();
    if let Some(cgroup) = &attempt.cgroup {
        cgroup.leave()?;
    }
    // It holds this process's copies of the pipe, whose end would never be seen.
    drop(command);
    let shell = Pid::from_child(&child?);
    attempt.tree.expect(shell);
    Ok((shell, pidfd_open(shell, PidfdFlags::empty())?, output))
}

/// The shell with the step's script.
fn script(attempt: &Attempt, number: usize, output: PipeWriter) -> io::Result<Command> {
    let (task, folder) = (&attempt.task, &attempt.folder);
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "no shell is given");
    let (shell, arguments) = task.shell.split_first().ok_or_else(missing)?;
    let mut command = Command::new(shell);
    command
        .args(arguments)
        .arg(folder.script(number))
        .env_clear()
        .envs(environment(folder, task, number))
        .stdin(Stdio::null())
        .stdout(output);
    Ok(command)
}

impl Running<'_> {
    fn until_over(&mut self) {
        loop {
            self.wait();
            self.read();
            if self.exit.is_none() {
                let end = self.attempt.tree.end_of(self.shell);
                self.exit = end.map(|status| (status, monotonic_ms()));
            }
            self.take_orders();
            if self.is_over() {
                return;
            }
        }
    }

    /// Waits for output, the end of the shell, or the next moment at which something is due.
    fn wait(&mut self) {
        let now = monotonic_ms();
        let mut next = self.attempt.orders.next_at();
        let held = self.exit.map(|(_, at)| at + HOLD_MS).filter(|at| *at > now);
        // The tree has to be looked at: nothing tells of the ends of grandchildren.
        let is_ending = self.kill_at.is_some() || self.killed_at.is_some();
        let look = (is_ending && self.exit.is_some()).then_some(now + ENDING_LOOK_MS);
        for at in [self.timeout_at, self.kill_at, held, look].into_iter().flatten() {
            next = next.min(at);
        }
        let timeout = next.saturating_sub(now);
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout / 1000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(timeout % 1000 * 1_000_000).expect("less than a second"),
        };
        let mut fds: Vec<_> = self.attempt.drains.iter().collect::<Vec<_>>();
        fds.extend(&self.output);
        let mut fds: Vec<_> = fds.into_iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        if self.exit.is_none() {
            fds.push(PollFd::new(&self.shell_ends, PollFlags::IN));
        }
        // A signal only makes the round shorter.
        let _ = poll(&mut fds, Some(&timeout));
    }

    /// Reads what output there is, bounded.
    fn read(&mut self) {
        let buffer = &mut self.buffer;
        self.attempt.drains.retain_mut(|drain| !matches!(drain.read(buffer), Ok(0)));
        for _ in 0..READS_IN_A_ROW {
            let Some(output) = &mut self.output else { return };
            match output.read(&mut self.buffer) {
                Ok(0) => self.output = None,
                Ok(length) => self.write(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Writes the first bytes of the buffer to the log.
    fn write(&mut self, length: usize) {
        let mut masked = Vec::with_capacity(length);
        let done = self.attempt.secrets.mask(&self.buffer[..length], &mut masked);
        self.add(done, &masked);
    }

    fn add(&mut self, masking: io::Result<()>, masked: &[u8]) {
        let number = self.number;
        if let Err(error) = masking.and_then(|()| self.log.write(masked)) {
            self.attempt.fail(Reason::DiskFull, format!("log of step {number}: {error}"));
            self.terminate(self.attempt.task.grace_ms);
        }
        if self.log.is_full() && self.attempt.task.limits.log_limit == LogLimit::Fail {
            self.attempt.fail(Reason::LogLimit, format!("the log of step {number} is full"));
            self.terminate(self.attempt.task.grace_ms);
        }
    }

    fn take_orders(&mut self) {
        let when = self.attempt.task.steps[self.number].when;
        while let Some(order) = self.attempt.orders.next() {
            if let Some(grace_ms) = self.attempt.obey(order, when) {
                self.terminate(grace_ms);
            }
        }
        let now = monotonic_ms();
        if self.timeout_at.take_if(|at| *at <= now).is_some() {
            let message = format!("step {} took longer than it may", self.number);
            self.attempt.fail(Reason::Timeout, message);
            self.terminate(self.attempt.task.grace_ms);
        }
        if self.kill_at.take_if(|at| *at <= now).is_some() {
            self.attempt.kill();
            self.killed_at = Some(monotonic_ms());
        }
    }

    /// Asks all processes to end, and kills those that have not after so many milliseconds.
    fn terminate(&mut self, grace_ms: u64) {
        if self.killed_at.is_some() {
            return;
        }
        let kill_at = monotonic_ms().saturating_add(grace_ms);
        if self.kill_at.is_none() && grace_ms > 0 {
            self.attempt.terminate();
        }
        self.kill_at = Some(self.kill_at.map_or(kill_at, |before| before.min(kill_at)));
    }

    fn is_over(&mut self) -> bool {
        let now = monotonic_ms();
        if let Some(killed_at) = self.killed_at {
            // Whatever could not be killed is not waited for.
            let is_silent = self.exit.is_some() && self.output.is_none();
            return is_silent || now >= killed_at + HOLD_MS;
        }
        let Some((_, exited_at)) = self.exit else { return false };
        if self.kill_at.is_some() {
            return self.output.is_none() && self.attempt.tree.is_empty();
        }
        self.output.is_none() || now >= exited_at + HOLD_MS
    }

    /// Closes the log, and notes what the end of the step means.
    fn conclude(mut self, out_of_memory: u64) -> Option<StepExit> {
        let mut rest = Vec::new();
        let done = self.attempt.secrets.finish(&mut rest);
        self.add(done, &rest);
        if let Some(output) = self.output.take() {
            let _ = self.log.note(
                "a process holds the output of this step; what it writes from now on is not kept",
            );
            self.attempt.drains.push(output);
        }
        self.attempt.close_log(self.number, self.log);
        let exit = self.exit.and_then(|(status, _)| step_exit(status));
        let number = self.number;
        let kills = self.attempt.cgroup.as_ref().map_or(0, |it| it.out_of_memory_kills());
        match exit {
            Some(StepExit::Code(0)) => archives::conclude(self.attempt, number),
            Some(StepExit::Code(code))
                if self.attempt.task.steps[number].allow_exit.contains(&code) => {}
            _ if kills > out_of_memory => {
                let message = format!("step {number} has used up its memory");
                self.attempt.fail(Reason::OutOfMemory, message);
            }
            Some(StepExit::Code(code)) => {
                let message = format!("step {number} ended with exit code {code}");
                self.attempt.fail(Reason::ExitCode, message);
            }
            Some(StepExit::Signal { signal, .. }) => {
                let message = format!("step {number} was ended by signal {signal}");
                self.attempt.fail(Reason::Signal, message);
            }
            None => self.attempt.fail(Reason::Signal, format!("step {number} could not be killed")),
        }
        exit
    }
}

fn step_exit(status: WaitStatus) -> Option<StepExit> {
    if let Some(code) = status.exit_status() {
        return u8::try_from(code).ok().map(StepExit::Code);
    }
    let signal = u8::try_from(status.terminating_signal()?).ok()?;
    Some(StepExit::Signal { signal, core: status.as_raw() & 0x80 != 0 })
}
