//! Objects as synced files keep them: a name that was not synced may be gone when the power goes.
//!
//! What the deployed file store does for one object, step by step: it writes and syncs a file under
//! a name that listings do not show, renames it, and syncs the folder. So an object is never torn;
//! whether it is there, or the one before it, is open until the folder is synced. A power cut
//! counts these steps with the writes of the embedded store. Removed names are not synced at all.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use drydock_core::env::Rng;
use drydock_harness::world::SimDisk;
use futures_util::FutureExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use rand::RngExt;

use crate::timeline::ObjectHistory;

/// One in so many deletions comes undone when the power goes.
const UNDONE: u32 = 4;

#[derive(Clone)]
pub struct SimFiles {
    pub objects: Arc<InMemory>,
    disk: SimDisk,
    object_history: ObjectHistory,
    unsynced: Arc<Mutex<Vec<Renamed>>>,
}

/// A name whose folder is not synced, and what was there before.
struct Renamed {
    path: Path,
    before: Option<Bytes>,
}

impl SimFiles {
    pub fn new(disk: &SimDisk, object_history: &ObjectHistory) -> SimFiles {
        SimFiles {
            objects: Arc::default(),
            disk: disk.clone(),
            object_history: object_history.clone(),
            unsynced: Arc::default(),
        }
    }

    /// The power went. Answers how much of what was there is not, or is again.
    pub fn lose(&self, rng: &mut Rng) -> u64 {
        let mut lost = 0;
        for Renamed { path, before } in std::mem::take(&mut *self.unsynced()) {
            if rng.random() {
                lost += 1;
                match before {
                    Some(before) => self.put_now(&path, before.into()),
                    None => now(self.objects.delete(&path)),
                }
            }
        }
        for (path, body) in self.object_history.all() {
            if self.read(&path).is_none() && rng.random_ratio(1, UNDONE) {
                lost += 1;
                self.put_now(&path, body);
            }
        }
        lost
    }

    fn read(&self, path: &Path) -> Option<Bytes> {
        let read = async { self.objects.get(path).await?.bytes().await };
        read.now_or_never().expect("memory does not wait").ok()
    }

    fn put_now(&self, path: &Path, body: PutPayload) {
        now(async { self.objects.put(path, body).await.map(drop) });
    }

    fn unsynced(&self) -> std::sync::MutexGuard<'_, Vec<Renamed>> {
        self.unsynced.lock().expect("no holder of this lock panics")
    }

    /// One write to the disk: the power may go at it.
    fn step(&self) -> Result<()> {
        let gone = |source| Error::Generic { store: "files", source: Box::new(source) };
        self.disk.step().map_err(gone)
    }
}

fn now(work: impl Future<Output = Result<()>>) {
    work.now_or_never().expect("memory does not wait").expect("memory takes everything");
}

#[async_trait]
impl ObjectStore for SimFiles {
    async fn put_opts(&self, path: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.step()?;
        let before = self.read(path);
        let done = self.objects.put_opts(path, data.clone(), opts).await?;
        self.object_history.put_now(path, Bytes::from(data));
        self.unsynced().push(Renamed { path: path.clone(), before });
        self.step()?;
        self.unsynced().retain(|renamed| renamed.path != *path);
        Ok(done)
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(path, opts).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.objects.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}

impl fmt::Debug for SimFiles {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "SimFiles")
    }
}

impl fmt::Display for SimFiles {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "simulated files")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use drydock_core::env::RngTree;
    use drydock_harness::fault::Faults;
    use drydock_harness::record::Recorder;

    use super::*;
    use crate::plan::InstanceId;
    use crate::plan::fault::{Fault, ProcessFault};

    /// What is there after the power went at the n-th write, when one object took the place of
    /// another: over many seeds.
    fn after_a_cut_at(writes: u64) -> BTreeSet<Bytes> {
        let left = |seed| {
            let instance = InstanceId::configstore(1);
            let what = ProcessFault::PowerCut { instance, writes }.into();
            let recorder = Recorder::new(|| None, None);
            let faults = vec![Fault { at_ms: 0, for_ms: 1, what }.lower(&[])];
            let faults = Faults::new(faults, recorder.clone());
            faults.start(0);
            let files = SimFiles::new(
                &SimDisk::new("configstore-1", &faults),
                &ObjectHistory::new(&recorder),
            );
            let path = Path::from("current.json");
            let put = |text: &'static str| {
                files.put(&path, PutPayload::from_static(text.as_bytes())).now_or_never().unwrap()
            };
            put("old").unwrap();
            assert_eq!(put("new").is_ok(), writes > 4);
            files.lose(&mut RngTree::from_seed(seed).stream("power"));
            files.read(&path).expect("what was stored once is not lost")
        };
        (0..20).map(left).collect()
    }

    #[test]
    fn a_power_cut_leaves_the_old_object_or_the_new_one() {
        let (old, new) = (Bytes::from_static(b"old"), Bytes::from_static(b"new"));
        assert_eq!(after_a_cut_at(3), [old.clone()].into());
        assert_eq!(after_a_cut_at(4), [old, new.clone()].into());
        assert_eq!(after_a_cut_at(5), [new].into());
    }
}
