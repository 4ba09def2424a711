//! Finds the leader, so that calls ask it.
//!
//! Any other member forwards a write to the leader, and learns later than it that the write is
//! done. Each answer names its term; in another term there may be another leader. The leader is
//! looked for in the background: no call waits for that.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::members::Members;

/// How long calls ask a member that does not lead before the leader is looked for again: it may
/// have been unreachable.
const AGAIN: Duration = Duration::from_secs(30);

/// The last search for the leader.
#[derive(Default)]
pub struct Leader {
    last: Mutex<Look>,
}

#[derive(Default)]
struct Look {
    under_way: bool,
    term: u64,
    leader: Option<usize>,
    at: Option<Instant>,
}

impl Leader {
    /// Whether the leader must be looked for.
    fn is_due(&self, term: u64, asked: usize) -> bool {
        let mut last = self.lock();
        let recent = last.at.is_some_and(|at| at.elapsed() < AGAIN);
        let known = last.term == term && (last.leader == Some(asked) || recent);
        let due = !known && !last.under_way;
        last.under_way |= due;
        due
    }

    fn found(&self, term: u64, leader: Option<usize>) {
        *self.lock() = Look { under_way: false, term, leader, at: Some(Instant::now()) };
    }

    fn lock(&self) -> MutexGuard<'_, Look> {
        self.last.lock().expect("no holder of this lock panics")
    }
}

impl Members {
    /// Tells that the asked member has answered in this term.
    pub fn answered_in(self: &Arc<Self>, term: u64) {
        if self.count() > 1 && self.settings.prefer_leader && self.leader.is_due(term, self.asked())
        {
            let members = Arc::clone(self);
            tokio::spawn(async move {
                let leader = members.find_leader().await;
                members.leader.found(term, leader);
                if let Some(leader) = leader {
                    members.ask(leader);
                }
            });
        }
    }

    async fn find_leader(&self) -> Option<usize> {
        for member in 0..self.count() {
            let Ok(link) = self.link(member).await else { continue };
            let mut client = link.client.maintenance_client();
            let asked = tokio::time::timeout(self.settings.call_timeout, client.status()).await;
            let Ok(Ok(status)) = asked else { continue };
            if status.header().is_some_and(|header| header.member_id() == status.leader()) {
                return Some(member);
            }
        }
        None
    }
}
