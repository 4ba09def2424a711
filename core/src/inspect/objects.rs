//! Checks object storage: reads every object, and compares its contents with its name.

use std::collections::{BTreeMap, BTreeSet};

use object_store::path::Path;
use uuid::Uuid;

use super::keys::CoordinationState;
use super::verify::Verifier;
use crate::checkpoint::{DataFile, Manifest, SortKey, read_file};
use crate::lineage::list::lineage_history;
use crate::lineage::notes::{Announced, Note, newest_of};
use crate::lineage::record::{CurrentLineage, LineageRecord};
use crate::log::ballot::Ballot;
use crate::log::format::{Body, Head, Position};
use crate::log::keys::{DataName, Span};
use crate::log::segment;
use crate::read_model::StoreError;
use crate::store::Inner;

const WRONG_LINEAGE: &str =
    "if the coordination store were lost, the wrong lineage or none might be recovered";

/// The kind of an object, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Current,
    Note(Note),
    Lineage(Uuid),
    Manifest(Uuid, Position),
    Segment(Uuid, Span),
    Data,
    /// An object in this folder of blobs.
    Blob(&'static str),
}

impl Kind {
    pub(super) fn of(inner: &Inner, key: &Path) -> Option<Kind> {
        let (keys, folders) = (&inner.object_keys, inner.schema.blobs.folders);
        let parts: Vec<_> = key.prefix_match(&keys.all())?.collect();
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        let kind = match parts[..] {
            ["current.json"] => Kind::Current,
            ["in-force", name] => Kind::Note(Note::parse(name)?),
            ["data", _] => Kind::Data,
            ["lineages", id, "lineage.json"] => Kind::Lineage(id.parse().ok()?),
            ["lineages", id, "checkpoints", name] => {
                let position = name.strip_suffix(".json")?.parse().ok()?;
                Kind::Manifest(id.parse().ok()?, position)
            }
            ["lineages", id, "log", name] => Kind::Segment(id.parse().ok()?, Span::parse(name)?),
            [first, _, ..] => Kind::Blob(folders.iter().find(|folder| **folder == first)?),
            _ => return None,
        };
        Some(kind)
    }

    pub(super) fn group(&self) -> &'static str {
        match self {
            Kind::Current | Kind::Note(_) => "other",
            Kind::Lineage(_) => "lineages",
            Kind::Manifest(..) => "checkpoints",
            Kind::Segment(..) => "segments",
            Kind::Data => "data",
            Kind::Blob(folder) => folder,
        }
    }
}

/// The lineages that are or were current, with their manifests and segments.
#[derive(Default)]
pub(super) struct Inventory {
    pub(super) lineages: Vec<LineageRecord>,
    pub(super) manifests: BTreeMap<Uuid, Vec<Position>>,
    pub(super) spans: BTreeMap<Uuid, Vec<Span>>,
    /// The bytes of each object in a folder of blobs.
    pub(super) blobs: BTreeMap<Path, u64>,
}

/// Facts about a data file that was read.
struct File {
    first: Option<SortKey>,
    last: Option<SortKey>,
    counts: BTreeMap<String, u64>,
}

pub(super) async fn check(
    verifier: &mut Verifier<'_>,
    state: &CoordinationState,
) -> Result<Inventory, StoreError> {
    let keys = &verifier.inner.object_keys;
    let (mut inventory, mut data) = (Inventory::default(), Vec::new());
    let (mut records, mut folders) = (Vec::new(), BTreeSet::new());
    let (mut current, mut notes) = (None, Vec::new());
    for (key, bytes) in verifier.inner.objects.list_sizes(&keys.all()).await? {
        verifier.checked.objects += 1;
        verifier.checked.bytes += bytes;
        match Kind::of(verifier.inner, &key) {
            None => verifier.unknown_object(&key),
            Some(Kind::Data) => data.push(key),
            Some(Kind::Blob(_)) => drop(inventory.blobs.insert(key, bytes)),
            Some(Kind::Current) => current = Some(key),
            Some(Kind::Note(note)) => {
                self::note(verifier, &key, note).await?;
                notes.push(note);
            }
            Some(Kind::Lineage(id)) => records.extend(record(verifier, &key, id).await?),
            Some(Kind::Manifest(id, at)) => {
                folders.insert(id);
                inventory.manifests.entry(id).or_default().push(at);
            }
            Some(Kind::Segment(id, span)) => {
                folders.insert(id);
                inventory.spans.entry(id).or_default().push(span);
            }
        }
    }
    for id in folders {
        if !records.iter().any(|record| record.lineage == id) {
            let meaning = "one cannot go back to that lineage, nor recover it";
            verifier.report(keys.lineage(id), "it is missing or damaged, its parts exist", meaning);
        }
    }
    records.sort_by_key(|record| (record.epoch, record.created, record.lineage));
    let noted = self::current(verifier, state, current, &records).await?;
    let in_force = state.head.map(|head| head.lineage).or(noted);
    inventory.lineages = lineage_history(&records, in_force).cloned().collect();
    if let Some(record) = records.iter().find(|record| in_force == Some(record.lineage))
        && newest_of(&notes) != Some(record.lineage)
    {
        verifier.report(keys.notes(), "the newest names another lineage, or none", WRONG_LINEAGE);
    }
    let mut files = BTreeMap::new();
    for (id, positions) in &inventory.manifests {
        for at in positions {
            manifest(verifier, &mut files, *id, *at).await?;
        }
    }
    for (id, spans) in &inventory.spans {
        segments(verifier, state, *id, spans).await?;
    }
    for key in data {
        if !files.contains_key(&key) {
            hash(verifier, &key).await?;
        }
    }
    Ok(inventory)
}

