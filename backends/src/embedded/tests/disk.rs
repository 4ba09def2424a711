//! A disk that loses writes that were not synced, and fails after a number of calls.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use redb::StorageBackend;

use super::IN_TIME;

/// Clones share the disk.
#[derive(Debug, Clone, Default)]
pub(super) struct TestDisk {
    inner: Arc<Mutex<Inner>>,
    gate: Arc<Gate>,
}

/// The gate at which syncs wait while a test keeps it shut.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    shut: bool,
    waiting: bool,
}

#[derive(Debug, Default)]
struct Inner {
    synced: Vec<u8>,
    current: Vec<u8>,
    pending: Vec<Pending>,
    /// The number of changes and syncs that still succeed; after that all fail.
    left: Option<usize>,
    /// Whether all changes fail for want of space.
    full: bool,
    syncs: usize,
}

#[derive(Debug, Clone)]
enum Pending {
    Len(usize),
    Write { offset: usize, data: Vec<u8> },
}

impl Pending {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Pending::Len(len) => image.resize(*len, 0),
            Pending::Write { offset, data } => {
                let end = offset + data.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[*offset..end].copy_from_slice(data);
            }
        }
    }
}

impl TestDisk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(super) fn syncs(&self) -> usize {
        self.lock().syncs
    }

    /// Makes syncs wait until the returned guard is dropped.
    pub(super) fn shut(&self) -> Shut {
        self.gate.state.lock().unwrap().shut = true;
        Shut(Arc::clone(&self.gate))
    }

    /// Returns once a sync waits.
    pub(super) fn until_a_sync_waits(&self) {
        let state = self.gate.state.lock().unwrap();
        let waiting = |state: &mut GateState| !state.waiting;
        let waited = self.gate.changed.wait_timeout_while(state, IN_TIME, waiting);
        assert!(waited.unwrap().0.waiting, "no sync came");
    }

    pub(super) fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    pub(super) fn is_full(&self) -> bool {
        self.lock().full
    }

    pub(super) fn stop_after(&self, calls: usize) {
        self.lock().left = Some(calls);
    }

    /// The disk after a kill: it holds all writes.
    pub(super) fn after_kill(&self) -> TestDisk {
        let image = self.lock().current.clone();
        TestDisk::with(image)
    }

    /// The disk after a power cut: for each write that was not synced, `fate` answers how many
    /// eighths of it arrived.
    pub(super) fn after_power_cut(&self, mut fate: impl FnMut() -> usize) -> TestDisk {
        let inner = self.lock();
        let mut image = inner.synced.clone();
        for pending in &inner.pending {
            match pending {
                Pending::Len(_) => pending.apply(&mut image),
                Pending::Write { offset, data } => {
                    let torn = data[..data.len() * fate() / 8].to_vec();
                    let offset = *offset;
                    Pending::Write { offset, data: torn }.apply(&mut image);
                }
            }
        }
        TestDisk::with(image)
    }

    fn with(image: Vec<u8>) -> TestDisk {
        let inner = Inner { synced: image.clone(), current: image, ..Inner::default() };
        TestDisk { inner: Arc::new(Mutex::new(inner)), ..TestDisk::default() }
    }

    fn change(&self, change: Pending) -> io::Result<()> {
        let mut inner = self.lock();
        inner.spend()?;
        change.apply(&mut inner.current);
        inner.pending.push(change);
        Ok(())
    }
}

pub(super) struct Shut(Arc<Gate>);

impl Drop for Shut {
    fn drop(&mut self) {
        *self.0.state.lock().unwrap() = GateState::default();
        self.0.changed.notify_all();
    }
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.waiting = state.shut;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| state.shut).unwrap());
    }
}

impl Inner {
    fn spend(&mut self) -> io::Result<()> {
        if self.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match &mut self.left {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the disk is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

impl StorageBackend for TestDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.lock();
        let offset = offset as usize;
        let found = inner.current.get(offset..offset + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Pending::Len(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.pass();
        let mut inner = self.lock();
        inner.spend()?;
        for pending in std::mem::take(&mut inner.pending) {
            pending.apply(&mut inner.synced);
        }
        inner.syncs += 1;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (offset, data) = (offset as usize, data.to_vec());
        self.change(Pending::Write { offset, data })
    }
}
