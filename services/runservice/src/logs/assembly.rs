//! Makes the complete log of an attempt of its parts, or finds the one that was made before.

use std::collections::BTreeMap;

use bytes::Bytes;
use drydock_api::runservice::types::{AttemptId, LogReport, LogState, LogStep};
use drydock_core::objects::ObjectError;
use jiff::SignedDuration;
use object_store::path::Path;

use super::part::{self, PartError};
use super::{Logs, Parts};
use crate::action::log::Sealed;
use crate::blobs::names::SEALED;
use crate::blobs::sealed::{SealedError, Writer, decompress};
use crate::record::{Attempt, SealedLog};

/// How long the missing bytes of a log are waited for.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error("a part of a log is damaged")]
    Part(#[from] PartError),
    #[error("a log cannot be compressed")]
    Compress(#[from] SealedError),
}

/// The part of a log that was found.
struct AssembledLog {
    log: Option<SealedLog>,
    complete: bool,
}

impl Logs {
    /// Stores the logs of an attempt as they are to stay. `None`: something is missing, and may
    /// still come.
    pub(super) async fn seal(&self, attempt: &Attempt) -> Result<Option<Sealed>, SealError> {
        let late =
            attempt.ended_at.is_some_and(|ended| self.env.now().duration_since(ended) >= PATIENCE);
        if attempt.lacks_logs() && !late {
            return Ok(None);
        }
        // Nothing is stored before all is there: it would be stored again in every pass.
        let mut logs = Vec::new();
        let objects = self.all(attempt.id).await?;
        let reported = self.reported(attempt, &objects);
        let is_told = !attempt.lacks_logs() && reported.values().all(Option::is_some);
        for (step, report) in reported {
            let parts = Parts::contiguous(&self.of_step(attempt.id, step, &objects));
            let lacks = parts.end() < report.as_ref().map_or(1, |report| report.size);
            let before = match lacks {
                true => self.sealed_before(attempt.id, step, report.as_ref(), &objects).await?,
                false => None,
            };
            if before.is_none() && report.is_some() && lacks && !late {
                return Ok(None);
            }
            logs.push((step, report, parts, before));
        }
        let state = if is_told { LogState::Complete } else { LogState::Incomplete };
        let mut found = Sealed { state, logs: BTreeMap::new() };
        for (step, report, parts, before) in logs {
            let whole = match before {
                Some((log, object)) => {
                    let object = self.store_sealed(attempt.id, step, object).await?;
                    AssembledLog { log: Some(SealedLog { object, ..log }), complete: true }
                }
                None => self.whole(attempt.id, step, parts, report).await?,
            };
            if !whole.complete {
                found.state = LogState::Incomplete;
            }
            if let Some(log) = whole.log {
                found.logs.insert(step.to_string(), log);
            }
        }
        Ok(Some(found))
    }

    /// The log as it was stored in another lineage, or before an import, with its object: of one
    /// that was reported, the one with its digest, else the longest.
    async fn sealed_before(
        &self,
        attempt: AttemptId,
        step: LogStep,
        report: Option<&LogReport>,
        objects: &[Path],
    ) -> Result<Option<(SealedLog, Bytes)>, SealError> {
        let mut found: Option<(SealedLog, Bytes)> = None;
        for key in self.of_step(attempt, step, objects) {
            if !key.as_ref().ends_with(SEALED) {
                continue;
            }
            let object = self.objects.get(&key).await?;
            let bytes = decompress(&object)?;
            let log = SealedLog {
                object: key.filename().unwrap_or_default().to_owned(),
                stored: object.len() as u64,
                size: bytes.len() as u64,
                blake3: blake3::hash(&bytes).to_hex().to_string(),
            };
            let is_it = report.is_none_or(|it| (it.size, &it.blake3) == (log.size, &log.blake3));
            if is_it && found.as_ref().is_none_or(|(found, _)| found.size < log.size) {
                found = Some((log, object));
            }
        }
        Ok(found)
    }

    /// The logs that the executor of an attempt has reported, and, without a report, the logs of
    /// which there are objects although the executor has reported none.
    fn reported(
        &self,
        attempt: &Attempt,
        objects: &[Path],
    ) -> BTreeMap<LogStep, Option<LogReport>> {
        let named = attempt.logs.iter();
        let mut found: BTreeMap<LogStep, Option<LogReport>> =
            named.filter_map(|(key, log)| Some((key.parse().ok()?, Some(log.clone())))).collect();
        for step in objects.iter().filter_map(|key| self.keys.step_of(attempt.id, key)) {
            found.entry(step).or_insert(None);
        }
        found
    }

    /// Those of an attempt's objects that belong to one log.
    fn of_step(&self, attempt: AttemptId, step: LogStep, objects: &[Path]) -> Vec<Path> {
        let is_of = |key: &&Path| self.keys.step_of(attempt, key) == Some(step);
        objects.iter().filter(is_of).cloned().collect()
    }

    /// The attempts of which there are objects.
    pub(super) async fn attempts(&self) -> Result<Vec<AttemptId>, ObjectError> {
        let folders = match self.objects.list_folders(self.keys.all()).await {
            Err(ObjectError::NotExist(_)) => Vec::new(),
            found => found?,
        };
        Ok(folders.iter().filter_map(|folder| folder.filename()?.parse().ok()).collect())
    }

    pub(super) async fn all(&self, attempt: AttemptId) -> Result<Vec<Path>, ObjectError> {
        match self.objects.list(&self.keys.attempt(attempt)).await {
            Err(ObjectError::NotExist(_)) => Ok(Vec::new()),
            found => found,
        }
    }

    async fn whole(
        &self,
        attempt: AttemptId,
        step: LogStep,
        parts: Parts,
        report: Option<LogReport>,
    ) -> Result<AssembledLog, SealError> {
        let wanted = report.as_ref().map_or(parts.end(), |report| report.size);
        let size = wanted.min(parts.end());
        let (mut writer, mut hasher, mut at) = (Writer::default(), blake3::Hasher::new(), 0);
        while at < size {
            let Some(found) = parts.at(at) else { break };
            let whole = self.objects.get(&found.key).await?;
            let bytes = part::decode(attempt, step, found.start, whole)?;
            let from = usize::try_from(at - found.start).unwrap_or(usize::MAX);
            let until = usize::try_from(size - found.start).unwrap_or(usize::MAX);
            let bytes = &bytes[from.min(bytes.len())..until.min(bytes.len())];
            if bytes.is_empty() {
                break;
            }
            hasher.update(bytes);
            writer.push(bytes)?;
            at += bytes.len() as u64;
        }
        let digest = hasher.finalize().to_hex().to_string();
        let complete = at == wanted && report.is_none_or(|report| report.blake3 == digest);
        if at == 0 {
            return Ok(AssembledLog { log: None, complete });
        }
        let object = writer.finish()?;
        let stored = object.len() as u64;
        let object = self.store_sealed(attempt, step, object).await?;
        let log = SealedLog { object, stored, size: at, blake3: digest };
        Ok(AssembledLog { log: Some(log), complete })
    }

    /// Stores a complete log under a name that nobody has used, and answers it.
    async fn store_sealed(
        &self,
        attempt: AttemptId,
        step: LogStep,
        object: Bytes,
    ) -> Result<String, ObjectError> {
        let key = self.keys.sealed(attempt, step, self.env.new_id());
        self.objects.put(&key, object).await?;
        Ok(key.filename().unwrap_or_default().to_owned())
    }
}
