//! Splits a stream of responses into whole revisions.
//!
//! etcd puts many revisions into one response and, as it is asked for fragments here, many events
//! of one revision into several: no response is much larger than a request may be. The last
//! revision of a fragment is held back until it is complete.

use std::sync::Arc;

use drydock_core::coord::{Error, Event, Result, WatchBatch, WatchStream};
use etcd_client::WatchOptions;
use etcd_client::proto::PbWatchResponse;

use super::link::Link;
use super::members::Members;
use super::outcome::{Failure, Refusal};
use super::store::MAX_ANSWER_BYTES;
use super::wire;

/// Begins a watch, and answers once it is established.
pub async fn open(
    link: Arc<Link>,
    key: Vec<u8>,
    options: WatchOptions,
) -> std::result::Result<etcd_client::WatchStream, Failure> {
    let mut client = link.client.watch_client().max_decoding_message_size(MAX_ANSWER_BYTES);
    let mut stream = client.watch(key, Some(options)).await?;
    let ended = || Failure::NotHere("the watch ended before it began".to_owned());
    let first = stream.message().await?.ok_or_else(ended)?;
    match cancellation(&first.0) {
        Some(refusal) => Err(Failure::Refused(refusal)),
        None => Ok(stream),
    }
}

/// Why etcd ends a watch, if it does.
fn cancellation(response: &PbWatchResponse) -> Option<Refusal> {
    if response.compact_revision > 0 {
        return Some(Refusal::Compacted(response.compact_revision));
    }
    if !response.canceled {
        return None;
    }
    let reason = response.cancel_reason.clone();
    // etcd 3.4 also answers this for expired tokens.
    let permission = reason.contains("permission denied");
    let token = permission || reason.contains("auth") || reason.contains("user name");
    Some(if token { Refusal::Token(reason) } else { Refusal::Unavailable(reason) })
}

/// The batches of a watch, until it breaks. The member that breaks it is left.
pub fn batches(
    stream: etcd_client::WatchStream,
    members: Arc<Members>,
    member: usize,
) -> WatchStream {
    let watch = Watch { stream, held_back: Vec::new(), members, member };
    Box::pin(futures_util::stream::try_unfold(watch, |mut watch| async move {
        let batch = watch.next().await?;
        Ok(Some((batch, watch)))
    }))
}

struct Watch {
    stream: etcd_client::WatchStream,
    held_back: Vec<Event>,
    members: Arc<Members>,
    member: usize,
}

impl Watch {
    async fn next(&mut self) -> Result<WatchBatch> {
        loop {
            let response = match self.stream.message().await {
                Ok(Some(response)) => response.0,
                Ok(None) => return Err(self.broken("it ended")),
                Err(error) => return Err(self.broken(&error.to_string())),
            };
            match cancellation(&response) {
                None => {}
                Some(Refusal::Compacted(oldest)) => return Err(Error::Compacted { oldest }),
                Some(_) => return Err(self.broken(&response.cancel_reason)),
            }
            for event in response.events {
                let event = wire::event(event).map_err(|error| self.broken(&error.to_string()))?;
                self.held_back.push(event);
            }
            let events = take_complete(&mut self.held_back, response.fragment);
            if let Some(last) = events.last() {
                // Not the revision of the header, which may be ahead of a late watcher.
                return Ok(WatchBatch { revision: last.kv.mod_revision, events });
            }
        }
    }

    fn broken(&self, why: &str) -> Error {
        let reason = format!("`{}`: the watch broke: {why}", self.members.endpoint(self.member));
        self.members.leave(self.member, &reason);
        Error::Unavailable { reason }
    }
}

/// Takes the events of complete revisions; after a fragment, more events of the last revision may
/// come.
fn take_complete(events: &mut Vec<Event>, fragment: bool) -> Vec<Event> {
    let Some(last) = events.last().filter(|_| fragment) else {
        return std::mem::take(events);
    };
    let unsure = last.kv.mod_revision;
    let complete = events.partition_point(|event| event.kv.mod_revision < unsure);
    let rest = events.split_off(complete);
    std::mem::replace(events, rest)
}

#[cfg(test)]
mod tests {
    use drydock_core::coord::{EventKind, KeyValue};

    use super::*;

    fn event(mod_revision: i64) -> Event {
        let (key, value) = ("k".into(), "v".into());
        let kv = KeyValue { key, value, create_revision: 1, mod_revision, version: 1, lease: None };
        Event { kind: EventKind::Put, kv, prev: None }
    }

    #[test]
    fn the_last_revision_of_a_fragment_waits_for_its_rest() {
        let mut held_back = Vec::new();
        let mut push = |revisions: &[i64], fragment: bool| {
            held_back.extend(revisions.iter().copied().map(event));
            let complete = take_complete(&mut held_back, fragment);
            complete.into_iter().map(|event| event.kv.mod_revision).collect::<Vec<i64>>()
        };
        assert_eq!(push(&[2, 3, 3], true), [2]);
        assert!(push(&[3, 3], true).is_empty());
        assert_eq!(push(&[3, 4], true), [3, 3, 3, 3, 3]);
        assert_eq!(push(&[4, 5], false), [4, 4, 5]);
        assert!(push(&[], false).is_empty());
    }
}
