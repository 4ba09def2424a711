//! The names of logs in object storage.
//!
//! Below `<cluster>/runservice/logs/<attempt>/`: `<step>.parts/<start>-<end>-<nonce>.part`, and
//! `<step>-<nonce>.log.zst`. Steps count from 000 for `setup`. A nonce is drawn for each object, so
//! two writers never share a name.

use drydock_api::runservice::types::{AttemptId, LogStep};
use drydock_core::log::keys::ObjectKeys;
use object_store::path::Path;
use uuid::Uuid;

use crate::blobs::names::{LOGS, PART, SEALED};

#[derive(Debug, Clone)]
pub struct LogKeys {
    logs: Path,
}

impl LogKeys {
    pub fn new(keys: &ObjectKeys) -> LogKeys {
        LogKeys { logs: keys.all().join(LOGS) }
    }

    /// The folder of all logs.
    pub fn all(&self) -> &Path {
        &self.logs
    }

    /// The folder of everything about an attempt.
    pub fn attempt(&self, attempt: AttemptId) -> Path {
        self.logs.clone().join(attempt.to_string())
    }

    /// The folder of the parts of one log.
    pub fn parts(&self, attempt: AttemptId, step: LogStep) -> Path {
        self.attempt(attempt).join(format!("{:03}.parts", step.place()))
    }

    pub fn part(
        &self,
        attempt: AttemptId,
        step: LogStep,
        start: u64,
        end: u64,
        nonce: Uuid,
    ) -> Path {
        let name = format!("{start:016}-{end:016}-{}{PART}", nonce.simple());
        self.parts(attempt, step).join(name)
    }

    pub fn sealed(&self, attempt: AttemptId, step: LogStep, nonce: Uuid) -> Path {
        self.attempt(attempt).join(format!("{:03}-{}{SEALED}", step.place(), nonce.simple()))
    }

    /// The log to which an object of an attempt belongs.
    pub fn step_of(&self, attempt: AttemptId, key: &Path) -> Option<LogStep> {
        let folder = self.attempt(attempt);
        let name = key.prefix_match(&folder)?.next()?.as_ref().to_owned();
        let place: u16 = name.get(..3)?.parse().ok()?;
        Some(place.checked_sub(1).map_or(LogStep::Setup, LogStep::Step))
    }
}

/// A piece of a log, and the bytes of the log that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub start: u64,
    pub end: u64,
    pub key: Path,
}

impl Part {
    fn parse(key: &Path) -> Option<Part> {
        let name = key.filename()?.strip_suffix(PART)?;
        let (start, rest) = name.split_once('-')?;
        let (end, _nonce) = rest.split_once('-')?;
        let (start, end) = (start.parse().ok()?, end.parse().ok()?);
        (start < end).then(|| Part { start, end, key: key.clone() })
    }
}

/// Parts, each of which begins at or before the end of the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// Of all that were listed, in any order, the fewest that lead furthest from the beginning.
    pub fn contiguous(listed: &[Path]) -> Parts {
        let mut found: Vec<Part> = listed.iter().filter_map(Part::parse).collect();
        found.sort_by_key(|part| (part.start, part.end));
        let mut parts = Parts::default();
        let mut candidate: Option<Part> = None;
        for part in found {
            if part.start > parts.end() {
                parts.0.extend(candidate.take());
            }
            if part.start > parts.end() {
                break;
            }
            let furthest = candidate.as_ref().map_or(parts.end(), |candidate| candidate.end);
            if part.end > furthest {
                candidate = Some(part);
            }
        }
        parts.0.extend(candidate);
        parts
    }

    /// The number of bytes from the beginning that are there.
    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |part| part.end)
    }

    /// The part with the byte at an offset.
    pub fn at(&self, offset: u64) -> Option<&Part> {
        let place = self.0.partition_point(|part| part.end <= offset);
        self.0.get(place).filter(|part| part.start <= offset)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> LogKeys {
        LogKeys::new(&ObjectKeys::new("test", "runservice"))
    }

    #[test]
    fn names_say_attempt_step_and_place() {
        let attempt = AttemptId(Uuid::nil());
        let part = keys().part(attempt, LogStep::Step(2), 5, 70, Uuid::nil());
        let zeros = "0".repeat(32);
        let folder = format!("test/runservice/logs/{}", Uuid::nil());
        let name = format!("{folder}/003.parts/0000000000000005-0000000000000070-{zeros}.part");
        assert_eq!(part.as_ref(), name);
        assert_eq!(Part::parse(&part), Some(Part { start: 5, end: 70, key: part.clone() }));
        let sealed = keys().sealed(attempt, LogStep::Setup, Uuid::nil());
        assert_eq!(sealed.as_ref(), format!("{folder}/000-{zeros}.log.zst"));
        assert_eq!(keys().step_of(attempt, &part), Some(LogStep::Step(2)));
        assert_eq!(keys().step_of(attempt, &sealed), Some(LogStep::Setup));
    }

    proptest! {
        /// Every byte before the first that no part has is found, in the part that is asked for.
        #[test]
        fn parts_lead_to_the_first_hole(
            spans in proptest::collection::vec((0u64..40, 1u64..12), 0..20),
        ) {
            let attempt = AttemptId(Uuid::nil());
            let named: Vec<Path> = spans
                .iter()
                .zip(0u128..)
                .map(|((start, length), nonce)| {
                    let nonce = Uuid::from_u128(nonce);
                    keys().part(attempt, LogStep::Setup, *start, start + length, nonce)
                })
                .collect();
            let is_in = |at: u64, from: u64, length: u64| (from..from + length).contains(&at);
            let has = |at| spans.iter().any(|(from, length)| is_in(at, *from, *length));
            let hole = (0..).find(|at| !has(*at)).unwrap_or(0);
            let parts = Parts::contiguous(&named);
            prop_assert_eq!(parts.end(), hole);
            for at in 0..hole {
                let part = parts.at(at).expect("a part with that byte");
                prop_assert!((part.start..part.end).contains(&at));
            }
            prop_assert_eq!(parts.at(hole), None);
        }
    }
}
