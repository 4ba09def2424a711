//! The store under test, the list of the cases, and their shared helpers.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;

use crate::coord::{
    Coordination, CoordinationExt, Event, EventKind, Key, KeyRange, KeyValue, Op, Put,
    RangeRequest, RangeResponse, Revision, Txn, WatchStream,
};

/// A store under test.
#[async_trait]
pub trait Subject: Send + Sync {
    fn store(&self) -> &dyn Coordination;

    /// Lets this much time pass for the store's leases.
    async fn advance(&self, by: Duration);

    /// Nothing exists below it yet.
    fn prefix(&self) -> &str {
        "conformance/"
    }

    /// Whether no client wrote to the store before.
    fn is_new(&self) -> bool {
        true
    }
}

/// Calls `$then!` with `$make` and the list of all cases.
#[doc(hidden)]
#[macro_export]
macro_rules! coordination_cases {
    ($then:ident, $make:expr) => {
        $crate::$then! { $make;
            kv {
                a_new_store_is_empty_at_revision_1
                a_put_is_read_back_with_its_revisions
                a_second_put_keeps_the_create_revision_and_counts
                a_key_put_again_after_its_deletion_is_new
                reads_and_deletions_of_nothing_do_not_advance_the_revision
                a_range_is_half_open_and_in_order
                a_prefix_holds_what_begins_with_it
                a_range_that_ends_before_it_starts_is_empty
                a_limit_cuts_and_says_so
                a_limit_in_descending_order_keeps_the_last
                projections_leave_out_values_and_keys
                a_read_at_a_revision_answers_the_store_as_it_was
                a_read_at_the_future_is_refused
                keys_and_values_are_any_bytes
                serializable_reads_answer
            }
            txn {
                all_compares_must_hold
                numbers_compare_in_all_four_ways
                values_compare_in_all_four_ways
                leases_compare
                a_missing_key_compares_as_zero
                the_value_of_a_missing_key_never_compares
                changes_of_one_transaction_share_a_revision
                operations_see_the_ones_before_them
                previous_values_are_answered_if_asked_for
                overlapping_deletions_delete_once
                racing_compare_and_swaps_lose_no_update
                the_most_operations_allowed_are_applied
                a_large_request_below_the_limit_is_applied
            }
            watch {
                from_now_it_delivers_what_comes
                it_wakes_who_waits_for_it
                from_the_past_it_catches_up_and_goes_on
                from_the_future_it_leaves_out_what_comes_before
                it_delivers_its_range_only
                it_never_splits_a_revision
                it_delivers_the_previous_value_if_asked_for
                it_delivers_long_pasts_in_order_and_once
                every_watcher_gets_everything
                from_below_a_compaction_it_ends_with_an_error
                from_the_compacted_revision_it_delivers
                it_delivers_what_a_failed_transaction_did_not_do_never
            }
            lease {
                it_is_granted_at_least_the_time_asked_for
                ids_differ
                its_keys_vanish_in_one_revision_when_it_is_over
                it_lives_on_while_it_is_kept_alive
                revoking_deletes_its_keys_in_one_revision
                revoking_one_without_keys_changes_nothing
                a_put_without_lease_frees_the_key
                a_put_with_another_lease_moves_the_key
                a_deleted_and_recreated_key_is_free
                one_that_is_over_does_not_exist
            }
            compaction {
                the_compacted_revision_stays_readable
                what_is_before_is_refused
                the_present_is_untouched
                it_only_goes_forward
            }
            errors {
                refusals_of_the_request_itself
                unknown_leases_are_refused
                a_refused_transaction_changes_nothing
            }
        }
    };
}

/// One `#[tokio::test]` for each case; `$make` is a future of a new [`Subject`].
#[macro_export]
macro_rules! coordination_conformance {
    ($make:expr) => {
        $crate::coordination_cases! { coordination_tests, $make }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! coordination_tests {
    ($make:expr; $($module:ident { $($case:ident)* })*) => { $(
        mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $case() {
                    $crate::coord::conformance::$module::$case(&$make.await).await;
                }
            )*
        }
    )* };
}

