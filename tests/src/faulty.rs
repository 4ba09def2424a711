//! Coordination and objects that fail when a test says so.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use drydock_core::coord::{
    Coordination, Error, Lease, LeaseId, Op, RangeRequest, RangeResponse, Result as CoordResult,
    Revision, Space, Txn, TxnResponse, WatchRequest, WatchStream,
};
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as ObjectResult,
};

/// What happens to calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trouble {
    #[default]
    None,
    /// They fail at once, and change nothing.
    Refused,
    /// So many pass, and the others fail at once, and change nothing.
    RefusedAfter(usize),
    /// They are never answered, and change nothing.
    Silent,
    /// Those that write fail for want of space; compaction does not help.
    Full,
    /// Those that write fail for want of space, until it is reclaimed.
    Sparse,
    /// None fails, but only the reserve of the space is left.
    Reserve,
}

/// Says what happens to the next calls. Clones are the same switch.
#[derive(Debug, Clone, Default)]
pub struct Switch {
    trouble: Arc<Mutex<Trouble>>,
    waiting: Arc<Mutex<usize>>,
}

impl Switch {
    pub fn set(&self, trouble: Trouble) {
        *self.trouble.lock().expect("no holder of this lock panics") = trouble;
    }

    /// Whether a call waits for an answer that does not come.
    pub fn somebody_waits(&self) -> bool {
        let waiting = self.waiting.lock().expect("no holder of this lock panics");
        *waiting > 0
    }

    fn is_full(&self) -> bool {
        let trouble = *self.trouble.lock().expect("no holder of this lock panics");
        matches!(trouble, Trouble::Full | Trouble::Sparse)
    }

    /// `Err` if the call fails.
    async fn pass(&self) -> Result<(), ()> {
        let trouble = {
            let mut trouble = self.trouble.lock().expect("no holder of this lock panics");
            let before = *trouble;
            if let Trouble::RefusedAfter(passes) = &mut *trouble {
                *passes = passes.saturating_sub(1);
            }
            before
        };
        match trouble {
            Trouble::RefusedAfter(0) | Trouble::Refused => Err(()),
            Trouble::RefusedAfter(_) | Trouble::None => Ok(()),
            Trouble::Full | Trouble::Sparse | Trouble::Reserve => Ok(()),
            Trouble::Silent => {
                let _waits = Waits::new(&self.waiting);
                std::future::pending().await
            }
        }
    }
}

/// Counts one call until it is given up.
struct Waits(Arc<Mutex<usize>>);

impl Waits {
    fn new(waiting: &Arc<Mutex<usize>>) -> Waits {
        *waiting.lock().expect("no holder of this lock panics") += 1;
        Waits(Arc::clone(waiting))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        *self.0.lock().expect("no holder of this lock panics") -= 1;
    }
}

/// A store behind a switch. Watches that are in force go on.
#[derive(Clone)]
pub struct FaultyCoordination {
    pub store: Arc<dyn Coordination>,
    pub trouble: Switch,
}

impl FaultyCoordination {
    async fn pass(&self) -> CoordResult<()> {
        let refused = |()| Error::Unavailable { reason: "as the test asked".to_owned() };
        self.trouble.pass().await.map_err(refused)
    }

    fn check_space(&self) -> CoordResult<()> {
        match self.trouble.is_full() {
            true => Err(Error::NoSpace { reason: "as the test asked".to_owned() }),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Coordination for FaultyCoordination {
    async fn range(&self, request: RangeRequest) -> CoordResult<RangeResponse> {
        self.pass().await?;
        self.store.range(request).await
    }

    async fn txn(&self, txn: Txn) -> CoordResult<TxnResponse> {
        self.pass().await?;
        let mut ops = txn.then.iter().chain(&txn.otherwise);
        if ops.any(|op| matches!(op, Op::Put(_))) {
            self.check_space()?;
        }
        self.store.txn(txn).await
    }

    async fn watch(&self, request: WatchRequest) -> CoordResult<WatchStream> {
        self.pass().await?;
        self.store.watch(request).await
    }

    async fn lease_grant(&self, ttl: Duration) -> CoordResult<Lease> {
        self.pass().await?;
        self.check_space()?;
        self.store.lease_grant(ttl).await
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> CoordResult<Duration> {
        self.pass().await?;
        self.store.lease_keep_alive(id).await
    }

    async fn lease_revoke(&self, id: LeaseId) -> CoordResult<()> {
        self.pass().await?;
        self.store.lease_revoke(id).await
    }

    async fn compact(&self, revision: Revision) -> CoordResult<()> {
        self.pass().await?;
        self.store.compact(revision).await
    }

    async fn space(&self) -> CoordResult<Option<Space>> {
        self.pass().await?;
        let trouble = *self.trouble.trouble.lock().expect("no holder of this lock panics");
        let used_bytes = match trouble {
            Trouble::Full | Trouble::Reserve => 95,
            _ => 10,
        };
        let is_full = self.trouble.is_full();
        Ok(Some(Space { used_bytes, file_bytes: 50, quota_bytes: 100, reserve_bytes: 10, is_full }))
    }

    async fn reclaim(&self) -> CoordResult<()> {
        self.pass().await?;
        if self.trouble.is_full() {
            self.trouble.set(Trouble::None);
        }
        Ok(())
    }
}

/// Objects behind a switch.
#[derive(Debug)]
pub struct FaultyObjects {
    pub store: Arc<dyn ObjectStore>,
    pub trouble: Switch,
}

impl fmt::Display for FaultyObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty objects")
    }
}

impl FaultyObjects {
    async fn pass(&self) -> ObjectResult<()> {
        let refused =
            |()| object_store::Error::Generic { store: "test", source: "as the test asked".into() };
        self.trouble.pass().await.map_err(refused)
    }
}

#[async_trait]
impl ObjectStore for FaultyObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> ObjectResult<PutResult> {
        self.pass().await?;
        self.store.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> ObjectResult<Box<dyn MultipartUpload>> {
        self.pass().await?;
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> ObjectResult<GetResult> {
        self.pass().await?;
        self.store.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> ObjectResult<Vec<Bytes>> {
        self.pass().await?;
        self.store.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, ObjectResult<Path>>,
    ) -> BoxStream<'static, ObjectResult<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, ObjectResult<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> ObjectResult<ListResult> {
        self.pass().await?;
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> ObjectResult<()> {
        self.pass().await?;
        self.store.copy_opts(from, to, options).await
    }
}
