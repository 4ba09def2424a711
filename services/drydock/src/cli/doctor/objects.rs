//! Checks of the object store: whether it does what Drydock relies on, and how fast it is.

use std::path::Path;
use std::time::Duration;

use drydock_backends::objects::probe::{ConditionalWrites, conditional_writes};
use drydock_core::env::Env;
use drydock_core::error::Chain;
use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tokio::time::Instant;

use super::report::{Level, Report};
use crate::cli::exit::Failure;
use crate::cli::store;
use crate::config::Config;
use crate::config::stores::ObjectsKind;

/// The bound of all checks, longer than any single request may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The bound of one small write or read: the archiver writes one small object a second.
const SLOW: Duration = Duration::from_millis(500);
/// The greatest difference between two synchronized clocks, in seconds, with the time of a request.
const MAX_CLOCK_SKEW: i64 = 30;
/// The smallest size that S3 accepts for any part but the last.
const PART_BYTES: usize = 5 << 20;

pub async fn check(
    config: &Config,
    data_dir: &Path,
    env: &Env,
    report: &mut Report,
) -> Result<(), Failure> {
    let at = match config.objects.kind {
        ObjectsKind::Files => "objects in files".to_owned(),
        ObjectsKind::S3 => format!("bucket `{}`", config.objects.bucket.as_deref().unwrap_or("")),
    };
    let objects = match store::open_objects(&config.objects, data_dir) {
        Ok(objects) => objects,
        Err(Failure::Failed(error)) => {
            report.add(Level::Missing, at, Chain(error.as_ref()));
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    let folder = Key::from(format!("{}/check/{}", config.cluster, env.new_id()));
    let checks = run_checks(objects.as_ref(), env, &folder, &at, report);
    match tokio::time::timeout(TIMEOUT, checks).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => report.add(Level::Missing, at, Chain(&error)),
        Err(_) => {
            let text = format!("the checks did not end within {} s", TIMEOUT.as_secs());
            report.add(Level::Missing, at, text);
        }
    }
    Ok(())
}

async fn run_checks(
    store: &dyn ObjectStore,
    env: &Env,
    folder: &Key,
    at: &str,
    report: &mut Report,
) -> object_store::Result<()> {
    let small = folder.clone().join("small.json");
    let content = b"0123456789";
    let (asked, clock) = (Instant::now(), env.now());
    store.put(&small, PutPayload::from_static(content)).await?;
    report.time(at, "write of a small object", asked.elapsed(), SLOW);
    let asked = Instant::now();
    let found = store.get(&small).await?;
    let ahead = clock.as_second() - found.meta.last_modified.timestamp();
    let read = found.bytes().await?;
    report.time(at, "read of a small object", asked.elapsed(), SLOW);
    if let Some(text) = wrong_clock(ahead) {
        report.add(Level::Note, at, text);
    }
    let part = store.get_range(&small, 3..6).await?;
    if read[..] != content[..] || part[..] != content[3..6] {
        report.add(Level::Unsafe, at, "a read does not return the bytes that were written");
    }
    let listed: Vec<_> = store.list(Some(folder)).try_collect().await?;
    if listed.len() != 1 {
        let text = "listings are late: a new object is not listed yet, or a deleted one still is";
        report.add(Level::Unsafe, at, text);
    }
    let conditional = folder.clone().join("conditional.json");
    match conditional_writes(store, &conditional).await? {
        ConditionalWrites::Honoured => report.add(Level::Ok, at, "conditional writes: honoured"),
        ConditionalWrites::Unknown => {
            report.add(Level::Ok, at, "conditional writes: none; Drydock does not need them");
        }
        ConditionalWrites::Ignored => {
            let text =
                "conditional writes: ignored; Drydock does not need them, but other programs may";
            report.add(Level::Note, at, text);
        }
    }
    let large = folder.clone().join("large.bin");
    in_parts(store, &large).await?;
    let size = store.head(&large).await?.size;
    let expected = PART_BYTES as u64 + 1;
    if size == expected {
        report.add(Level::Ok, at, "uploads in parts: work");
    } else {
        let text = format!("uploads in parts: an object has {size} bytes instead of {expected}");
        report.add(Level::Unsafe, at, text);
    }
    store.delete(&small).await?;
    store.delete(&large).await?;
    match store.get(&small).await {
        Err(object_store::Error::NotFound { .. }) => {}
        Ok(_) => report.add(Level::Unsafe, at, "a deleted object is still there"),
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The finding for a clock that is `ahead` seconds ahead of the store's; `None` if that is little.
fn wrong_clock(ahead: i64) -> Option<String> {
    let apart = ahead.abs();
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    let text = format!(
        "the clock of this machine is {apart} s {side} the store's: S3 refuses requests from 15 \
         minutes on"
    );
    (apart > MAX_CLOCK_SKEW).then_some(text)
}

async fn in_parts(store: &dyn ObjectStore, key: &Key) -> object_store::Result<()> {
    let mut upload = store.put_multipart(key).await?;
    let parts = async {
        upload.put_part(vec![7; PART_BYTES].into()).await?;
        upload.put_part(PutPayload::from_static(b"7")).await?;
        upload.complete().await
    };
    let done = parts.await;
    if done.is_err() {
        // The parts cost money until the upload is aborted.
        let _ = upload.abort().await;
    }
    done.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_differs_by_more_than_a_request_takes_is_reported() {
        assert_eq!(wrong_clock(0), None);
        assert_eq!(wrong_clock(-2), None);
        assert!(wrong_clock(600).is_some_and(|text| text.contains("600 s ahead of the store's")));
        assert!(wrong_clock(-61).is_some_and(|text| text.contains("61 s behind the store's")));
    }
}
