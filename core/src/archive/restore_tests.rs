use std::collections::BTreeMap;

use object_store::ObjectStoreExt;

use super::tests::{code, fill, import, object_lines, text};
use crate::coord::CoordinationExt;
use crate::error::Code;
use crate::lineage::switch::{self, Next};
use crate::log::format::{Mode, Reason};
use crate::maintenance::SeenMode;
use crate::read_model::floors::Floors;
use crate::read_model::write::{State, StoredFiles};
use crate::store::Reads;
use crate::testkit::{Instance, World, keys, soon};

/// The id of the current lineage.
async fn current_lineage(instance: &Instance) -> uuid::Uuid {
    let lineages = instance.store.lineages().await.unwrap();
    lineages.iter().find(|lineage| lineage.current).unwrap().id
}

#[tokio::test(start_paused = true)]
async fn an_import_keeps_all_of_the_state_before_and_a_restore_brings_it_back() {
    let mut world = World::new();
    let (one, two) = (world.start().await, world.start().await);
    let empty = one.export().await;
    fill(&one, &vec![("a".to_owned(), vec!["x".to_owned(), "y".to_owned()])]).await;
    one.add("b").await.unwrap();
    let (before, first) = (one.export().await, current_lineage(&one).await);
    world.switch_mode(Mode::Maintenance, 1).await;
    let imported = import(&one, &empty).await.unwrap();
    assert!(one.names(Reads::Linearizable).await.is_empty());

    let restored = two.store.restore(&soon(), first).await.unwrap();
    assert_eq!((restored.restored, restored.restored_position), (first, 2));
    assert_eq!(restored.position, imported.position + 1);
    for instance in [&one, &two] {
        assert_eq!(instance.names(Reads::Linearizable).await, ["a", "b"]);
        assert_eq!(object_lines(&instance.export().await), object_lines(&before));
    }
    // And forward again, to the state that the restore replaced.
    one.store.restore(&soon(), imported.lineage).await.unwrap();
    assert!(one.names(Reads::Linearizable).await.is_empty());
    world.switch_mode(Mode::Normal, 2).await;
    drop((one, two));
    let three = world.start().await;
    three.add("c").await.unwrap();
    let lineages = three.store.lineages().await.unwrap();
    let shown: Vec<_> = lineages.iter().map(|it| (it.reason, it.position, it.current)).collect();
    let expected = [
        (Reason::Bootstrap, 2, false),
        (Reason::Import, 3, false),
        (Reason::Restore, 4, false),
        (Reason::Restore, 6, true),
    ];
    assert_eq!(shown, expected);
    assert_eq!(lineages[2].parent, Some(first));
}

#[tokio::test(start_paused = true)]
async fn a_restore_is_refused_as_an_import_is_and_for_what_is_not_kept() {
    let mut world = World::new();
    let instance = world.start().await;
    instance.add("a").await.unwrap();
    let lineage = current_lineage(&instance).await;
    let refused = instance.store.restore(&soon(), lineage).await;
    assert_eq!(code(refused), Code::NotInMaintenance);
    world.switch_mode(Mode::Maintenance, 1).await;
    let refused = instance.store.restore(&soon(), uuid::Uuid::max()).await;
    assert_eq!(code(refused), Code::LineageNotExist);
    // The current lineage may be restored, too.
    instance.store.restore(&soon(), lineage).await.unwrap();
    assert_eq!(instance.names(Reads::Linearizable).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_lineage_with_a_hole_is_not_restored_in_part() {
    let mut world = World::new();
    let instance = world.start().await;
    let empty = instance.export().await;
    for round in 1..3 {
        instance.add(&format!("a{round}")).await.unwrap();
        world.switch_mode(Mode::Maintenance, 2 * round).await;
        // Archives; the import itself is refused.
        import(&instance, b"rubbish\n").await.unwrap_err();
        world.switch_mode(Mode::Normal, 2 * round + 1).await;
        let (mode, _) = world.coord.get(keys().mode()).await.unwrap();
        instance.mode.observe(SeenMode::decode(mode.as_ref()).unwrap());
    }
    let first = current_lineage(&instance).await;
    world.switch_mode(Mode::Maintenance, 9).await;
    import(&instance, &empty).await.unwrap();
    let segments = world.listed(&format!("test/toy/lineages/{first}/log")).await;
    assert_eq!(segments.len(), 2, "{segments:?}");
    world.objects.delete(&segments[0]).await.unwrap();
    let refused = instance.store.restore(&soon(), first).await;
    let why = "reads back up to position `0` only, it ended at `2`";
    assert!(text(refused.unwrap_err()).contains(why));
    assert!(instance.names(Reads::Linearizable).await.is_empty());
}

/// A listing that is late does not show the last segment.
#[tokio::test(start_paused = true)]
async fn a_lineage_whose_last_segment_is_not_listed_is_not_restored_without_it() {
    let mut world = World::new();
    let instance = world.start().await;
    let export = instance.export().await;
    instance.add("a").await.unwrap();
    let first = current_lineage(&instance).await;
    world.switch_mode(Mode::Maintenance, 1).await;
    // Archives; the import itself is refused.
    import(&instance, b"rubbish\n").await.unwrap_err();
    let segments = world.listed(&format!("test/toy/lineages/{first}/log")).await;
    world.objects.delete(segments.last().unwrap()).await.unwrap();
    let refused = instance.store.restore(&soon(), first).await;
    let behind = format!("lineage `{first}` is listed up to position 0 of 1");
    assert!(text(refused.unwrap_err()).contains(&behind));
    import(&instance, &export).await.unwrap();
    let refused = instance.store.restore(&soon(), first).await;
    assert!(text(refused.unwrap_err()).contains(&behind));
}

/// The lineage record of an import that died before its switch is not a lineage.
#[tokio::test(start_paused = true)]
async fn a_lineage_whose_switch_failed_is_not_listed() {
    let mut world = World::new();
    let instance = world.start().await;
    let export = instance.export().await;
    world.switch_mode(Mode::Maintenance, 1).await;
    let base = instance.store.base().await.unwrap();
    import(&instance, &export).await.unwrap();
    let next = Next {
        reason: Reason::Import,
        parent: base.head.lineage,
        fork: base.head.position,
        state: State { counts: BTreeMap::new(), stored: StoredFiles::default() },
        floors: Floors::default(),
    };
    let inner = &instance.store.inner;
    let late = switch::prepare(inner, &base, next).await.unwrap();
    let committed = switch::commit(inner, &late).await.unwrap();
    assert_eq!(committed, None);
    assert_eq!(instance.store.lineages().await.unwrap().len(), 2);
}
