//! What a check of the store says of logs, archives and caches.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use drydock_api::runservice::types::{ArchiveReport, AttemptId, CacheId};
use drydock_core::inspect::Verdict;
use drydock_core::read_model::Fate;
use drydock_core::store::StoreTx;
use object_store::path::Path;

use super::harness::id;
use super::logs::{Claims, some_log};
use crate::periodic::Periodic;
use crate::record::{Attempt, Cache};
use crate::schema::{ATTEMPTS, CACHES};
use crate::{archives, caches};

fn digest(bytes: &str) -> String {
    blake3::hash(bytes.as_bytes()).to_hex().to_string()
}

fn archive(attempt: AttemptId) -> ArchiveReport {
    let object = format!("archives/{attempt}/0-abc.tar.zst");
    ArchiveReport { object, size: 3, blake3: digest("abc") }
}

fn cache(attempt: &Attempt) -> Cache {
    Cache {
        id: CacheId(id(77)),
        project: attempt.project,
        scope: "branch/main".to_owned(),
        key: "cargo".to_owned(),
        object: format!("caches/{}/def.tar.zst", attempt.id),
        size: 4,
        blake3: digest("defg"),
        place: 1,
        created_at: attempt.created_at,
        last_used_at: attempt.created_at,
    }
}

impl Claims {
    fn key(&self, name: &str) -> Path {
        name.split('/').fold(self.http.runs.store.object_keys().all(), Path::join)
    }

    async fn put(&self, name: &str, bytes: impl Into<Bytes>) {
        let objects = self.http.runs.store.objects();
        objects.put(&self.key(name), bytes.into()).await.unwrap();
    }

    async fn verify(&self) -> Verdict {
        self.http.runs.store.verify().await.unwrap()
    }

    /// The names of the objects that the state does not name, with their fates.
    async fn unnamed(&self) -> BTreeMap<String, Fate> {
        let verdict = self.verify().await;
        let folder = format!("{}/", self.http.runs.store.object_keys().all());
        assert_eq!(verdict.findings, []);
        let name = |place: &str| place.strip_prefix(&folder).expect("it is in it").to_owned();
        verdict.unnamed.iter().map(|blob| (name(&blob.place), blob.fate)).collect()
    }

    /// Lets each background task run that deletes what nobody needs.
    async fn sweep(&mut self) {
        let runs = &self.http.runs;
        let (store, engine) = (runs.store.clone(), runs.settings.engine.clone());
        let retention = runs.settings.log_retention;
        let mut archives =
            archives::tend::Tending::new(store.clone(), runs.archives(), engine, retention);
        let mut caches = caches::tend::Tending::new(store, runs.caches(), &runs.settings);
        runs.pass(3601);
        archives.pass().await.unwrap();
        caches.pass().await.unwrap();
        self.seal().await;
    }
}

#[tokio::test]
async fn logs_archives_and_caches_that_the_state_names_are_checked() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    claims.report(&log).await;
    claims.seal().await;
    let mut attempt = claims.stored().await;
    let (archive, cache) = (archive(attempt.id), cache(&attempt));
    let names = [
        format!("logs/{}/{}", attempt.id, attempt.sealed["0"].object),
        archive.object.clone(),
        cache.object.clone(),
    ];
    let of = format!("attempt 1 of task `a` of run 1 of project `{}`", attempt.project);
    let titles = [
        format!("the log of step 0 of {of}"),
        format!("the archive of step 0 of {of}"),
        format!(
            "cache entry `{}` (`cargo` of branch/main) of project `{}`",
            cache.id, cache.project
        ),
    ];
    attempt.archives.insert("0".to_owned(), archive);
    let name = move |tx: &mut StoreTx<'_>| {
        tx.put(CACHES, cache.id.0, &cache)?;
        Ok(tx.put(ATTEMPTS, attempt.id.0, &attempt)?)
    };
    claims.http.runs.act::<_, Infallible>(name).await.unwrap();
    claims.put(&names[1], "abc").await;
    claims.put(&names[2], "defg").await;
    assert_eq!(claims.unnamed().await, BTreeMap::new());
    assert_eq!(claims.verify().await.checked.blobs, 3);
    let store = claims.http.runs.store.clone();
    for (name, title) in names.iter().zip(&titles) {
        let key = claims.key(name);
        let sound = store.objects().get(&key).await.unwrap();
        for (bytes, problem) in [
            (None, "does not exist"),
            (Some([&sound[..1], &sound[..]].concat()), "bytes, the state says"),
            (Some([&sound[1..], &sound[..1]].concat()), "is damaged"),
        ] {
            match bytes {
                Some(bytes) => claims.put(name, bytes).await,
                None => store.objects().delete(&key).await.unwrap(),
            }
            let findings = claims.verify().await.findings;
            assert!(findings.len() == 1 && findings[0].place == key.as_ref(), "{findings:?}");
            let found = findings[0].problem.strip_prefix(title).expect(&findings[0].problem);
            assert!(found.contains(problem), "{findings:?}");
        }
        claims.put(name, sound).await;
    }
    let sizes = store.survey().await.unwrap().objects;
    for folder in ["logs", "archives", "caches"] {
        assert_eq!(sizes[folder].count, 1, "{folder}");
    }
    assert_eq!(sizes["archives"].bytes, 3);
}

#[tokio::test]
async fn what_is_called_garbage_is_what_the_service_deletes() {
    let mut claims = Claims::start().await;
    let log = some_log(300_000);
    claims.append(0, log.clone()).await;
    let attempt = claims.attempt;
    let uploads = [archive(attempt).object, format!("caches/{attempt}/def.tar.zst")];
    for upload in &uploads {
        claims.put(upload, "abc").await;
    }
    // Of an attempt that the state does not know.
    let orphan = format!("logs/{}/000-abc.log.zst", AttemptId(id(99)));
    claims.put(&orphan, "abc").await;
    let begun = claims.unnamed().await;
    assert_eq!(begun.len(), 4, "{begun:?}");
    assert_eq!(begun[&orphan], Fate::Orphaned);
    let in_progress = begun.values().filter(|fate| **fate == Fate::InProgress);
    assert_eq!(in_progress.count(), 3, "{begun:?}");

    claims.report(&log).await;
    claims.seal().await;
    let late = [
        format!("logs/{attempt}/000-abc.log.zst"),
        format!("logs/{attempt}/001.parts/0000000000000000-0000000000000003-abc.part"),
    ];
    for late in &late {
        claims.put(late, "abc").await;
    }
    let garbage = uploads.iter().chain(&late).map(|name| (name.clone(), Fate::Garbage));
    let kept = BTreeMap::from([(orphan, Fate::Orphaned)]);
    assert_eq!(claims.unnamed().await, garbage.chain(kept.clone()).collect());
    claims.sweep().await;
    assert_eq!(claims.unnamed().await, kept);
    assert_eq!(claims.verify().await.checked.blobs, 1, "the log is still there");
}
