//! One bucket: its objects, and what they were a short while ago.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::condition::WriteConditions;
use super::list::{Page, Selection, page};
use super::multipart::{Completed, Upload};
use super::object::{Object, Tags};
use crate::error::{Code, S3Error};
use crate::wire::digest::{Checksum, md5};

#[derive(Debug, Serialize, Deserialize)]
pub struct Bucket {
    pub created: Timestamp,
    keys: BTreeMap<String, Key>,
    /// By key, then by id.
    pub(super) uploads: BTreeMap<String, BTreeMap<String, Upload>>,
    /// By id.
    pub(super) completed: BTreeMap<String, Completed>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Key {
    object: Option<Arc<Object>>,
    /// What was there until when, oldest first.
    earlier: Vec<(Timestamp, Option<Arc<Object>>)>,
}

/// What a client uploads.
#[derive(Debug, Clone, Default)]
pub struct NewObject {
    pub body: Bytes,
    pub headers: BTreeMap<String, String>,
    pub tags: Tags,
    pub checksum: Option<Checksum>,
}

impl Bucket {
    pub fn new(created: Timestamp) -> Bucket {
        Bucket {
            created,
            keys: BTreeMap::new(),
            uploads: BTreeMap::new(),
            completed: BTreeMap::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.keys.values().all(|key| key.object.is_none())
    }

    pub fn find(&self, key: &str) -> Option<&Arc<Object>> {
        self.keys.get(key)?.object.as_ref()
    }

    pub fn get(&self, key: &str) -> Result<&Arc<Object>, S3Error> {
        self.find(key).ok_or_else(|| S3Error::from(Code::NoSuchKey).with("Key", key))
    }

    /// All objects in byte order.
    pub fn objects(&self) -> impl Iterator<Item = (&str, &Arc<Object>)> {
        self.keys.iter().filter_map(|(key, it)| Some((key.as_str(), it.object.as_ref()?)))
    }

    /// The objects as they were at `seen`.
    pub fn list(&self, selection: &Selection, seen: Timestamp) -> Page<Arc<Object>> {
        page(&self.keys, selection, |key| key.at(seen).cloned())
    }

    /// Puts in one piece.
    pub fn put(
        &mut self,
        key: &str,
        new: NewObject,
        conditions: &WriteConditions,
        now: Timestamp,
    ) -> Result<Arc<Object>, S3Error> {
        let etag = hex::encode(md5(&new.body));
        self.replace(key, new, etag, Vec::new(), conditions, now)
    }

    pub(super) fn replace(
        &mut self,
        key: &str,
        new: NewObject,
        etag: String,
        parts: Vec<u64>,
        conditions: &WriteConditions,
        now: Timestamp,
    ) -> Result<Arc<Object>, S3Error> {
        conditions.check(key, self.find(key).map(Arc::as_ref))?;
        let object = Arc::new(Object {
            body: new.body,
            etag,
            modified: whole_seconds(now),
            headers: new.headers,
            tags: new.tags,
            checksum: new.checksum,
            parts,
        });
        self.set(key, Some(object.clone()), now);
        Ok(object)
    }

    /// Deletes what may well not be there.
    pub fn delete(
        &mut self,
        key: &str,
        conditions: &WriteConditions,
        now: Timestamp,
    ) -> Result<(), S3Error> {
        conditions.check(key, self.find(key).map(Arc::as_ref))?;
        if self.find(key).is_some() {
            self.set(key, None, now);
        }
        Ok(())
    }

    pub fn set_tags(&mut self, key: &str, tags: Tags) -> Result<(), S3Error> {
        let missing = || S3Error::from(Code::NoSuchKey).with("Key", key);
        let object = self.keys.get_mut(key).and_then(|it| it.object.as_mut());
        Arc::make_mut(object.ok_or_else(missing)?).tags = tags;
        Ok(())
    }

    /// Forgets what listings cannot show any more of one key.
    pub(super) fn forget(&mut self, key: &str, before: Timestamp) {
        let Some(entry) = self.keys.get_mut(key) else { return };
        entry.earlier.retain(|(until, _)| *until > before);
        if entry.object.is_none() && entry.earlier.is_empty() {
            self.keys.remove(key);
        }
    }

    /// The same of all keys.
    pub(super) fn forget_all(&mut self, before: Timestamp) {
        let old: Vec<_> = self
            .keys
            .iter()
            .filter(|(_, it)| !it.earlier.is_empty())
            .map(|it| it.0.clone())
            .collect();
        old.iter().for_each(|key| self.forget(key, before));
    }

    fn set(&mut self, key: &str, object: Option<Arc<Object>>, now: Timestamp) {
        let entry = self.keys.entry(key.to_owned()).or_default();
        let replaced = std::mem::replace(&mut entry.object, object);
        entry.earlier.push((now, replaced));
    }
}

impl Key {
    fn at(&self, seen: Timestamp) -> Option<&Arc<Object>> {
        let then = self.earlier.iter().find(|(until, _)| *until > seen);
        then.map_or(&self.object, |(_, object)| object).as_ref()
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).expect("a second of a timestamp is one")
}
