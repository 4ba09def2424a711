//! Which faults are active now, and what each of them has hit.
//!
//! A fault that hit nothing is inert: it proves nothing, and the reports say so.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use serde::{Deserialize, Serialize};

use super::{Act, PointAct, Scheduled};
use crate::record::{About, Cause, Recorder, Seq};

/// The faults of one run, shared by everything that carries them out.
#[derive(Clone)]
pub struct Faults {
    all: Arc<Vec<Scheduled>>,
    state: Arc<Mutex<State>>,
    recorder: Recorder,
}

#[derive(Default)]
struct State {
    active: BTreeSet<usize>,
    hits: BTreeMap<usize, u64>,
    /// How often each fault of a code point has seen its point passed.
    passed: BTreeMap<usize, u64>,
    /// Hosts that died within this step and are taken down at its end, by their fault.
    dying: BTreeMap<String, usize>,
    waiting: Vec<Waker>,
    /// With which event each fault began.
    begun: BTreeMap<usize, Seq>,
}

/// What one fault did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hits {
    pub label: String,
    /// When the fault began.
    #[serde(default)]
    pub at_ms: u64,
    pub story: String,
    pub hits: u64,
    /// The code point that it struck, and how.
    #[serde(default)]
    pub step: Option<(String, PointAct)>,
}

impl Faults {
    pub fn new(all: Vec<Scheduled>, recorder: Recorder) -> Faults {
        Faults { all: Arc::new(all), state: Arc::default(), recorder }
    }

    pub fn all(&self) -> &[Scheduled] {
        &self.all
    }

    pub fn start(&self, index: usize) {
        self.note(index, "begins");
        self.lock().active.insert(index);
        self.wake();
    }

    pub fn end(&self, index: usize) {
        if self.lock().active.remove(&index) {
            self.note(index, "ends");
        }
        self.wake();
    }

    /// The first active fault with an act that `pick` wants.
    pub fn find<'a, T>(&'a self, mut pick: impl FnMut(&'a Act) -> Option<T>) -> Option<(usize, T)> {
        self.first(|index| self.all[index].acts.iter().find_map(&mut pick))
    }

    /// The first active fault that `pick` wants, given its index. `pick` must not ask for faults.
    pub fn first<T>(&self, mut pick: impl FnMut(usize) -> Option<T>) -> Option<(usize, T)> {
        let state = self.lock();
        let mut active = state.active.iter();
        active.find_map(|index| pick(*index).map(|found| (*index, found)))
    }

    /// Like [`first`](Self::first), for faults of which only the first `count` strikes count: takes
    /// one.
    pub fn strike<T>(&self, mut pick: impl FnMut(usize) -> Option<(u64, T)>) -> Option<(usize, T)> {
        let mut state = self.lock();
        let State { active, hits, .. } = &mut *state;
        active.iter().find_map(|index| {
            let (count, found) = pick(*index)?;
            let used = hits.entry(*index).or_default();
            if *used >= count {
                return None;
            }
            *used += 1;
            Some((*index, found))
        })
    }

    /// A host passes a code point: the fault of which this passing is the one meant.
    pub fn pass(&self, host: &str, passing: &str) -> Option<(usize, PointAct)> {
        let mut state = self.lock();
        let State { active, hits, passed, .. } = &mut *state;
        let mut struck = None;
        for index in active.iter() {
            let point = self.all[*index].acts.iter().find_map(|it| match it {
                Act::Point { host: on, point, occurrence, act } => {
                    (point == passing && on == host).then_some((occurrence, act))
                }
                _ => None,
            });
            let Some((occurrence, act)) = point else { continue };
            let passed = passed.entry(*index).or_default();
            *passed += 1;
            if passed == occurrence && struck.is_none() {
                *hits.entry(*index).or_default() += 1;
                struck = Some((*index, *act));
            }
        }
        struck
    }

