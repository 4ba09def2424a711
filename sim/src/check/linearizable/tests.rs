use super::*;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn history(parts: &[(Seq, Seq, Effect)]) -> Vec<Interval> {
    let intervals = parts.iter().enumerate();
    intervals
        .map(|(operation, (from, to, effect))| Interval {
            from: *from,
            to: *to,
            effect: *effect,
            operation,
        })
        .collect()
}

fn verdict(parts: &[(Seq, Seq, Effect)]) -> Verdict {
    search::<Name>(&history(parts), MAX_STEPS)
}

const NEVER: Seq = Seq::MAX;

#[test]
fn reads_one_after_the_other_follow_the_writes() {
    let good = [
        (0, 1, Effect::Read(None)),
        (2, 3, Effect::Create(id(1))),
        (4, 5, Effect::Read(Some(id(1)))),
        (6, 7, Effect::Remove(None)),
        (8, 9, Effect::Read(None)),
        (10, 11, Effect::Create(id(2))),
        (12, 13, Effect::ReadSome),
    ];
    assert_eq!(verdict(&good), Verdict::Linearizable);
}

#[test]
fn a_stale_read_after_an_acknowledged_create_is_found() {
    let stale = [(0, 1, Effect::Create(id(1))), (2, 3, Effect::Read(None))];
    assert_eq!(verdict(&stale), Verdict::Broken { stuck: 1 });
}

#[test]
fn a_deleted_user_that_comes_back_is_found() {
    let back = [
        (0, 1, Effect::Create(id(1))),
        (2, 3, Effect::Remove(None)),
        (4, 5, Effect::Read(Some(id(1)))),
    ];
    assert_eq!(verdict(&back), Verdict::Broken { stuck: 2 });
}

#[test]
fn a_name_taken_twice_is_found() {
    let twice = [(0, 5, Effect::Create(id(1))), (1, 4, Effect::Create(id(2)))];
    assert!(matches!(verdict(&twice), Verdict::Broken { .. }));
}

#[test]
fn overlapping_calls_may_take_effect_in_either_order() {
    for seen in [None, Some(id(1))] {
        let overlap = [(0, 5, Effect::Create(id(1))), (1, 4, Effect::Read(seen))];
        assert_eq!(verdict(&overlap), Verdict::Linearizable);
    }
}

#[test]
fn two_reads_that_disagree_on_the_order_are_found() {
    let flip = [
        (0, 20, Effect::Create(id(1))),
        (1, 2, Effect::Read(Some(id(1)))),
        (3, 4, Effect::Read(None)),
    ];
    assert!(matches!(verdict(&flip), Verdict::Broken { .. }));
}

#[test]
fn an_unanswered_create_may_take_effect_late_or_never_but_only_once() {
    let late = |parts: &[(Seq, Seq, Effect)]| {
        let mut all = vec![(0, NEVER, Effect::MaybeCreate)];
        all.extend_from_slice(parts);
        verdict(&all)
    };
    let never = [(1, 2, Effect::Read(None)), (3, 4, Effect::Read(None))];
    assert_eq!(late(&never), Verdict::Linearizable);
    let later = [(1, 2, Effect::Read(None)), (3, 4, Effect::Read(Some(id(7))))];
    assert_eq!(late(&later), Verdict::Linearizable);
    let twice = [
        (1, 2, Effect::Read(Some(id(7)))),
        (3, 4, Effect::Remove(None)),
        (5, 6, Effect::Read(Some(id(8)))),
    ];
    assert!(matches!(late(&twice), Verdict::Broken { .. }));
    let two_ids = [(1, 2, Effect::Read(Some(id(7)))), (3, 4, Effect::Read(Some(id(8))))];
    assert!(matches!(late(&two_ids), Verdict::Broken { .. }));
}

#[test]
fn an_import_replaces_whatever_there_was() {
    let good = [
        (0, 1, Effect::Create(id(1))),
        (2, 3, Effect::Set(Some(id(9)))),
        (4, 5, Effect::Read(Some(id(9)))),
    ];
    assert_eq!(verdict(&good), Verdict::Linearizable);
    let mixed = [
        (0, 1, Effect::Create(id(1))),
        (2, 3, Effect::Set(None)),
        (4, 5, Effect::Read(Some(id(1)))),
    ];
    assert!(matches!(verdict(&mixed), Verdict::Broken { .. }));
}

/// Nobody answers for minutes: creations and removals whose outcome is unknown pile up.
#[test]
fn many_unanswered_calls_do_not_make_a_history_undecided() {
    let open = (0..60).flat_map(|n| {
        let import = Effect::MaybeSet(Some(id(100 + u128::from(n) % 3)));
        let kinds = [Effect::MaybeCreate, Effect::MaybeRemove, import];
        kinds.map(|effect| (n * 10, NEVER, effect))
    });
    let reads = (0..60).map(|n| {
        let seen = if n % 2 == 0 { None } else { Some(id(u128::from(n) / 2)) };
        (n * 10 + 1, n * 10 + 2, Effect::Read(seen))
    });
    let mut all: Vec<_> = open.chain(reads).collect();
    assert_eq!(verdict(&all), Verdict::Linearizable);
    // More users than there were creations.
    all.retain(|(from, _, effect)| *from < 290 || !matches!(effect, Effect::MaybeCreate));
    assert!(matches!(verdict(&all), Verdict::Broken { .. }));
}

/// Every interleaving of a correct register is accepted, whatever the timing of its calls.
#[test]
fn histories_of_a_correct_register_are_linearizable() {
    let steps = proptest::collection::vec((0u8..5, 0u64..40, 0u64..40), 1..40);
    proptest::proptest!(|(script in steps)| {
        let mut has: Option<Uuid> = None;
        let mut parts = Vec::new();
        for (index, (kind, before, after)) in script.into_iter().enumerate() {
            let now = 100 + index as u64 * 10;
            let effect = match (kind, has) {
                (0, None) => {
                    has = Some(id(now.into()));
                    Effect::Create(id(now.into()))
                }
                (1, Some(_)) => {
                    has = None;
                    Effect::Remove(None)
                }
                (2, Some(_)) => Effect::ReadSome,
                (3, _) => {
                    has = Some(id(now.into()));
                    Effect::Set(has)
                }
                _ => Effect::Read(has),
            };
            parts.push((now - before, now + after, effect));
        }
        proptest::prop_assert_eq!(verdict(&parts), Verdict::Linearizable);
    });
}
