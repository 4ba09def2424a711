use std::sync::{Arc, Mutex};

use super::journal::Journal;
use super::machine::Machine;

/// The disks of all executors, as somebody sees them who stands beside them.
#[derive(Clone, Default)]
pub struct Disks(Arc<Mutex<Vec<Disk>>>);

struct Disk {
    host: String,
    journal: Journal,
    machine: Machine,
}

impl Disks {
    pub(super) fn add(&self, host: &str, journal: &Journal, machine: &Machine) {
        let disk =
            Disk { host: host.to_owned(), journal: journal.clone(), machine: machine.clone() };
        self.0.lock().expect("no holder of this lock panics").push(disk);
    }

    /// An attempt of which an executor still has something.
    pub fn left(&self) -> Option<String> {
        let disks = self.0.lock().expect("no holder of this lock panics");
        disks.iter().find_map(|Disk { host, journal, machine }| {
            let held = journal.attempts().into_iter().next();
            let held = held.map(|(attempt, held)| format!("{attempt}, which is {:?}", held.state));
            let left = held.or_else(|| machine.list().first().map(ToString::to_string));
            left.map(|attempt| format!("attempt {attempt} on {host}"))
        })
    }
}
