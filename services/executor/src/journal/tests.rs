use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;

use drydock_api::runservice::types::{AttemptId, ClaimId, HeldState, Status};
use proptest::prelude::*;
use uuid::Uuid;

use super::file::line;
use super::results::Results;
use super::*;

/// The id with these letters in it.
fn id(name: &str) -> Uuid {
    Uuid::from_u128(name.bytes().fold(0, |id, byte| id << 8 | u128::from(byte)))
}

fn attempt(name: &str) -> AttemptId {
    AttemptId(id(name))
}

fn asked(claim: &str) -> Record {
    Record::Asked { claim: ClaimId(id(claim)) }
}

fn claimed(claim: &str, of: &str) -> Record {
    Record::Claimed { claim: ClaimId(id(claim)), attempt: attempt(of), exclusive: false }
}

/// The whole life of an attempt, but for its release.
fn life(claim: &str, of: &str) -> Vec<Record> {
    let attempt = attempt(of);
    vec![
        asked(claim),
        claimed(claim, of),
        Record::Spawned { attempt },
        Record::Exited { attempt },
        Record::Sent { attempt },
    ]
}

fn success() -> Status {
    serde_json::from_value(serde_json::json!({ "phase": "success" })).unwrap()
}

struct Disk {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Disk {
    fn new() -> Disk {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        Disk { _dir: dir, path }
    }

    fn with(records: &[Record]) -> (Disk, Journal) {
        let disk = Disk::new();
        let mut journal = disk.open();
        records.iter().for_each(|record| journal.append(record).unwrap());
        (disk, journal)
    }

    fn open(&self) -> Journal {
        Journal::open(&self.path).unwrap()
    }
}

#[test]
fn what_is_written_is_there_after_every_step() {
    let disk = Disk::new();
    let mut expected = Vec::new();
    for record in life("c", "a") {
        let mut journal = disk.open();
        journal.append(&record).unwrap();
        expected.push(journal.held().clone());
        assert_eq!(disk.open().held(), expected.last().unwrap(), "after {record:?}");
    }
    let states: Vec<_> =
        expected.iter().map(|held| held.attempts.get(&attempt("a")).copied()).collect();
    let claim = ClaimId(id("c"));
    let state = |state| Some(UnreleasedAttempt { state, claim, exclusive: false });
    use HeldState::{Claimed, Exited, Sent, Spawned};
    assert_eq!(states, [None, state(Claimed), state(Spawned), state(Exited), state(Sent)]);
    assert_eq!(expected[0].asked, BTreeSet::from([claim]));
    disk.open().append(&Record::Released { attempt: attempt("a") }).unwrap();
    assert_eq!(disk.open().held(), &Held::default());
    assert_eq!(fs::read(&disk.path).unwrap(), b"", "what is over is not kept");
}

#[test]
fn a_record_that_does_not_follow_is_refused_and_changes_nothing() {
    let (disk, mut journal) = Disk::with(&[&life("c", "a")[..2], &[asked("d")]].concat());
    let before = (journal.held().clone(), fs::read(&disk.path).unwrap());
    for record in [
        asked("c"),
        asked("d"),
        claimed("e", "b"),
        claimed("c", "b"),
        claimed("d", "a"),
        Record::Spawned { attempt: attempt("b") },
        Record::Sent { attempt: attempt("a") },
        Record::Released { attempt: attempt("a") },
        Record::Released { attempt: attempt("b") },
    ] {
        let error = journal.append(&record).unwrap_err();
        assert!(matches!(error, JournalError::OutOfOrder { .. }), "{record:?}: {error}");
        assert_eq!((journal.held().clone(), fs::read(&disk.path).unwrap()), before);
    }
    journal.append(&Record::Spawned { attempt: attempt("a") }).unwrap();
    let again = journal.append(&Record::Spawned { attempt: attempt("a") });
    assert!(matches!(again, Err(JournalError::OutOfOrder { .. })), "it is started once");
}

#[test]
fn a_torn_last_record_was_never_written() {
    let records = life("c", "a");
    let (disk, journal) = Disk::with(&records[..2]);
    let whole = fs::read(&disk.path).unwrap();
    let last = line(&records[2]);
    for length in 0..last.len() {
        fs::write(&disk.path, [&whole, &last[..length]].concat()).unwrap();
        let mut opened = disk.open();
        assert_eq!(opened.held(), journal.held(), "torn after {length} bytes");
        // The journal can be used at once, and the torn bytes are gone for good.
        opened.append(&records[2]).unwrap();
        assert_eq!(disk.open().held(), opened.held());
    }
    for garbage in [&[0; 100][..], b"\n", b"0123456789abcdef {}\n"] {
        fs::write(&disk.path, [&whole, garbage].concat()).unwrap();
        assert_eq!(disk.open().held(), journal.held());
    }
}

#[test]
fn damage_before_the_last_record_is_an_error() {
    let (disk, _) = Disk::with(&life("c", "a"));
    let mut content = fs::read(&disk.path).unwrap();
    let second = content.iter().position(|byte| *byte == b'\n').unwrap() + 30;
    content[second] ^= 1;
    fs::write(&disk.path, &content).unwrap();
    let error = Journal::open(&disk.path).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { line: 2 }), "{error}");
    assert_eq!(fs::read(&disk.path).unwrap(), content, "it is left for whoever looks into it");
}

#[test]
fn after_a_failed_write_nothing_is_believed() {
    let (disk, mut journal) = Disk::with(&[asked("c")]);
    // A file that cannot be written to.
    journal.file = File::open(&disk.path).unwrap();
    assert!(matches!(journal.append(&asked("d")), Err(JournalError::Io { .. })));
    assert!(matches!(journal.append(&asked("d")), Err(JournalError::Broken)));
    assert_eq!(journal.held().asked.len(), 1);
    assert_eq!(disk.open().held(), journal.held());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_new_journal_says_the_same_as_the_old_one(
        steps in prop::collection::vec((0usize..4, 0usize..6), 0..40),
    ) {
        let (disk, mut journal) = Disk::with(&[]);
        for (which, kind) in steps {
            let (claim, attempt) = (format!("c{which}"), format!("a{which}"));
            let mut records = life(&claim, &attempt);
            records.push(Record::Released { attempt: self::attempt(&attempt) });
            // Whatever does not follow is refused.
            let _ = journal.append(&records[kind]);
        }
        let held = journal.held().clone();
        for _ in 0..2 {
            let reopened = disk.open();
            prop_assert_eq!(reopened.held(), &held);
        }
    }
}

#[test]
fn results_of_the_latest_attempts_outlive_their_release_and_every_start() {
    let disk = Disk::new();
    let folder = disk.path.with_file_name("results");
    let mut results = Results::open(folder.clone(), 2).unwrap();
    for name in ["a", "b"] {
        results.keep(attempt(name), &success()).unwrap();
    }
    let mut results = Results::open(folder.clone(), 2).unwrap();
    assert_eq!(results.find(attempt("a")), Some(success()));
    results.keep(attempt("c"), &success()).unwrap();
    let found = ["a", "b", "c"].map(|name| results.find(attempt(name)).is_some());
    assert_eq!(found, [false, true, true], "two of them are kept");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    // A power cut has torn it.
    fs::write(folder.join(format!("{}.json", attempt("c"))), "{\"pha").unwrap();
    assert_eq!(Results::open(folder, 2).unwrap().find(attempt("c")), None);
    let mut journal = disk.open();
    journal.keep(attempt("d"), &success()).unwrap();
    assert_eq!(disk.open().kept(attempt("d")), Some(success()));
}
