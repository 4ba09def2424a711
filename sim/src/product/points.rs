//! The plan's say at the named points of the product's code.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::fault::{FaultPoints, Injected};
use drydock_harness::fault::{Faults, PointAct};
use drydock_harness::record::Recorder;

/// Carries out the faults at the code points of one instance.
pub struct PlannedPoints {
    pub host: String,
    pub faults: Faults,
    pub recorder: Recorder,
    pub passed: PassedPoints,
}

/// How often each point was passed, by all instances together: what a scenario can choose from.
#[derive(Clone, Default)]
pub struct PassedPoints(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl PassedPoints {
    fn note(&self, point: &'static str) {
        let mut passed = self.0.lock().expect("no holder of this lock panics");
        *passed.entry(point).or_default() += 1;
    }

    pub fn all(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().expect("no holder of this lock panics").clone()
    }
}

#[async_trait]
impl FaultPoints for PlannedPoints {
    async fn reach(&self, point: &'static str) -> Result<(), Injected> {
        self.faults.thaw(&self.host).await;
        self.passed.note(point);
        match self.faults.pass(&self.host, point) {
            None => Ok(()),
            Some((index, PointAct::Delay)) => {
                self.note(point, "delayed");
                let for_ms = self.faults.all()[index].for_ms;
                tokio::time::sleep(Duration::from_millis(for_ms)).await;
                Ok(())
            }
            Some((_, PointAct::Fail)) => {
                self.note(point, "failed");
                Err(Injected(point))
            }
            Some((index, PointAct::Kill)) => {
                self.note(point, "killed");
                self.faults.die(&self.host, index);
                std::future::pending().await
            }
        }
    }
}

impl PlannedPoints {
    fn note(&self, point: &str, verb: &str) {
        self.recorder.event(&self.host, format_args!("{verb} at point {point}"));
    }
}
