use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};

use super::asker::{Asker, Open};

/// Objects, of which every request is told.
#[derive(Clone)]
pub struct TracedObjects {
    pub inner: Arc<dyn ObjectStore>,
    pub asker: Asker,
}

impl TracedObjects {
    fn begin(&self, op: &str, path: &str) -> Open {
        self.asker.begin("object", format!("{op} {path}"), op, path)
    }

    /// Tells of a stream of answers, which begins now and ends with its last one.
    fn stream<T: Send + 'static>(
        &self,
        op: &str,
        path: &str,
        inner: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        let state = (Some(self.begin(op, path)), inner, 0_u64);
        let told = stream::unfold(state, |(mut open, mut inner, count)| async move {
            match inner.next().await {
                Some(Ok(item)) => Some((Ok(item), (open, inner, count + 1))),
                Some(Err(error)) => {
                    if let Some(open) = open.take() {
                        open.end(outcome(&error), |about| about.text(&error));
                    }
                    Some((Err(error), (open, inner, count)))
                }
                None => {
                    if let Some(open) = open.take() {
                        open.end("ok", |about| about.text(format!("{count} objects")));
                    }
                    None
                }
            }
        });
        told.boxed()
    }
}

fn outcome(error: &Error) -> &'static str {
    match error {
        Error::NotFound { .. } => "not found",
        Error::AlreadyExists { .. } | Error::Precondition { .. } => "refused",
        _ => "failed",
    }
}

fn told<T>(open: Open, answer: Result<T>) -> Result<T> {
    match &answer {
        Ok(_) => open.end("ok", |about| about),
        Err(error) => open.end(outcome(error), |about| about.text(error)),
    }
    answer
}

impl fmt::Debug for TracedObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl fmt::Display for TracedObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for TracedObjects {
    async fn put_opts(&self, path: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let open = self.begin("put", path.as_ref());
        told(open, self.inner.put_opts(path, data, opts).await)
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let open = self.begin("begin upload of", path.as_ref());
        let upload = told(open, self.inner.put_multipart_opts(path, opts).await)?;
        Ok(Box::new(TracedUpload { upload, objects: self.clone(), path: path.clone() }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let open = self.begin(if options.head { "head" } else { "get" }, path.as_ref());
        told(open, self.inner.get_opts(path, options).await)
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let open = self.begin("get ranges of", path.as_ref());
        told(open, self.inner.get_ranges(path, ranges).await)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.stream("delete", "", self.inner.delete_stream(paths))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.stream("list", prefix.map_or("", Path::as_ref), self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let inner = self.inner.list_with_offset(prefix, offset);
        self.stream("list", prefix.map_or("", Path::as_ref), inner)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let open = self.begin("list", prefix.map_or("", Path::as_ref));
        told(open, self.inner.list_with_delimiter(prefix).await)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let open = self.begin(&format!("copy {from} to"), to.as_ref());
        told(open, self.inner.copy_opts(from, to, options).await)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let open = self.begin(&format!("rename {from} to"), to.as_ref());
        told(open, self.inner.rename_opts(from, to, options).await)
    }
}

#[derive(Debug)]
struct TracedUpload {
    upload: Box<dyn MultipartUpload>,
    objects: TracedObjects,
    path: Path,
}

#[async_trait]
impl MultipartUpload for TracedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let open = self.objects.begin("upload part of", self.path.as_ref());
        let part = self.upload.put_part(data);
        Box::pin(async move { told(open, part.await) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let open = self.objects.begin("complete upload of", self.path.as_ref());
        told(open, self.upload.complete().await)
    }

    async fn abort(&mut self) -> Result<()> {
        let open = self.objects.begin("abort upload of", self.path.as_ref());
        told(open, self.upload.abort().await)
    }
}
