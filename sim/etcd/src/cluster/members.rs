//! Who runs, who leads, and how far everyone is.

use std::time::Duration;

use etcd_client::proto::{PbMember, PbResponseHeader};

use super::bug::{Bug, Bugs};
use super::config::{Config, MemberConfig};
use crate::error::{Error, Result};
use crate::machine::Machine;

#[derive(Debug)]
pub struct Cluster {
    pub(super) config: Config,
    pub(super) id: u64,
    pub(crate) machine: Machine,
    pub(super) members: Vec<Member>,
    leader: Option<usize>,
    /// When there was last one who then was none.
    leader_lost: Option<Duration>,
    pub(crate) term: u64,
    /// Entries that a Raft log would have by now.
    pub(crate) index: u64,
    pub(crate) next_lease: i64,
    /// Bytes of the database file, which shrinks only when it is defragmented.
    pub(super) file_bytes: usize,
    bugs: Bugs,
}

#[derive(Debug, Clone)]
pub struct Member {
    pub id: u64,
    pub config: MemberConfig,
    running: bool,
    /// Since when it is not reached by the other members, only by clients.
    isolated: Option<Duration>,
    /// Applies nothing after this revision.
    held: Option<i64>,
    /// Sends watchers nothing after this revision.
    watches_held: Option<i64>,
}

impl Cluster {
    /// All members run; the first one leads.
    pub fn new(config: Config) -> Cluster {
        let members = config.members.iter().map(|member| Member {
            id: id(&[&config.name, &member.name]),
            config: member.clone(),
            running: true,
            isolated: None,
            held: None,
            watches_held: None,
        });
        Cluster {
            id: id(&[&config.name]),
            machine: Machine::new().with_seed(config.seed),
            members: members.collect(),
            leader: Some(0),
            leader_lost: None,
            term: 2,
            index: 3 + config.members.len() as u64,
            next_lease: config.first_lease,
            file_bytes: 0,
            bugs: Bugs::new(config.bugs.clone()),
            config,
        }
    }