async fn record(
    verifier: &mut Verifier<'_>,
    key: &Path,
    id: Uuid,
) -> Result<Option<LineageRecord>, StoreError> {
    let read = verifier.inner.objects.get_envelope::<LineageRecord>(key).await;
    let meaning = "no list of lineages can be made, and nothing can be collected";
    let record = verifier.check(key, meaning, read)?;
    if let Some(record) = &record
        && record.lineage != id
    {
        verifier.report(key, format!("it is of lineage `{}`", record.lineage), meaning);
    }
    Ok(record)
}

async fn note(verifier: &mut Verifier<'_>, key: &Path, note: Note) -> Result<(), StoreError> {
    if note.lineage.is_none() {
        let read = verifier.inner.objects.get_envelope::<Announced>(key).await;
        return verifier.check(key, "it counts as what its name says", read).map(drop);
    }
    let read = verifier.inner.objects.get_envelope::<CurrentLineage>(key).await;
    let Some(found) = verifier.check(key, WRONG_LINEAGE, read)? else { return Ok(()) };
    if Some(found.lineage) != note.lineage {
        verifier.report(key, format!("it names `{}`", found.lineage), WRONG_LINEAGE);
    }
    Ok(())
}

async fn current(
    verifier: &mut Verifier<'_>,
    state: &CoordinationState,
    key: Option<Path>,
    records: &[LineageRecord],
) -> Result<Option<Uuid>, StoreError> {
    let meaning = WRONG_LINEAGE;
    let place = verifier.inner.object_keys.current();
    let Some(key) = key else {
        if state.head.is_some() || !records.is_empty() {
            verifier.report(place, "it does not exist", meaning);
        }
        return Ok(None);
    };
    let read = verifier.inner.objects.get_envelope::<CurrentLineage>(&key).await;
    let Some(CurrentLineage { lineage }) = verifier.check(&key, meaning, read)? else {
        return Ok(None);
    };
    if state.head.is_some_and(|head| head.lineage != lineage) {
        verifier.report(&key, format!("it names `{lineage}`, another one is in force"), meaning);
    }
    if !records.iter().any(|record| record.lineage == lineage) {
        verifier.report(&key, format!("it names `{lineage}`, which has no record"), meaning);
    }
    Ok(Some(lineage))
}

async fn manifest(
    verifier: &mut Verifier<'_>,
    files: &mut BTreeMap<Path, Option<File>>,
    lineage: Uuid,
    position: Position,
) -> Result<(), StoreError> {
    let inner = verifier.inner;
    let key = inner.object_keys.manifest(lineage, position);
    let meaning = "this checkpoint cannot be loaded";
    let read = inner.objects.get_envelope::<Manifest>(&key).await;
    let Some(manifest) = verifier.check(&key, meaning, read)? else { return Ok(()) };
    let named = (manifest.service.as_str(), manifest.lineage, manifest.position);
    if named != (inner.schema.service, lineage, position) {
        verifier.report(&key, "it is of another service, lineage or position", meaning);
    }
    let mut counts: BTreeMap<String, u64> =
        inner.schema.types_at(manifest.schema).map(|kind| (kind.name.to_owned(), 0)).collect();
    let mut before: Option<SortKey> = None;
    for file in &manifest.files {
        let name = inner.object_keys.data(&file.name);
        if !files.contains_key(&name) {
            let read = self::file(verifier, &name, file, manifest.schema).await?;
            files.insert(name.clone(), read);
        }
        // A file that cannot be read is a finding of its own.
        let Some(Some(found)) = files.get(&name) else { continue };
        let (first, last) = (Some(&file.first), Some(&file.last));
        if (found.first.as_ref(), found.last.as_ref()) != (first, last) {
            let problem = format!("`{name}` begins or ends with another object than it says");
            verifier.report(&key, problem, meaning);
        }
        if before.as_ref().is_some_and(|before| !in_order(inner, before, &file.first)) {
            verifier.report(&key, format!("`{name}` overlaps the file before it"), meaning);
        }
        before = Some(file.last.clone());
        for (kind, count) in &found.counts {
            *counts.entry(kind.clone()).or_default() += count;
        }
    }
    let whole = manifest
        .files
        .iter()
        .all(|file| matches!(files.get(&inner.object_keys.data(&file.name)), Some(Some(_))));
    if whole && counts != manifest.counts {
        let problem = format!("it counts {:?}, its files hold {counts:?}", manifest.counts);
        verifier.report(&key, problem, meaning);
    }
    Ok(())
}

