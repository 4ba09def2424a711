//! Habits of servers that are not S3.

use std::time::Duration;

use jiff::Timestamp;

use super::serving::BUCKET;
use crate::state::{Claims, Listed, NewObject, NewUpload, Selection, State, WriteConditions};
use crate::{Code, dump};

fn new(body: &'static [u8]) -> NewObject {
    NewObject { body: body.into(), ..NewObject::default() }
}

/// The keys that a listing shows at `now` with a lag of 10 s.
fn listed(state: &State, now: Timestamp) -> Vec<String> {
    use crate::state::Entry;
    let selection = Selection { limit: 10, ..Selection::default() };
    let seen = now.checked_sub(LAG).unwrap();
    let page = state.bucket(BUCKET).unwrap().list(&selection, seen);
    let key = |entry| match entry {
        Entry::Key(key, _) => Some(key),
        Entry::Prefix(_) => None,
    };
    page.entries.into_iter().filter_map(key).collect()
}

const LAG: Duration = Duration::from_secs(10);

#[test]
fn a_late_listing_shows_what_was_there_and_a_read_what_is() {
    let mut now = Timestamp::UNIX_EPOCH;
    let mut state = State::default();
    state.create_bucket(BUCKET, now).unwrap();
    let always = WriteConditions::default();
    let put = |state: &mut State, now| {
        state.bucket_mut(BUCKET).unwrap().put("a", new(b"1"), &always, now).unwrap();
        state.changed(BUCKET, "a", now, LAG);
    };
    put(&mut state, now);
    assert!(state.bucket(BUCKET).unwrap().get("a").is_ok());
    now += LAG - Duration::from_secs(1);
    assert!(listed(&state, now).is_empty());
    now += Duration::from_secs(1);
    assert_eq!(listed(&state, now), ["a"]);
    let always = WriteConditions::default();
    state.bucket_mut(BUCKET).unwrap().delete("a", &always, now).unwrap();
    state.changed(BUCKET, "a", now, LAG);
    assert_eq!(state.bucket(BUCKET).unwrap().get("a").unwrap_err().code, Code::NoSuchKey);
    assert_eq!(listed(&state, now), ["a"]);
    now += LAG;
    assert!(listed(&state, now).is_empty());
}

#[test]
fn a_dump_holds_everything() {
    let now = Timestamp::UNIX_EPOCH;
    let mut state = State::default();
    state.create_bucket(BUCKET, now).unwrap();
    let bucket = state.bucket_mut(BUCKET).unwrap();
    let always = WriteConditions::default();
    bucket.put("é/1", new(b"\0\xff"), &always, now).unwrap();
    bucket.begin_upload("u", "1".to_owned(), NewUpload::default(), now);
    bucket.put_part("u", "1", 7, b"part"[..].into(), None, now).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.json");
    assert_eq!(dump::load(&path).unwrap().buckets().count(), 0);
    dump::save(&state, &path).unwrap();
    let mut loaded = dump::load(&path).unwrap();
    assert_eq!(format!("{state:?}"), format!("{loaded:?}"));
    let etag = bucket_etag(&state);
    let listed = [Listed { number: 7, etag, checksums: Vec::new() }];
    let bucket = loaded.bucket_mut(BUCKET).unwrap();
    bucket.complete_upload("u", "1", &listed, &always, &Claims::default(), now).unwrap();
    assert_eq!(&bucket.get("u").unwrap().body[..], b"part");
}

fn bucket_etag(state: &State) -> String {
    state.bucket(BUCKET).unwrap().upload("u", "1").unwrap().parts[&7].etag.clone()
}
