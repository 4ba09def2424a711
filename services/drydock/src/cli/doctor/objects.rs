//! The objects: whether the store does what the product relies on, and how fast.

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

/// Longer than any single request may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Archiving writes one small object a second.
const SLOW: Duration = Duration::from_millis(500);
/// Seconds between two clocks that are kept right, and some for what is on its way.
const CLOCKS_APART: i64 = 30;
/// The smallest part that S3 takes before the last one.
const PART_BYTES: usize = 5 << 20;

pub async fn look(
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
    let trial = trial(objects.as_ref(), env, &folder, &at, report);
    match tokio::time::timeout(PATIENCE, trial).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => report.add(Level::Missing, at, Chain(&error)),
        Err(_) => report.add(Level::Missing, at, format!("no end within {} s", PATIENCE.as_secs())),
    }
    Ok(())
}

async fn trial(
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
    report.time(at, "a small object written", asked.elapsed(), SLOW);
    let asked = Instant::now();
    let found = store.get(&small).await?;
    let ahead = clock.as_second() - found.meta.last_modified.timestamp();
    let read = found.bytes().await?;
    report.time(at, "and read", asked.elapsed(), SLOW);
    if let Some(what) = wrong_clock(ahead) {
        report.add(Level::Note, at, what);
    }
    let part = store.get_range(&small, 3..6).await?;
    if read[..] != content[..] || part[..] != content[3..6] {
        report.add(Level::Unsafe, at, "what is read is not what was written");
    }
    let listed: Vec<_> = store.list(Some(folder)).try_collect().await?;
    if listed.len() != 1 {
        let what = "listings are late: what was written is not there yet, or what was deleted is";
        report.add(Level::Unsafe, at, what);
    }
    let conditional = folder.clone().join("conditional.json");
    match conditional_writes(store, &conditional).await? {
        ConditionalWrites::Honoured => report.add(Level::Ok, at, "conditional writes: honoured"),
        ConditionalWrites::Unknown => {
            report.add(Level::Ok, at, "conditional writes: none; nothing relies on them");
        }
        ConditionalWrites::Ignored => {
            let what =
                "conditional writes: ignored; nothing relies on them, but other programs may";
            report.add(Level::Note, at, what);
        }
    }
    let large = folder.clone().join("large.bin");
    in_parts(store, &large).await?;
    let size = store.head(&large).await?.size;
    if size == PART_BYTES as u64 + 1 {
        report.add(Level::Ok, at, "uploads in parts");
    } else {
        report.add(Level::Unsafe, at, format!("an upload in parts has {size} bytes in the end"));
    }
    store.delete(&small).await?;
    store.delete(&large).await?;
    match store.get(&small).await {
        Err(object_store::Error::NotFound { .. }) => {}
        Ok(_) => report.add(Level::Unsafe, at, "an object that was deleted is still there"),
        Err(error) => return Err(error),
    }
    Ok(())
}

/// What to say of a clock that is so many seconds ahead of the store's.
fn wrong_clock(ahead: i64) -> Option<String> {
    let apart = ahead.abs();
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let what = format!(
        "the clock of this machine is {apart} s {way} the store's: S3 refuses requests from 15 \
         minutes on"
    );
    (apart > CLOCKS_APART).then_some(what)
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
        // What remains of it costs money until it is aborted.
        let _ = upload.abort().await;
    }
    done.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_differs_by_more_than_a_trip_is_named() {
        assert_eq!(wrong_clock(0), None);
        assert_eq!(wrong_clock(-2), None);
        assert!(wrong_clock(600).is_some_and(|what| what.contains("600 s ahead of the store's")));
        assert!(wrong_clock(-61).is_some_and(|what| what.contains("61 s behind the store's")));
    }
}
