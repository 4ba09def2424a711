//! Objects as files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drydock_core::private;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("object directory `{}` is not a directory", .0.display())]
    NotDirectory(PathBuf),
    #[error("object directory `{}` cannot be used", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("object directory `{}` cannot be opened", path.display())]
    Store { path: PathBuf, source: object_store::Error },
}

/// Opens the objects below `root`, which is created if it is missing.
pub fn open_fs(root: &Path) -> Result<Arc<dyn ObjectStore>, OpenError> {
    let path = root.to_owned();
    if root.exists() && !root.is_dir() {
        return Err(OpenError::NotDirectory(path));
    }
    if let Err(source) = private::create_dir_all(root) {
        return Err(OpenError::Io { path, source });
    }
    match LocalFileSystem::new_with_prefix(root) {
        Ok(store) => Ok(Arc::new(store.with_fsync(true))),
        Err(source) => Err(OpenError::Store { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use object_store::path::Path as Key;
    use object_store::{ObjectStoreExt, PutPayload};

    use super::*;

    #[tokio::test]
    async fn an_object_is_there_after_opening_again() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/objects");
        let key = Key::from("c/configstore/current.json");
        let store = open_fs(&root).unwrap();
        let payload = PutPayload::from_static(b"{}");
        store.put(&key, payload).await.unwrap();
        let again = open_fs(&root).unwrap();
        let read = again.get(&key).await.unwrap().bytes().await.unwrap();
        assert_eq!(&read[..], b"{}");
    }

    #[test]
    fn a_file_in_place_of_the_directory_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("objects");
        std::fs::write(&root, "").unwrap();
        let error = open_fs(&root).unwrap_err();
        assert!(matches!(error, OpenError::NotDirectory(_)));
        assert!(error.to_string().contains(root.to_str().unwrap()));
    }
}
