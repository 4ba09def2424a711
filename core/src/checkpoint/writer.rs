//! Writes a state as data files of bounded size.

use super::datafile::Encoder;
use super::manifest::{DataFile, SortKey};
use crate::env::Env;
use crate::log::format::Object;
use crate::log::keys::{DataName, ObjectKeys};
use crate::objects::{ObjectError, Objects};

/// Uncompressed bytes at which a data file ends.
pub const DATA_FILE_BYTES: usize = 12 << 20;

/// Writes objects, given in order, as data files.
pub struct DataWriter<'a> {
    objects: &'a Objects,
    keys: &'a ObjectKeys,
    env: &'a Env,
    file: Option<Open>,
    files: Vec<DataFile>,
}

/// The file that is being written.
struct Open {
    encoder: Encoder,
    first: SortKey,
    last: SortKey,
    objects: u64,
    bytes: usize,
}

impl<'a> DataWriter<'a> {
    pub fn new(objects: &'a Objects, keys: &'a ObjectKeys, env: &'a Env) -> DataWriter<'a> {
        DataWriter { objects, keys, env, file: None, files: Vec::new() }
    }

    pub async fn push(&mut self, object: &Object) -> Result<(), ObjectError> {
        let file = self.file.get_or_insert_with(|| Open {
            encoder: Encoder::new(self.env.new_id()),
            first: SortKey::of(object),
            last: SortKey::of(object),
            objects: 0,
            bytes: 0,
        });
        file.bytes += file.encoder.push(object);
        file.objects += 1;
        file.last = SortKey::of(object);
        if file.bytes >= DATA_FILE_BYTES {
            self.cut().await?;
        }
        Ok(())
    }

    /// Ends and stores the file that is being written.
    pub async fn cut(&mut self) -> Result<(), ObjectError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let Open { encoder, first, last, objects, bytes } = file;
        let encoded = encoder.finish();
        let name = DataName::of(&encoded);
        self.objects.put(&self.keys.data(&name), encoded).await?;
        self.files.push(DataFile { name, objects, bytes: bytes as u64, first, last });
        Ok(())
    }

    /// Bytes in the file that is being written.
    pub fn open_bytes(&self) -> usize {
        self.file.as_ref().map_or(0, |file| file.bytes)
    }

    /// Adds a file of an earlier checkpoint as it is. Call [`cut`](Self::cut) first.
    pub fn share(&mut self, file: DataFile) {
        assert!(self.file.is_none(), "a file is shared between two others");
        self.files.push(file);
    }

    /// The files, all stored.
    pub async fn finish(mut self) -> Result<Vec<DataFile>, ObjectError> {
        self.cut().await?;
        Ok(self.files)
    }
}
