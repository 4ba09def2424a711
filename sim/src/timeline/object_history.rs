//! Everything that was ever stored as an object.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use drydock_harness::record::{Recorder, Seq};
use futures_util::FutureExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload, Result};

/// Everything that was ever stored, deleted or not, and when it first was: for the oracles.
#[derive(Clone)]
pub struct ObjectHistory {
    pub objects: Arc<InMemory>,
    stored: Arc<Mutex<BTreeMap<Path, Seq>>>,
    recorder: Recorder,
}

impl ObjectHistory {
    pub fn new(recorder: &Recorder) -> ObjectHistory {
        let objects = Arc::new(InMemory::new());
        ObjectHistory { objects, stored: Arc::default(), recorder: recorder.clone() }
    }

    pub async fn put(&self, path: &Path, data: PutPayload) -> Result<()> {
        self.objects.put(path, data).await?;
        self.note(path);
        Ok(())
    }

    /// The same for who must not wait.
    pub fn put_now(&self, path: &Path, body: Bytes) {
        let put = self.objects.put(path, PutPayload::from_bytes(body)).now_or_never();
        put.expect("memory does not wait").expect("memory takes everything");
        self.note(path);
    }

    fn note(&self, path: &Path) {
        let mut stored = self.stored.lock().expect("no holder of this lock panics");
        stored.entry(path.clone()).or_insert(self.recorder.count());
    }

    /// Everything that was ever stored.
    pub fn all(&self) -> Vec<(Path, PutPayload)> {
        let paths: Vec<_> = {
            let stored = self.stored.lock().expect("no holder of this lock panics");
            stored.keys().cloned().collect()
        };
        let read = |path: Path| {
            let read = async { self.objects.get(&path).await?.bytes().await };
            let body = read.now_or_never().expect("memory does not wait");
            (path.clone(), PutPayload::from_bytes(body.expect("nothing is ever deleted here")))
        };
        paths.into_iter().map(read).collect()
    }

    /// Whether `path` was there before the event.
    pub fn was_there(&self, path: &Path, seq: Seq) -> bool {
        let stored = self.stored.lock().expect("no holder of this lock panics");
        stored.get(path).is_some_and(|at| *at <= seq)
    }
}
