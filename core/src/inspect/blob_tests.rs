use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::Value;

use super::*;
use crate::log::format::Mode;
use crate::read_model::{Blob, BlobDigest, Blobs, Fate, Leftovers, OtherLineages, Schema};
use crate::testkit::{SCHEMA, World, soon};

/// Items name blobs: `plain` or `packed`, a size, a digest.
static WITH_BLOBS: Schema = Schema {
    service: "toy",
    version: 1,
    steps: &[],
    types: SCHEMA.types,
    leftovers: Leftovers::NONE,
    counters: None,
    blobs: Blobs {
        folders: &["notes"],
        named: |_, kind, data| {
            let item: Value = serde_json::from_str(data).unwrap();
            let name = item["name"].as_str().filter(|_| kind == "item");
            Ok(name.and_then(blob).into_iter().collect())
        },
        unnamed: |_, name, others| {
            Ok(match (name.split('/').nth(1), others) {
                (Some("begun"), _) => Some(Fate::InProgress),
                (Some("old"), OtherLineages::None) => Some(Fate::Garbage),
                (Some("old"), OtherLineages::Kept) => Some(Fate::Kept),
                _ => None,
            })
        },
    },
};

fn blob(name: &str) -> Option<Blob> {
    let [kind, size, digest] = name.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let digest = digest.to_owned();
    let digest = match kind {
        "plain" => BlobDigest::OfObject(digest),
        _ => BlobDigest::OfContent { digest, size: TEXT_SIZE as u64, read: unpacked },
    };
    Some(Blob {
        name: format!("notes/{kind}/1.txt"),
        size: size.parse().ok()?,
        digest,
        title: format!("the {kind} note"),
        meaning: "nobody reads that note",
    })
}

fn unpacked(object: &bytes::Bytes, size: u64) -> Option<blake3::Hash> {
    let text = zstd::bulk::decompress(object, usize::try_from(size).ok()?).ok()?;
    Some(blake3::hash(&text))
}

const TEXT_SIZE: usize = 10_000;

async fn put(world: &World, name: &str, bytes: &[u8]) {
    let key = Path::from(format!("test/toy/notes/{name}"));
    world.objects.put(&key, PutPayload::from(bytes.to_vec())).await.unwrap();
}

async fn verify(world: &mut World) -> Verdict {
    world.parts().0.verify().await.unwrap()
}

/// The only finding, as its place, its problem and its meaning.
#[track_caller]
fn assert_only(verdict: &Verdict, name: &str, problem: &str) {
    let [found] = &verdict.findings[..] else { panic!("{:#?}", verdict.findings) };
    assert_eq!(found.place, format!("test/toy/notes/{name}"));
    assert_eq!(
        (found.problem.as_str(), found.meaning.as_str()),
        (problem, "nobody reads that note")
    );
}

/// A stopped store that names a plain and a packed note, neither of which is stored yet.
async fn world() -> (World, [(&'static str, Vec<u8>); 2]) {
    let mut world = World::new();
    world.schema = &WITH_BLOBS;
    let one = world.start().await;
    let text = "some text ".repeat(TEXT_SIZE / 10).into_bytes();
    let (digest, packed) = (blake3::hash(&text).to_hex(), zstd::bulk::compress(&text, 3).unwrap());
    let notes = [("plain", text), ("packed", packed)];
    for (kind, bytes) in &notes {
        one.add(&format!("{kind} {} {digest}", bytes.len())).await.unwrap();
    }
    drop(one);
    (world, notes)
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_the_state_names_and_is_missing_cut_or_damaged_is_found() {
    let (mut world, notes) = world().await;
    let missing = verify(&mut world).await.findings;
    let problems: Vec<_> = missing.iter().map(|finding| finding.problem.as_str()).collect();
    assert_eq!(problems.len(), 2, "{missing:#?}");
    for (kind, bytes) in &notes {
        assert!(problems.contains(&format!("the {kind} note does not exist").as_str()));
        put(&world, &format!("{kind}/1.txt"), bytes).await;
    }
    let verdict = verify(&mut world).await;
    assert_eq!((&verdict.findings[..], &verdict.unnamed[..]), (&[][..], &[][..]));
    assert_eq!(verdict.checked.blobs, 2);
    for (kind, bytes) in &notes {
        let name = format!("{kind}/1.txt");
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            put(&world, &name, &bad).await;
            let problem =
                format!("the {kind} note is damaged: its digest is not that of the state");
            assert_only(&verify(&mut world).await, &name, &problem);
        }
        put(&world, &name, &bytes[1..]).await;
        let (found, said) = (bytes.len() - 1, bytes.len());
        let problem = format!("the {kind} note has {found} bytes, the state says {said}");
        assert_only(&verify(&mut world).await, &name, &problem);
        put(&world, &name, bytes).await;
    }
    assert_eq!(verify(&mut world).await.findings, []);
    assert_eq!(world.parts().0.survey().await.unwrap().objects["notes"].count, 2);
}

#[tokio::test(start_paused = true)]
async fn of_a_blob_that_the_state_does_not_name_its_fate_is_said() {
    let (mut world, notes) = world().await;
    for (kind, bytes) in &notes {
        put(&world, &format!("{kind}/1.txt"), bytes).await;
    }
    put(&world, "begun/2.txt", b"hello").await;
    put(&world, "old/3.txt", b"bye").await;
    let unnamed = |fate| {
        [("begun/2.txt", 5, Fate::InProgress), ("old/3.txt", 3, fate)].map(|(name, bytes, fate)| {
            UnnamedBlob { place: format!("test/toy/notes/{name}"), bytes, fate }
        })
    };
    let verdict = verify(&mut world).await;
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.unnamed, unnamed(Fate::Garbage));
    // In the folder of blobs, with a name that no blob has.
    put(&world, "readme.txt", b"?").await;
    let found = verify(&mut world).await.findings;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].problem, "it is not an object of this version");
    world.objects.delete(&Path::from("test/toy/notes/readme.txt")).await.unwrap();

    // What an earlier lineage may name is no garbage.
    let one = world.start().await;
    world.switch_mode(Mode::Maintenance, 1).await;
    let lineage = one.store.lineages().await.unwrap()[0].id;
    one.store.restore(&soon(), lineage).await.unwrap();
    drop(one);
    let verdict = verify(&mut world).await;
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.unnamed, unnamed(Fate::Kept));
}
