//! An attempt in a folder of its own, a process that supervises it, and what its steps report.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use drydock_executor::attempt::{AttemptFolder, Outcome, Reason, Stop, Task, TaskStep};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::time::Timespec;
use tempfile::TempDir;

/// What is waited for at most, before a test fails.
const PATIENCE: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

pub struct Attempt {
    dir: TempDir,
    pub folder: AttemptFolder,
    pub id: String,
    events: BufReader<File>,
}

/// A step that runs a script. `$EVENT` in it is a file: what is written there, `event` returns.
pub fn step(command: &str) -> TaskStep {
    TaskStep { command: command.to_owned(), ..TaskStep::default() }
}

pub fn always(command: &str) -> TaskStep {
    serde_json::from_value(serde_json::json!({ "command": command, "when": "always" }))
        .expect("a test can use files and processes")
}

impl Attempt {
    pub fn new(steps: impl IntoIterator<Item = TaskStep>) -> Attempt {
        Attempt::with(steps, |_| ())
    }

    /// An attempt whose task is changed before it is written.
    pub fn with(
        steps: impl IntoIterator<Item = TaskStep>,
        change: impl FnOnce(&mut Task),
    ) -> Attempt {
        let dir = tempfile::tempdir().expect("a test can use files and processes");
        let path = dir.path().join("attempt");
        fs::create_dir(&path).expect("a test can use files and processes");
        let events = dir.path().join("events");
        rustix::fs::mknodat(rustix::fs::CWD, &events, FileType::Fifo, Mode::RWXU, 0)
            .expect("a test can use files and processes");
        // Open for both: a step that reports never waits, and there is never an end.
        let reader = rustix::fs::open(&events, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        let id = dir
            .path()
            .file_name()
            .expect("a test can use files and processes")
            .to_str()
            .expect("a test can use files and processes")
            .replace('.', "");
        let mut task: Task = serde_json::from_value(serde_json::json!({
            "attempt": id, "run": "the-run", "number": 7, "task": "build", "steps": [],
            "env": { "EVENT": events }, "grace_ms": 20_000,
        }))
        .expect("a test can use files and processes");
        task.steps = steps.into_iter().collect();
        change(&mut task);
        let folder = AttemptFolder::new(path);
        folder.write_task(&task).expect("a test can use files and processes");
        let events =
            BufReader::new(File::from(reader.expect("a test can use files and processes")));
        Attempt { dir, folder, id, events }
    }

    /// Gives the folder the name under which a driver looks for it.
    pub fn renamed(mut self) -> Attempt {
        let path = self.dir.path().join(&self.id);
        fs::rename(self.folder.path(), &path).expect("a test can use files and processes");
        self.folder = AttemptFolder::new(path);
        self
    }

    pub fn supervise(&self) -> Supervisor {
        let program = env!("CARGO_BIN_EXE_drydock-executor-test");
        // What the executor has in its environment must not reach a step.
        let command = Command::new(program).arg(self.folder.path()).env("LEAK", "leak").spawn();
        Supervisor(command.expect("a test can use files and processes"))
    }

    /// The same, where no file can have more than 64 KiB: as on a disk that is full, writing fails.
    pub fn supervise_with_small_files(&self) -> Supervisor {
        let script = "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$1\"";
        let program = env!("CARGO_BIN_EXE_drydock-executor-test");
        let mut command = Command::new("sh");
        command.args(["-c", script, program]).arg(self.folder.path());
        Supervisor(command.spawn().expect("a test can use files and processes"))
    }

    /// Supervises the attempt to its end.
    pub fn run(&self) -> Outcome {
        assert!(self.supervise().end().success());
        self.outcome()
    }

    pub fn outcome(&self) -> Outcome {
        self.folder
            .read_outcome()
            .expect("a test can use files and processes")
            .expect("there is a result")
    }

    /// The next line that a step reports.
    pub fn event(&mut self) -> String {
        if self.events.buffer().is_empty() {
            await_readable(self.events.get_ref(), "a report of a step");
        }
        let mut line = String::new();
        self.events.read_line(&mut line).expect("a test can use files and processes");
        line.trim().to_owned()
    }

    /// The pid that a step reports.
    pub fn pid(&mut self) -> i32 {
        self.event().parse().expect("a test can use files and processes")
    }

    /// The lines that steps have reported and nobody has asked for.
    pub fn reported(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut fds = [PollFd::new(self.events.get_ref(), PollFlags::IN)];
            let has_more = poll(&mut fds, Some(&Timespec::default()))
                .expect("a test can use files and processes")
                > 0;
            if self.events.buffer().is_empty() && !has_more {
                return lines;
            }
            lines.push(self.event());
        }
    }

    /// The processes that still work in the attempt's folder.
    pub fn left_behind(&self) -> Vec<i32> {
        let all =
            fs::read_dir("/proc").expect("a test can use files and processes").filter_map(|it| {
                it.expect("a test can use files and processes").file_name().into_string().ok()
            });
        let pids = all.filter_map(|name| name.parse::<i32>().ok());
        let work = self.folder.work();
        pids.filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|it| it == work))
            .collect()
    }

    /// A file, `$EVENT.go`, that a step can read only once it is opened here.
    pub fn make_gate(&self) -> Gate {
        let path = self.dir.path().join("events.go");
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RWXU, 0)
            .expect("a test can use files and processes");
        Gate(path)
    }

    pub fn stop(&self, order: u32, grace_ms: u64) {
        let stop = Stop { reason: Reason::StoppedByUser, grace_ms, order };
        self.folder.write_stop(&stop).expect("a test can use files and processes");
    }

    pub fn log(&self, number: usize) -> String {
        let bytes =
            fs::read(self.folder.log_file(number)).expect("a test can use files and processes");
        String::from_utf8(bytes).expect("a test can use files and processes")
    }
}

impl Drop for Attempt {
    /// A failed test leaves nothing behind.
    fn drop(&mut self) {
        drydock_executor::supervisor::kill_attempt(&self.id);
    }
}

pub struct Gate(PathBuf);

impl Gate {
    pub fn open(&self) {
        drop(
            File::options().write(true).open(&self.0).expect("a test can use files and processes"),
        );
    }
}

pub struct Supervisor(Child);

impl Supervisor {
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    pub fn end(&mut self) -> ExitStatus {
        let pidfd = pidfd_open(self.pid(), PidfdFlags::empty())
            .expect("a test can use files and processes");
        await_readable(&pidfd, "the end of the supervisor");
        self.0.wait().expect("a test can use files and processes")
    }

    pub fn kill(&mut self) {
        self.0.kill().expect("a test can use files and processes");
        self.0.wait().expect("a test can use files and processes");
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn await_readable(fd: impl AsFd, what: &str) {
    let ready = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&PATIENCE))
        .expect("a test can use files and processes");
    assert_eq!(ready, 1, "{what} has not come");
}

/// Whether no process has that number, or one that has ended.
pub fn is_gone(pid: i32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.map_or(true, |stat| {
        stat.rsplit_once(") ")
            .expect("a test can use files and processes")
            .1
            .starts_with(['Z', 'X'])
    })
}

/// A process that is to be waited for.
pub fn watch(pid: i32) -> OwnedFd {
    pidfd_open(Pid::from_raw(pid).expect("a test can use files and processes"), PidfdFlags::empty())
        .expect("a test can use files and processes")
}

pub fn await_end(process: &OwnedFd) {
    await_readable(process, "the end of a process");
}
