//! All buckets, and the conditional writes under way.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use crate::error::{Code, S3Error};

/// How long a completed upload may be completed again.
const COMPLETED_KEPT: Duration = Duration::from_secs(3600);
/// Mutations between two times of tidying up.
const TIDY_PERIOD: u64 = 256;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    buckets: BTreeMap<String, Bucket>,
    #[serde(skip)]
    writers: BTreeMap<u64, Writer>,
    last_id: u64,
    mutations: u64,
}

#[derive(Debug)]
struct Writer {
    bucket: String,
    key: String,
    /// Somebody else changed the object while this one was being uploaded.
    disturbed: bool,
}

/// A conditional write whose body is still arriving.
#[derive(Debug)]
pub struct Ticket(u64);

impl State {
    pub fn bucket(&self, name: &str) -> Result<&Bucket, S3Error> {
        self.buckets.get(name).ok_or_else(|| no_bucket(name))
    }

    pub fn bucket_mut(&mut self, name: &str) -> Result<&mut Bucket, S3Error> {
        self.buckets.get_mut(name).ok_or_else(|| no_bucket(name))
    }

    pub fn buckets(&self) -> impl Iterator<Item = (&str, &Bucket)> {
        self.buckets.iter().map(|(name, bucket)| (name.as_str(), bucket))
    }

    pub fn create_bucket(&mut self, name: &str, now: Timestamp) -> Result<(), S3Error> {
        if self.buckets.contains_key(name) {
            let error = S3Error::from(Code::BucketAlreadyOwnedByYou);
            return Err(error.with("BucketName", name));
        }
        self.buckets.insert(name.to_owned(), Bucket::new(now));
        Ok(())
    }

    pub fn delete_bucket(&mut self, name: &str) -> Result<(), S3Error> {
        if !self.bucket(name)?.is_empty() {
            return Err(S3Error::from(Code::BucketNotEmpty).with("BucketName", name));
        }
        self.buckets.remove(name);
        Ok(())
    }

    /// A number that was never given before.
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Notes that a conditional write began.
    pub fn begin_write(&mut self, bucket: &str, key: &str) -> Ticket {
        let id = self.next_id();
        let writer = Writer { bucket: bucket.to_owned(), key: key.to_owned(), disturbed: false };
        self.writers.insert(id, writer);
        Ticket(id)
    }

    /// Ends it; answers whether another write came in between.
    pub fn end_write(&mut self, ticket: &Ticket) -> bool {
        self.writers.remove(&ticket.0).is_some_and(|writer| writer.disturbed)
    }

    /// Conditional writes under way.
    pub fn writers(&self) -> usize {
        self.writers.len()
    }

    /// Notes that an object changed. Listings look no further back than `listing_lag`.
    pub fn changed(&mut self, bucket: &str, key: &str, now: Timestamp, listing_lag: Duration) {
        for writer in self.writers.values_mut() {
            writer.disturbed |= writer.bucket == bucket && writer.key == key;
        }
        let seen = ago(now, listing_lag);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.forget(key, seen);
        }
        self.mutations += 1;
        if self.mutations.is_multiple_of(TIDY_PERIOD) {
            for bucket in self.buckets.values_mut() {
                bucket.forget_all(seen);
                bucket.forget_completed(ago(now, COMPLETED_KEPT));
            }
        }
    }
}

fn ago(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_sub(by).expect("a duration is not a calendar span")
}

fn no_bucket(name: &str) -> S3Error {
    S3Error::from(Code::NoSuchBucket).with("BucketName", name)
}