#[doc(hidden)]
#[macro_export]
macro_rules! coordination_run_all {
    ($make:expr; $($module:ident { $($case:ident)* })*) => { $($(
        eprintln!("case {}::{}", stringify!($module), stringify!($case));
        $crate::coord::conformance::$module::$case(&$make().await).await;
    )*)* };
}

/// Runs all cases, one after the other, each on a subject of its own.
pub async fn run_all<S: Subject, F: Future<Output = S>>(make: impl Fn() -> F) {
    crate::coordination_cases! { coordination_run_all, make }
}

/// How long a watch may take to deliver: only a store that fails its test takes so long.
const DELIVERY: Duration = Duration::from_secs(10);

/// Shorthands of the cases. Keys are relative to the subject's prefix.
impl dyn Subject + '_ {
    pub(super) fn key(&self, name: &str) -> Key {
        format!("{}{name}", self.prefix()).into()
    }

    pub(super) fn all(&self) -> KeyRange {
        KeyRange::prefix(self.prefix().to_owned())
    }

    pub(super) fn below(&self, name: &str) -> KeyRange {
        KeyRange::prefix(self.key(name))
    }

    pub(super) async fn put(&self, name: &str, value: &str) -> Revision {
        let put = Put::new(self.key(name), value.to_owned());
        self.store().put(put).await.expect("a put")
    }

    pub(super) async fn delete(&self, name: &str) -> Revision {
        let delete = Op::delete(KeyRange::single(self.key(name)));
        let done = self.store().txn(Txn::default().then(delete)).await;
        done.expect("a deletion").revision
    }

    pub(super) async fn get(&self, name: &str) -> Option<KeyValue> {
        self.store().get(self.key(name)).await.expect("a get").0
    }

    pub(super) async fn range(&self, request: RangeRequest) -> RangeResponse {
        self.store().range(request).await.expect("a range")
    }

    pub(super) async fn revision(&self) -> Revision {
        self.range(RangeRequest::new(self.all())).await.revision
    }

    /// The keys of an answer without the prefix, parted by blanks.
    pub(super) fn names(&self, kvs: &[KeyValue]) -> String {
        let name = |kv: &KeyValue| String::from_utf8_lossy(&kv.key[self.prefix().len()..]).into();
        let names: Vec<String> = kvs.iter().map(name).collect();
        names.join(" ")
    }

    /// The events as `+key=value` and `-key`, parted by blanks.
    pub(super) fn show(&self, events: &[Event]) -> String {
        let show = |event: &Event| {
            let name = self.names(std::slice::from_ref(&event.kv));
            match event.kind {
                EventKind::Put => format!("+{name}={}", event.kv.value.escape_ascii()),
                EventKind::Delete => format!("-{name}"),
            }
        };
        events.iter().map(show).collect::<Vec<_>>().join(" ")
    }
}

/// A watch that checks the order of its events, and that no revision is split.
pub(super) struct Watched {
    stream: WatchStream,
    last: Revision,
}

impl Watched {
    pub(super) fn new(stream: WatchStream) -> Watched {
        Watched { stream, last: 0 }
    }

    /// The next batches with at least `count` events.
    pub(super) async fn events(&mut self, count: usize) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        while events.len() < count {
            let next = tokio::time::timeout(DELIVERY, self.stream.next()).await;
            let next = next.unwrap_or_else(|_| panic!("no event after {events:?}"));
            let batch = next.expect("a watch does not end").expect("a batch");
            let revisions = batch.events.iter().map(|event| event.kv.mod_revision);
            assert!(revisions.is_sorted(), "out of order: {:?}", batch.events);
            if let (Some(first), Some(last)) = (batch.events.first(), batch.events.last()) {
                let first = first.kv.mod_revision;
                assert!(first > self.last, "again or split: revision {first}");
                self.last = last.kv.mod_revision;
                assert!(batch.revision >= self.last, "{batch:?}");
            }
            events.extend(batch.events);
        }
        events
    }

    /// The error that comes next; after it the watch is over.
    pub(super) async fn error(&mut self) -> crate::coord::Error {
        let next = tokio::time::timeout(DELIVERY, self.stream.next()).await;
        let next = next.expect("an error in time").expect("not the end");
        let error = next.expect_err("an error");
        assert!(self.stream.next().await.is_none(), "it goes on after {error}");
        error
    }
}
