//! A part of a bucket, for callers whose time stands still.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};

use super::Elsewhere;

pub type Bucket = PrefixStore<Arc<dyn ObjectStore>>;

#[derive(Clone)]
pub struct DistantObjects {
    bucket: Arc<Bucket>,
    elsewhere: Elsewhere,
}

impl DistantObjects {
    pub fn new(bucket: Bucket, elsewhere: Elsewhere) -> DistantObjects {
        DistantObjects { bucket: Arc::new(bucket), elsewhere }
    }
}

impl fmt::Debug for DistantObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DistantObjects").finish_non_exhaustive()
    }
}

impl fmt::Display for DistantObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects on a server")
    }
}

#[async_trait]
impl ObjectStore for DistantObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let (bucket, location) = (self.bucket.clone(), location.clone());
        let put = async move { bucket.put_opts(&location, payload, options).await };
        self.elsewhere.run(put).await
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        // The product writes no object in parts.
        Err(Error::NotSupported { source: "uploads in parts".into() })
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (bucket, location) = (self.bucket.clone(), location.clone());
        let get = async move {
            let found = bucket.get_opts(&location, options).await?;
            let GetResult { ref meta, ref range, ref attributes, .. } = found;
            let (meta, range, attributes) = (meta.clone(), range.clone(), attributes.clone());
            let extensions = found.extensions.clone();
            let body = found.bytes().await?;
            let payload = GetResultPayload::Stream(stream::iter([Ok(body)]).boxed());
            Ok(GetResult { payload, meta, range, attributes, extensions })
        };
        self.elsewhere.run(get).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let distant = self.clone();
        let deleted = locations.and_then(move |location| {
            let DistantObjects { bucket, elsewhere } = distant.clone();
            async move {
                let delete = async move { bucket.delete(&location).await.map(|()| location) };
                elsewhere.run(delete).await
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (DistantObjects { bucket, elsewhere }, prefix) = (self.clone(), prefix.cloned());
        let list = async move {
            let list = async move { bucket.list(prefix.as_ref()).collect::<Vec<_>>().await };
            stream::iter(elsewhere.run(list).await)
        };
        stream::once(list).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (bucket, prefix) = (self.bucket.clone(), prefix.cloned());
        let list = async move { bucket.list_with_delimiter(prefix.as_ref()).await };
        self.elsewhere.run(list).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (bucket, from, to) = (self.bucket.clone(), from.clone(), to.clone());
        self.elsewhere.run(async move { bucket.copy_opts(&from, &to, options).await }).await
    }
}
