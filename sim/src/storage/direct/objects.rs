//! The object store as one instance reaches it: in memory, behind a way that can be slow or down,
//! with writes that fail with or without effect.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::link::StorageLink;
use crate::plan::fault::{Effect, FaultKind};
use crate::timeline::ObjectHistory;

#[derive(Clone)]
pub struct FaultyObjects {
    pub inner: Arc<dyn ObjectStore>,
    pub object_history: ObjectHistory,
    pub link: StorageLink,
}

impl FaultyObjects {
    async fn travel(&self) -> Result<()> {
        let slower = |what: &FaultKind| what.objects()?.slows_by();
        let traveled = self.link.travel(slower, |_| false).await;
        traveled.map_err(|_| failure("timed out"))?;
        let outage = |what: &FaultKind| what.objects()?.is_outage().then_some(());
        match self.link.mine(outage) {
            Some((index, ())) => {
                self.link.faults.hit(index, 1);
                Err(failure("service unavailable"))
            }
            None => Ok(()),
        }
    }

    /// One write, there and back.
    async fn write<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.travel().await?;
        let failing = |what: &FaultKind| what.objects()?.fails_writes();
        match self.link.strike(failing) {
            Some(Effect::Dropped) => Err(failure("internal error, nothing written")),
            Some(Effect::Applied | Effect::Late) => {
                work.await?;
                Err(failure("internal error after the write"))
            }
            None => {
                let done = work.await?;
                self.travel().await?;
                Ok(done)
            }
        }
    }

    /// A stream that begins after one way there and back.
    fn later<T: Send + 'static>(
        &self,
        open: impl FnOnce(&dyn ObjectStore) -> BoxStream<'static, Result<T>> + Send + 'static,
    ) -> BoxStream<'static, Result<T>> {
        let this = self.clone();
        let opened = async move {
            this.travel().await?;
            this.travel().await?;
            Ok::<_, Error>(open(&*this.inner))
        };
        stream::once(opened).try_flatten().boxed()
    }
}

fn failure(reason: &'static str) -> Error {
    Error::Generic { store: "simulated", source: reason.into() }
}

impl fmt::Debug for FaultyObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyObjects({})", self.link.host)
    }
}

impl fmt::Display for FaultyObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "simulated objects of {}", self.link.host)
    }
}

#[async_trait]
impl ObjectStore for FaultyObjects {
    async fn put_opts(&self, path: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let work = async {
            let done = self.inner.put_opts(path, data.clone(), opts).await?;
            self.object_history.put(path, data).await?;
            Ok(done)
        };
        self.write(work).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.travel().await?;
        let upload = self.inner.put_multipart_opts(path, opts).await?;
        self.travel().await?;
        Ok(Box::new(FaultyUpload { upload, objects: self.clone() }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.travel().await?;
        let found = self.inner.get_opts(path, options).await?;
        self.travel().await?;
        Ok(found)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.later(move |inner| inner.delete_stream(paths))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned();
        self.later(move |inner| inner.list(prefix.as_ref()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.travel().await?;
        let found = self.inner.list_with_delimiter(prefix).await?;
        self.travel().await?;
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write(self.inner.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    objects: FaultyObjects,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let part = self.upload.put_part(data);
        let objects = self.objects.clone();
        Box::pin(async move { objects.write(part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let objects = self.objects.clone();
        objects.write(self.upload.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        let objects = self.objects.clone();
        objects.write(self.upload.abort()).await
    }
}