    /// The host writes to its disk: the fault that cuts its power at this very write.
    pub fn write(&self, host: &str) -> Option<usize> {
        let mut state = self.lock();
        let State { active, passed, .. } = &mut *state;
        active.iter().copied().find(|index| {
            let nth = self.all[*index].acts.iter().find_map(|act| match act {
                Act::PowerCut { host: on, writes } if on == host => Some(*writes),
                _ => None,
            });
            let Some(nth) = nth else { return false };
            let passed = passed.entry(*index).or_default();
            *passed += 1;
            *passed == nth
        })
    }

    /// The fault hit `count` more requests, bytes, connections or leases.
    pub fn hit(&self, index: usize, count: u64) {
        *self.lock().hits.entry(index).or_default() += count;
    }

    /// What stands still for everybody else: a paused host, or one that is about to be taken down.
    pub fn frozen(&self, host: &str) -> Option<usize> {
        let dying = self.lock().dying.get(host).copied();
        dying.or_else(|| {
            let paused = |act: &Act| matches!(act, Act::Pause { host: on } if on == host);
            self.find(|act| paused(act).then_some(())).map(|(index, ())| index)
        })
    }

    /// Waits while `host` is frozen; a host that is dying never comes back.
    pub async fn thaw(&self, host: &str) {
        let mut counted = None;
        self.clear(|| {
            let index = self.frozen(host)?;
            if counted.replace(index) != Some(index) {
                self.hit(index, 1);
            }
            Some(())
        })
        .await;
    }

    /// Waits until `blocked` says no.
    pub async fn clear(&self, mut blocked: impl FnMut() -> Option<()>) {
        poll_fn(|cx| match blocked() {
            Some(()) => {
                self.wake_me(cx.waker());
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
        .await
    }

    /// Wakes a task at the next change of the active faults.
    pub fn wake_me(&self, waker: &Waker) {
        let waiting = &mut self.lock().waiting;
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// From now on the host has no effect on anything; it is taken down after this step.
    pub fn die(&self, host: &str, index: usize) {
        self.lock().dying.insert(host.to_owned(), index);
    }

    pub fn is_dying(&self, host: &str) -> bool {
        self.lock().dying.contains_key(host)
    }

    /// The hosts to be taken down, each with its fault.
    pub fn dying(&self) -> Vec<(String, usize)> {
        let state = self.lock();
        state.dying.iter().map(|(h, i)| (h.clone(), *i)).collect()
    }

    /// The host is down.
    pub fn buried(&self, host: &str) {
        self.lock().dying.remove(host);
        self.wake();
    }

    pub fn report(&self) -> Vec<Hits> {
        let state = self.lock();
        let hits = |index| state.hits.get(&index).copied().unwrap_or(0);
        let faults = self.all.iter().enumerate();
        faults
            .map(|(index, fault)| Hits {
                label: fault.label.clone(),
                at_ms: fault.at_ms,
                story: format!(
                    "{:>8.3}s for {:>6.3}s  {}",
                    fault.at_ms as f64 / 1000.0,
                    fault.for_ms as f64 / 1000.0,
                    fault.story
                ),
                hits: hits(index),
                step: fault.acts.iter().find_map(|act| match act {
                    Act::Point { point, act, .. } => Some((point.clone(), *act)),
                    _ => None,
                }),
            })
            .collect()
    }

    /// How often each fault has hit something until now.
    pub fn hits(&self) -> BTreeMap<usize, u64> {
        self.lock().hits.clone()
    }

    /// With which event a fault began.
    pub fn begun(&self, index: usize) -> Option<Seq> {
        self.lock().begun.get(&index).copied()
    }

    fn note(&self, index: usize, verb: &str) {
        let Scheduled { story, label, .. } = &self.all[index];
        let text = format_args!("#{index} {verb}: {story}");
        let seq = self.recorder.note("fault", text, || {
            let about = match self.begun(index) {
                Some(seq) => {
                    let hits = self.lock().hits.get(&index).copied().unwrap_or(0);
                    About::end(Cause::Event(seq)).with("hits", hits)
                }
                None => About::new("fault").with("label", &**label),
            };
            about.with("fault", index).text(story)
        });
        self.lock().begun.entry(index).or_insert(seq);
    }

    /// Wakes everybody who waits for a change.
    pub fn wake(&self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        for waker in waiting {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}
