//! What ends an attempt before its steps do: orders to stop, and deadlines.

use crate::attempt::{AttemptFolder, Reason, Stop, Task};

use super::clock::monotonic_ms;

/// How often the order to stop is looked for.
pub const LOOK_EVERY_MS: u64 = 250;

/// Why the running step has to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    Stop(Stop),
    /// A further order to stop: at once, and nothing follows.
    StopNow(Reason),
    /// The attempt has used up its time.
    Timeout,
    /// The steps that always run have used up theirs.
    CleanupTimeout,
}

#[derive(Debug)]
pub struct Orders {
    folder: AttemptFolder,
    last_order: u32,
    look_at: u64,
    timeout_at: Option<u64>,
    cleanup_ms: u64,
    cleanup_at: Option<u64>,
}

impl Orders {
    pub fn new(folder: &AttemptFolder, task: &Task) -> Orders {
        let now = monotonic_ms();
        Orders {
            folder: folder.clone(),
            last_order: 0,
            look_at: now,
            timeout_at: task.timeout_ms.map(|ms| now.saturating_add(ms)),
            cleanup_ms: task.cleanup_ms,
            cleanup_at: None,
        }
    }

    /// The moment at which `next` may have something new.
    pub fn next_at(&self) -> u64 {
        let deadlines = [self.timeout_at, self.cleanup_at];
        deadlines.into_iter().flatten().fold(self.look_at, u64::min)
    }

    /// The next order, if one has come.
    pub fn next(&mut self) -> Option<Order> {
        let now = monotonic_ms();
        if now >= self.look_at {
            self.look_at = now + LOOK_EVERY_MS;
            // A file that cannot be read is looked at again.
            if let Ok(Some(stop)) = self.folder.read_stop()
                && stop.order > self.last_order
            {
                let first = self.last_order == 0 && stop.order == 1;
                self.last_order = stop.order;
                return Some(if first { Order::Stop(stop) } else { Order::StopNow(stop.reason) });
            }
        }
        if self.timeout_at.take_if(|at| *at <= now).is_some() {
            return Some(Order::Timeout);
        }
        self.cleanup_at.take_if(|at| *at <= now).map(|_| Order::CleanupTimeout)
    }

    /// Makes `next` look for an order whenever the last look was.
    pub fn look_again(&mut self) {
        self.look_at = monotonic_ms();
    }

    /// The attempt ends anyhow: its deadline says nothing new.
    pub fn drop_timeout(&mut self) {
        self.timeout_at = None;
    }

    /// Begins the time of the steps that always run, if it has not begun.
    pub fn begin_cleanup(&mut self) {
        self.cleanup_at.get_or_insert_with(|| monotonic_ms().saturating_add(self.cleanup_ms));
    }
}
