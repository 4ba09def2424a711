//! Streams that look like exports and must not be accepted.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::plan::Damage;

/// The stream after `damage`; `None` if it has nothing that could be damaged in this way.
pub fn damaged(whole: &[u8], damage: Damage) -> Option<Bytes> {
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let [header, objects @ .., trailer] = &lines[..] else {
        return None;
    };
    let first = objects.first();
    let bytes = match damage {
        Damage::NoTrailer => whole[..whole.len() - trailer.len()].to_vec(),
        Damage::Half => whole[..whole.len() / 2].to_vec(),
        Damage::Doubled => {
            let mut more = objects.to_vec();
            more.insert(0, first?);
            sealed(header, &more)
        }
        Damage::Dropped => {
            first?;
            [&[*header], &objects[1..], &[*trailer]].concat().concat()
        }
        Damage::Flipped => {
            let at = find(whole, b"\"name\":\"")? + b"\"name\":\"".len();
            let mut bytes = whole.to_vec();
            bytes[at] ^= 1;
            bytes
        }
        Damage::Foreign => {
            let header = replaced(header, b"\"configstore\"", b"\"runservice\"")?;
            sealed(&header, objects)
        }
        Damage::UnknownType => {
            let alien = replaced(first?, b"\"type\":\"", b"\"type\":\"alien-")?;
            let mut others = objects.to_vec();
            others[0] = &alien;
            sealed(header, &others)
        }
    };
    Some(bytes.into())
}

/// A stream with a trailer that fits, so that it is what it holds that must be refused.
fn sealed(header: &[u8], objects: &[&[u8]]) -> Vec<u8> {
    let mut all = header.to_vec();
    let mut digest = blake3::Hasher::new();
    let mut counts: BTreeMap<String, u64> =
        ["users", "orgs", "members"].into_iter().map(|kind| (kind.to_owned(), 0)).collect();
    for line in objects {
        all.extend_from_slice(line);
        digest.update(line);
        let object: Value = serde_json::from_slice(line).unwrap_or_default();
        let kind = object["type"].as_str().unwrap_or_default();
        *counts.entry(kind.to_owned()).or_default() += 1;
    }
    let trailer = json!({"trailer": {
        "counts": counts,
        "digest": format!("blake3:{}", digest.finalize().to_hex()),
        "checksum": format!("blake3:{}", blake3::hash(&all).to_hex()),
    }});
    all.extend_from_slice(trailer.to_string().as_bytes());
    all.push(b'\n');
    all
}

fn replaced(line: &[u8], old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let at = find(line, old)?;
    Some([&line[..at], new, &line[at + old.len()..]].concat())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::export::Export;

    const SERVICE: &str = r#""service":"configstore""#;

    fn sample() -> Vec<u8> {
        let lineage = "00000000-0000-7000-8000-000000000002";
        let header =
            format!(r#"{{"header":{{"lineage":"{lineage}","position":3,"schema":3,{SERVICE}}}}}"#);
        let user =
            br#"{"type":"users","id":"00000000-0000-7000-8000-000000000001","data":{"name":"a"}}
"#;
        sealed(format!("{header}\n").as_bytes(), &[user])
    }

    #[test]
    fn a_sealed_stream_is_an_export() {
        let export = Export::parse(&sample()).unwrap();
        assert_eq!((export.position, export.state.len()), (3, 1));
    }

    #[test]
    fn every_damage_changes_the_stream() {
        let whole = sample();
        for damage in Damage::ALL {
            let damaged = damaged(&whole, *damage).unwrap();
            assert_ne!(damaged, whole, "{damage:?}");
        }
    }

    #[test]
    fn without_objects_there_is_nothing_to_double_or_drop() {
        let empty = sealed(
            br#"{"header":{"position":0,"service":"configstore"}}
"#,
            &[],
        );
        for damage in [Damage::Doubled, Damage::Dropped, Damage::Flipped, Damage::UnknownType] {
            assert!(damaged(&empty, damage).is_none(), "{damage:?}");
        }
    }
}