    /// Begins with what another cluster held at a revision, as far as that one keeps it.
    pub fn take_over(&mut self, from: &Cluster, revision: i64, ttl: Duration, now: Duration) {
        let machine = Machine::restore(from.machine.save(now), now);
        let machine = machine.expect("what was saved is in order");
        self.machine = machine.with_seed(self.config.seed);
        self.machine.rewind(revision, ttl, now);
        self.next_lease = from.next_lease;
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The state that a majority agreed on.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    pub fn leader(&self) -> Option<usize> {
        self.leader
    }

    pub fn term(&self) -> u64 {
        self.term
    }

    pub fn index(&self) -> u64 {
        self.index
    }

    pub fn bugs(&self) -> &Bugs {
        &self.bugs
    }

    pub fn set_bug(&mut self, bug: Bug, on: bool) {
        self.bugs.set(bug, on);
    }

    /// How far a member has applied the history.
    pub fn applied(&self, member: usize) -> i64 {
        let newest = self.machine.revision();
        let held = self.members[member].held.unwrap_or(newest);
        // What is compacted can only be read from here on.
        held.clamp(self.machine.compacted().clamp(1, newest), newest)
    }

    /// How far a member has told its watchers.
    pub fn delivered(&self, member: usize) -> i64 {
        let applied = self.applied(member);
        self.members[member].watches_held.map_or(applied, |held| held.min(applied))
    }

    /// Whether a member is in touch with a leader.
    pub fn led(&self, member: usize) -> bool {
        self.leader.is_some() && self.members[member].connected()
    }

    /// Whether a member has been without a leader for so long that it ends streams of clients
    /// that asked for one.
    pub fn long_without_leader(&self, member: usize, now: Duration) -> bool {
        let since = self.members[member].isolated.or(self.leader_lost);
        let long = self.config.election_timeout * 3;
        !self.led(member) && since.is_none_or(|since| now >= since + long)
    }

    pub fn header(&self, member: usize, revision: i64) -> PbResponseHeader {
        PbResponseHeader {
            cluster_id: self.id,
            member_id: self.members[member].id,
            revision,
            raft_term: self.term,
        }
    }

    pub fn member_list(&self) -> Vec<PbMember> {
        let mut members: Vec<_> = self.members.iter().map(Member::told).collect();
        members.sort_by_key(|member| member.id);
        members
    }

    /// Why a request that waited in vain since `since` failed.
    pub fn timeout(&self, member: usize, since: Duration) -> Error {
        if !self.members[member].connected() {
            Error::TimeoutConnectionLost
        } else if self.leader.is_none() || self.leader_lost.is_some_and(|lost| lost >= since) {
            Error::TimeoutLeaderFailed
        } else {
            Error::Timeout
        }
    }

    /// Kills a member's process. Whoever serves it also has to drop its connections.
    pub fn stop(&mut self, member: usize, now: Duration) {
        self.members[member].running = false;
        self.check_leader(now);
    }

    /// Starts a member again, with what it had applied.
    pub fn start(&mut self, member: usize, now: Duration) {
        let alone = self.members.len() == 1;
        let stopped = !self.members[member].running;
        if stopped && alone && self.bugs.strikes(Bug::LostWrite) {
            self.machine.truncate(self.machine.revision() - 1);
        }
        self.members[member].running = true;
        self.check_leader(now);
    }

    /// Cuts a member off from the others.
    pub fn isolate(&mut self, member: usize, now: Duration) {
        let applied = self.applied(member);
        self.members[member].isolated.get_or_insert(now);
        self.members[member].held.get_or_insert(applied);
        self.check_leader(now);
    }

    /// Connects a member with the others, and lets it catch up.
    pub fn rejoin(&mut self, member: usize, now: Duration) {
        self.members[member].isolated = None;
        self.members[member].held = None;
        self.check_leader(now);
    }

    /// Lets a member fall behind from now on.
    pub fn hold(&mut self, member: usize) {
        let applied = self.applied(member);
        self.members[member].held.get_or_insert(applied);
    }

    /// Lets a member catch up that [`Cluster::hold`] had stopped.
    pub fn release(&mut self, member: usize) {
        if self.members[member].isolated.is_none() {
            self.members[member].held = None;
        }
    }

    /// Lets a member's watchers fall behind its keys from now on.
    pub fn hold_watches(&mut self, member: usize) {
        let delivered = self.delivered(member);
        self.members[member].watches_held.get_or_insert(delivered);
    }

    pub fn release_watches(&mut self, member: usize) {
        self.members[member].watches_held = None;
    }

    /// Takes the leader away; the next one is elected after the election time-out.
    pub fn depose(&mut self, now: Duration) {
        self.leader = None;
        self.leader_lost = Some(now);
    }

    /// Makes a member the leader, if it runs and is connected with a majority.
    pub fn elect(&mut self, member: usize, now: Duration) -> Result<()> {
        if !self.members[member].connected() || !self.has_majority() {
            return Err(Error::BadLeaderTransferee);
        }
        if self.leader == Some(member) {
            return Ok(());
        }
        if self.leader.is_some() {
            self.leader_lost = Some(now);
        }
        self.leader = Some(member);
        self.term += 1;
        self.index += 1;
        self.machine.extend_leases(self.config.election_timeout, now);
        Ok(())
    }

    /// Whether a [`Cluster::tick`] would change anything.
    pub fn due(&self, member: usize, now: Duration) -> bool {
        match self.leader {
            None => {
                let pause = self.config.election_timeout;
                self.has_majority() && self.leader_lost.is_none_or(|lost| now >= lost + pause)
            }
            Some(leader) => leader == member && !self.machine.expired(now).is_empty(),
        }
    }

    /// What a member does from time to time: elects a leader where none is, and as the leader ends
    /// leases.
    pub fn tick(&mut self, member: usize, now: Duration) {
        if !self.due(member, now) {
            return;
        }
        if self.leader.is_none() {
            let candidate = self.members.iter().position(Member::connected);
            let elected = self.elect(candidate.expect("a majority is connected"), now);
            return elected.expect("one of a majority can lead");
        }
        for id in self.machine.expired(now) {
            self.index += 1;
            self.machine.revoke(id).expect("what expired exists");
        }
    }

    fn has_majority(&self) -> bool {
        let connected = self.members.iter().filter(|member| member.connected()).count();
        2 * connected > self.members.len()
    }

    fn check_leader(&mut self, now: Duration) {
        let stays = self.leader.is_some_and(|leader| self.members[leader].connected());
        if self.leader.is_some() && !(stays && self.has_majority()) {
            self.depose(now);
        }
    }
}

impl Member {
    pub fn running(&self) -> bool {
        self.running
    }

    fn connected(&self) -> bool {
        self.running && self.isolated.is_none()
    }

    fn told(&self) -> PbMember {
        PbMember {
            id: self.id,
            name: self.config.name.clone(),
            peer_ur_ls: vec![self.config.peer_url.clone()],
            client_ur_ls: vec![self.config.client_url.clone()],
            is_learner: false,
        }
    }
}

/// As in etcd a hash, so that ids are stable and far apart.
fn id(names: &[&str]) -> u64 {
    let mut hash = blake3::Hasher::new();
    for name in names {
        hash.update(name.as_bytes()).update(&[0]);
    }
    let bytes = hash.finalize().as_bytes()[..8].try_into().expect("a hash is longer than 8 bytes");
    u64::from_be_bytes(bytes)
}
