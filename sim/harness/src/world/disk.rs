//! A disk that forgets or tears what was not synced when the power goes.
//!
//! Whoever works on it runs inline, so nothing else happens between a write and its sync. That is
//! why a power cut strikes here, at a write: the host is dead from there on.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use rand::RngExt;
use rand_chacha::ChaCha12Rng;

use crate::fault::Faults;

/// Of a write that was not synced, so many parts may arrive.
const PARTS: usize = 8;

#[derive(Clone)]
pub struct SimDisk {
    host: String,
    faults: Faults,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    synced: Vec<u8>,
    current: Vec<u8>,
    pending: Vec<Pending>,
    /// The process that has it open. What an earlier one still wants to write is lost.
    opened: u64,
}

enum Pending {
    Len(usize),
    Write { offset: usize, data: Vec<u8> },
}

impl Pending {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Pending::Len(len) => image.resize(*len, 0),
            Pending::Write { offset, data } => write(image, *offset, data),
        }
    }
}

fn write(image: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(data);
}

impl SimDisk {
    pub fn new(host: &str, faults: &Faults) -> SimDisk {
        SimDisk { host: host.to_owned(), faults: faults.clone(), inner: Arc::default() }
    }

    /// The disk as one process has it open.
    pub fn open(&self) -> OpenDisk {
        let mut inner = self.lock();
        inner.opened += 1;
        OpenDisk { disk: self.clone(), opened: inner.opened }
    }

    /// Of what was not synced, some arrived, and some of that in part. Answers how much was lost.
    pub fn lose(&self, rng: &mut ChaCha12Rng) -> u64 {
        let mut inner = self.lock();
        let mut image = std::mem::take(&mut inner.synced);
        let mut lost = 0;
        for pending in std::mem::take(&mut inner.pending) {
            match pending {
                Pending::Len(_) => pending.apply(&mut image),
                Pending::Write { offset, data } => {
                    let arrived = data.len() * rng.random_range(0..=PARTS) / PARTS;
                    lost += (data.len() - arrived) as u64;
                    write(&mut image, offset, &data[..arrived]);
                }
            }
        }
        inner.current.clone_from(&image);
        inner.synced = image;
        lost
    }

    /// Whether the host that has it can still write; the power may go now.
    pub fn step(&self) -> io::Result<()> {
        if self.faults.is_dying(&self.host) {
            return Err(gone());
        }
        match self.faults.write(&self.host) {
            Some(index) => {
                self.faults.die(&self.host, index);
                Err(gone())
            }
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of this lock panics")
    }
}

/// A disk that a process has opened, for as long as it lives.
pub struct OpenDisk {
    disk: SimDisk,
    opened: u64,
}

impl OpenDisk {
    /// Whether the process that has it open can still do anything; the power may go now.
    fn alive(&self) -> io::Result<()> {
        if self.disk.lock().opened != self.opened {
            return Err(gone());
        }
        self.disk.step()
    }

    fn change(&self, change: Pending) -> io::Result<()> {
        self.alive()?;
        let mut inner = self.disk.lock();
        change.apply(&mut inner.current);
        inner.pending.push(change);
        Ok(())
    }
}

fn gone() -> io::Error {
    io::Error::other("the process is gone")
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("the disk is in memory")
}

impl OpenDisk {
    /// In bytes.
    pub fn len(&self) -> u64 {
        self.disk.lock().current.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `out`, or fails where there is not so much.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.disk.lock();
        let offset = place(offset);
        let found = inner.current.get(offset..offset + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    pub fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Pending::Len(place(len)))
    }

    /// What was written before outlives a power cut from now on.
    pub fn sync_data(&self) -> io::Result<()> {
        self.alive()?;
        let mut inner = self.disk.lock();
        for pending in std::mem::take(&mut inner.pending) {
            pending.apply(&mut inner.synced);
        }
        Ok(())
    }

    pub fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Pending::Write { offset: place(offset), data: data.to_vec() })
    }
}
