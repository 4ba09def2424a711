//! Everything that happens in a simulation, in the order in which it happened.
//!
//! Every event has a number. Numbers, not times, are what the oracles compare: hosts take turns
//! within a tick, so their clocks disagree by up to a tick, but events happen one after the other.
//! The fingerprint is a rolling hash of all events; nothing that is only logged has a part in it.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::trace::{About, Header, Tracer};

/// The number of an event; later events have greater ones.
pub type Seq = u64;

/// Where event lines go, besides the fingerprint.
pub type Sink = Box<dyn Write + Send>;

#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Mutex<Inner>>,
    /// The time of whoever asks, if it has one.
    clock: Arc<dyn Fn() -> Option<Duration> + Send + Sync>,
}

struct Inner {
    now: Duration,
    next: Seq,
    hash: blake3::Hasher,
    line: String,
    sink: Option<Sink>,
    tracer: Option<Tracer>,
}

impl Recorder {
    /// `clock` tells the time since the beginning: that of the host that is running, or the real
    /// one; `None` between hosts, when the time of the last step counts.
    pub fn new(
        clock: impl Fn() -> Option<Duration> + Send + Sync + 'static,
        sink: Option<Sink>,
    ) -> Recorder {
        Recorder {
            clock: Arc::new(clock),
            inner: Arc::new(Mutex::new(Inner {
                now: Duration::ZERO,
                next: 0,
                hash: blake3::Hasher::new(),
                line: String::new(),
                sink,
                tracer: None,
            })),
        }
    }

    /// Also writes a trace, from now on.
    #[must_use]
    pub fn traced(self, header: &Header, sink: Sink) -> Recorder {
        self.lock().tracer = Some(Tracer::new(header, sink));
        self
    }

    /// Whether somebody wants to know more than events.
    pub fn is_traced(&self) -> bool {
        self.lock().tracer.as_ref().is_some_and(|tracer| !tracer.paused)
    }

    /// Leaves out of the trace what happens meanwhile, such as the destructors of a world that has
    /// come to its end.
    pub fn pause_trace(&self, paused: bool) {
        if let Some(tracer) = &mut self.lock().tracer {
            tracer.paused = paused;
        }
    }

    /// Notes an event of `host` and gives it its number.
    pub fn event(&self, host: &str, text: fmt::Arguments<'_>) -> Seq {
        self.note(host, text, || About::new("note").text(text))
    }

    /// Notes an event, of which the trace has `about`.
    pub fn note(&self, host: &str, text: fmt::Arguments<'_>, about: impl FnOnce() -> About) -> Seq {
        let now = self.now();
        // Whoever tells of it may ask this recorder.
        let about = self.is_traced().then(about);
        let mut inner = self.lock();
        let Inner { line, .. } = &mut *inner;
        line.clear();
        let seconds = now.as_secs_f64();
        fmt::write(line, format_args!("{seconds:>10.3} {host:<14} {text}\n"))
            .expect("a string takes everything");
        let line = std::mem::take(&mut inner.line);
        inner.hash.update(line.as_bytes());
        if let Some(sink) = &mut inner.sink {
            // A story that cannot be written must not change the run.
            let _ = sink.write_all(line.as_bytes());
        }
        inner.line = line;
        inner.next += 1;
        let seq = inner.next - 1;
        if let (Some(tracer), Some(about)) = (&mut inner.tracer, about) {
            tracer.write(Some(seq), now, host, about);
        }
        seq
    }

    /// Adds something to the trace that is no event: it has no part in the fingerprint. `None` if
    /// nobody wants a trace.
    pub fn trace(&self, host: &str, about: impl FnOnce() -> About) -> Option<u64> {
        if !self.is_traced() {
            return None;
        }
        let (now, about) = (self.now(), about());
        let mut inner = self.lock();
        inner.tracer.as_mut().map(|tracer| tracer.write(None, now, host, about))
    }

    /// The simulated time: the host's own, or that of the last step between hosts.
    pub fn now(&self) -> Duration {
        (self.clock)().unwrap_or_else(|| self.lock().now)
    }

    /// The time between two steps.
    pub fn set_now(&self, now: Duration) {
        self.lock().now = now;
    }

    /// How many events there were.
    pub fn count(&self) -> u64 {
        self.lock().next
    }

    /// Identifies the run: the first 16 hexadecimal digits of the hash of all events.
    pub fn fingerprint(&self) -> String {
        let mut inner = self.lock();
        if let Some(sink) = &mut inner.sink {
            let _ = sink.flush();
        }
        if let Some(tracer) = &mut inner.tracer {
            tracer.flush();
        }
        inner.hash.finalize().to_hex()[..16].to_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_depends_on_every_event_and_not_on_the_sink() {
        let run = |texts: &[&str], sink: Option<Sink>| {
            let recorder = Recorder::new(|| None, sink);
            for text in texts {
                recorder.event("a", format_args!("{text}"));
            }
            recorder.fingerprint()
        };
        let plain = run(&["one", "two"], None);
        assert_eq!(plain, run(&["one", "two"], Some(Box::new(Vec::new()))));
        assert_ne!(plain, run(&["two", "one"], None));
        assert_ne!(plain, run(&["one"], None));
    }
}