fn in_order(inner: &Inner, one: &SortKey, other: &SortKey) -> bool {
    let rank = |key: &SortKey| inner.schema.find(&key.r#type).map(|(nth, _)| (nth, key.id));
    rank(one) < rank(other)
}

async fn file(
    verifier: &mut Verifier<'_>,
    name: &Path,
    file: &DataFile,
    schema: u32,
) -> Result<Option<File>, StoreError> {
    let inner = verifier.inner;
    let read = read_file(&inner.objects, &inner.object_keys, file).await;
    let meaning = "checkpoints that refer to this file cannot be loaded";
    let Some(objects) = verifier.check(name, meaning, read)? else { return Ok(None) };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for object in &objects {
        verifier.stored_object(name.as_ref(), object, schema)?;
        *counts.entry(object.r#type.clone()).or_default() += 1;
    }
    let sort_keys: Vec<SortKey> = objects.iter().map(SortKey::of).collect();
    if !sort_keys.windows(2).all(|pair| in_order(inner, &pair[0], &pair[1])) {
        verifier.report(name, "its objects are not in order", "the next checkpoint would be wrong");
    }
    Ok(Some(File { first: sort_keys.first().cloned(), last: sort_keys.last().cloned(), counts }))
}

/// Reads the segments of a lineage; each must begin where the one before it ended, or overlap it.
async fn segments(
    verifier: &mut Verifier<'_>,
    state: &CoordinationState,
    lineage: Uuid,
    spans: &[Span],
) -> Result<(), StoreError> {
    let inner = verifier.inner;
    let mut spans = spans.to_vec();
    spans.sort_unstable();
    let mut end: Option<(Head, Ballot)> = None;
    for span in spans.iter().copied() {
        let key = inner.object_keys.segment(lineage, span);
        let meaning = "commits from here on cannot be recovered if the coordination store is lost";
        let read = segment::read(&inner.objects, &inner.object_keys, lineage, span).await;
        let Some(segment) = verifier.check(&key, meaning, read)? else { continue };
        if let Some((end, _)) = end
            && span.first > end.position + 1
        {
            let (from, to) = (end.position + 1, span.first - 1);
            verifier.report(&key, format!("no segment holds commits `{from}` to `{to}`"), meaning);
        }
        for commit in segment.commits {
            let higher = |other: &&Span| {
                other.ballot > span.ballot && (other.first..=other.last).contains(&commit.position)
            };
            let goes_on = end.is_none_or(|(end, _)| {
                (commit.position != end.position || commit.id == end.commit)
                    && (commit.position != end.position + 1 || commit.previous == end.commit)
            });
            // An archiver that came to nothing may have left another course.
            if spans.iter().find(higher).is_some()
                || !goes_on && end.is_some_and(|(_, of)| of > span.ballot)
            {
                continue;
            }
            let known = goes_on;
            let logged = state.log.get(&commit.position);
            let differs = logged.is_some_and(|(of, id)| *of == lineage && *id != commit.id);
            if !known || differs {
                let at = commit.position;
                let problem = format!("commit `{at}` is another one than elsewhere");
                verifier.report(&key, problem, "two histories were written to the same place");
            }
            if end.is_none_or(|(end, _)| commit.position > end.position) {
                end = Some((commit.head(), span.ballot));
                verifier.commit(key.as_ref(), commit).await?;
            } else if let Body::Object(_) = commit.body {
                verifier.commit(key.as_ref(), commit).await?;
            }
        }
    }
    Ok(())
}

/// Checks a data object that no manifest names: it may belong to a large commit, or be garbage.
async fn hash(verifier: &mut Verifier<'_>, key: &Path) -> Result<(), StoreError> {
    let meaning = "whatever refers to this object cannot be read";
    let read = verifier.inner.objects.get(key).await;
    let Some(bytes) = verifier.check(key, meaning, read)? else { return Ok(()) };
    if verifier.inner.object_keys.data(&DataName::of(&bytes)) != *key {
        verifier.report(key, "its name is not the hash of its bytes", meaning);
    }
    Ok(())
}
