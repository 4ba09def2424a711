//! The plan's faults as S3's clients meet them; and whatever is stored is kept for the oracles.

use std::sync::{Arc, Mutex};

use drydock_core::env::Rng;
use drydock_harness::record::Recorder;
use drydock_sim_s3::{Call, Code, Interference, Object, Operation, Outcome, Strike};
use object_store::path::Path;
use rand::RngExt;

use crate::plan::fault::{Effect, FaultKind};
use crate::plan::hosts::host_of;
use crate::storage::StorageFaults;
use crate::timeline::{ObjectHistory, RevisionLog};

/// A body is cut off after fewer bytes than this.
const TRUNCATED_BYTES: usize = 200;

pub struct S3Faults {
    pub faults: StorageFaults,
    pub object_history: ObjectHistory,
    pub recorder: Recorder,
    pub revisions: RevisionLog,
    pub rng: Arc<Mutex<Rng>>,
}

impl S3Faults {
    fn number(&self, below: usize) -> usize {
        let mut rng = self.rng.lock().expect("no holder of this lock panics");
        rng.random_range(0..below)
    }

    fn outcome(&self, call: &Call<'_>) -> Outcome {
        let host = host_of(call.peer);
        let mine = |what: &FaultKind| {
            let is_mine = what.instance().is_some_and(|it| it.host() == host);
            what.objects().filter(|_| is_mine).cloned()
        };
        let outage = |what: &FaultKind| mine(what)?.is_outage().then_some(());
        if let Some((index, ())) = self.faults.find(outage) {
            self.faults.hit(index, 1);
            return Outcome::Refuse(Code::ServiceUnavailable);
        }
        if writes(call.operation)
            && let Some((_, effect)) = self.faults.strike(|what| mine(what)?.fails_writes())
        {
            return self.failure(effect);
        }
        let cut_off = match reads(call.operation) {
            true => self.faults.strike(|what| Some((mine(what)?.truncates()?, ()))),
            false => None,
        };
        match cut_off {
            Some(_) => Outcome::Truncate(self.number(TRUNCATED_BYTES)),
            None => Outcome::Fine,
        }
    }

    fn failure(&self, effect: Effect) -> Outcome {
        let choices = match effect {
            Effect::Dropped => [
                Outcome::Refuse(Code::SlowDown),
                Outcome::Refuse(Code::InternalError),
                Outcome::Refuse(Code::ConditionalRequestConflict),
                Outcome::LateRefuse(Code::InternalError),
                Outcome::ResetBefore,
            ],
            // Nobody waits so long that S3 would do it later.
            Effect::Applied | Effect::Late => [
                Outcome::Fail(Code::SlowDown),
                Outcome::Fail(Code::InternalError),
                Outcome::Fail(Code::ServiceUnavailable),
                Outcome::LateFail(Code::InternalError),
                Outcome::ResetAfter,
            ],
        };
        choices[self.number(choices.len())]
    }
}

fn writes(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::PutObject
            | Operation::CopyObject
            | Operation::CreateMultipartUpload
            | Operation::UploadPart
            | Operation::CompleteMultipartUpload
    )
}

fn reads(operation: Operation) -> bool {
    matches!(operation, Operation::GetObject | Operation::ListObjectsV2)
}

impl Interference for S3Faults {
    fn strike(&self, call: &Call<'_>) -> Strike {
        let outcome = self.outcome(call);
        let Call { peer, operation, key, .. } = call;
        let text = match outcome {
            Outcome::Fine => format!("{operation:?} {key}"),
            outcome => format!("{operation:?} {key}: {outcome:?}"),
        };
        self.recorder.event(host_of(peer), format_args!("{text}"));
        Strike { outcome, ..Strike::default() }
    }

    fn listed_late(&self) {
        self.revisions.listed_late();
    }

    fn changed(&self, _: &str, key: &str, object: Option<&Object>) {
        if let Some(object) = object {
            self.object_history.put_now(&Path::from(key), object.body.clone());
        }
    }
}
