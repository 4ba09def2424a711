//! What there is: the coordination store, objects, and whoever works with them.

/// A commit's place in `World::commits`.
pub(super) type Id = u8;
pub(super) type Lineage = u8;
/// Of sessions; which begins first is open.
pub(super) type Ballot = u8;

pub(super) const COMMITS: usize = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Commit {
    pub(super) parent: Option<Id>,
    pub(super) lineage: Lineage,
    pub(super) position: u8,
    /// Lineages before this one.
    pub(super) epoch: u8,
}

/// What the coordination store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Etcd {
    pub(super) head: Id,
    /// `None`: nothing of the lineage in force yet.
    pub(super) archived: Option<Id>,
}

/// The last commit that objects prove, if any.
pub(super) type Proof = Option<Id>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Piece {
    /// What `archived` says.
    pub(super) base: Id,
    pub(super) next: Id,
    /// The end of the session's course. A piece may be before it, and stored once more.
    pub(super) end: Id,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Session {
    Idle,
    Announced,
    /// The lineage that is noted was read.
    Noted(Option<Lineage>),
    Read(Proof),
    /// The log holds what was read; the lineage in force is to be noted.
    Verified(Lineage, Id),
    /// It is noted, or the segment up to `Id` is stored: is a higher ballot announced by now?
    Said(Lineage, Id),
    /// None was: it may be published.
    First(Lineage, Id),
    /// Goes on after `Id`, which it stored or read.
    Open(Lineage, Id),
    /// To store one more commit.
    Cut(Lineage, Piece),
    Stored(Lineage, Piece),
    Checked(Lineage, Piece),
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Recovery {
    Idle,
    Noted(Option<Lineage>),
    Read(Proof),
    /// To replace what was found.
    Begins(Proof, Option<Etcd>),
    /// Is in force, to be noted: only by the older rules.
    Begun(Lineage),
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Collector {
    Idle,
    Chosen(Lineage),
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) commits: [Option<Commit>; COMMITS],
    pub(super) etcd: Option<Etcd>,
    /// What it held at any time, as bits.
    pub(super) past: u128,
    /// Bits of ballots.
    pub(super) announced: u8,
    /// The lineages that each ballot noted, as bits.
    pub(super) notes: [u8; 3],
    /// The commits that each ballot stored, as bits.
    pub(super) segments: [u16; 3],
    /// Lineages whose first state is deleted, as bits.
    pub(super) deleted: u8,
    pub(super) sessions: [Session; 3],
    pub(super) recoveries: [Recovery; 2],
    pub(super) collector: Collector,
    /// What was acknowledged as archived, as bits.
    pub(super) claimed: u16,
    pub(super) writes: u8,
    pub(super) forks: u8,
    pub(super) disasters: u8,
}

/// Every safeguard; each can be left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Nothing is published once a higher ballot is announced.
    pub(super) check: bool,
    /// A session goes on only if the log holds the very commit that objects prove.
    pub(super) verify: bool,
    /// The highest ballot decides between notes, not the epoch of a lineage.
    pub(super) ballots: bool,
    /// Segments of two courses have two names.
    pub(super) names: bool,
    /// A lineage that begins calls nothing archived before it is noted.
    pub(super) silent_begin: bool,
    /// A session never leaves the course that it has stored.
    pub(super) one_course: bool,
    /// What may still be noted is not deleted.
    pub(super) patient_collector: bool,
}

pub(super) const MENDED: Rules = Rules {
    check: true,
    verify: true,
    ballots: true,
    names: true,
    silent_begin: true,
    one_course: true,
    patient_collector: true,
};

pub(super) const BEFORE: Rules = Rules {
    check: false,
    verify: false,
    ballots: false,
    names: false,
    silent_begin: false,
    one_course: false,
    patient_collector: false,
};

/// How much may happen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    pub(super) sessions: usize,
    pub(super) recoveries: usize,
    pub(super) collectors: usize,
    pub(super) writes: u8,
    pub(super) forks: u8,
    pub(super) disasters: u8,
}

pub(super) fn bit(nth: u8) -> u16 {
    1 << nth
}

/// The number of a state of the coordination store in `World::past`.
pub(super) fn number(etcd: Etcd) -> u32 {
    u32::from(etcd.head) * 10 + etcd.archived.map_or(9, u32::from)
}

impl World {
    pub(super) fn new(sizes: Sizes) -> World {
        let mut commits = [None; COMMITS];
        commits[0] = Some(Commit { parent: None, lineage: 0, position: 0, epoch: 0 });
        let begin = |there: bool| if there { Session::Idle } else { Session::Over };
        let mut world = World {
            commits,
            etcd: None,
            past: 0,
            announced: 0,
            notes: [0; 3],
            segments: [0; 3],
            deleted: 0,
            sessions: [0, 1, 2].map(|nth| begin(nth < sizes.sessions)),
            recoveries: [0, 1].map(|nth| match nth < sizes.recoveries {
                true => Recovery::Idle,
                false => Recovery::Over,
            }),
            collector: if sizes.collectors > 0 { Collector::Idle } else { Collector::Over },
            claimed: 0,
            writes: sizes.writes,
            forks: sizes.forks,
            disasters: sizes.disasters,
        };
        world.set(Etcd { head: 0, archived: None });
        world
    }

    pub(super) fn at(&self, id: Id) -> Commit {
        self.commits[usize::from(id)].expect("it was made")
    }

    pub(super) fn line(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(Some(id), |id| self.at(*id).parent)
    }

    /// Whether the log that ends with `other` holds `one`.
    pub(super) fn holds(&self, other: Id, one: Id) -> bool {
        self.line(other).any(|id| id == one)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Id, Commit)> + '_ {
        (0..).zip(self.commits.iter().map_while(|commit| *commit))
    }

    pub(super) fn first_of(&self, lineage: Lineage) -> Id {
        let first = self.all().find(|(_, commit)| commit.lineage == lineage);
        first.expect("a lineage has a first commit").0
    }

    pub(super) fn newest_note(&self, rules: Rules) -> Option<Lineage> {
        let mut newest: Option<(usize, u8, Lineage)> = None;
        for (ballot, noted) in self.notes.iter().enumerate() {
            for lineage in (0..8).filter(|lineage| noted & (1 << lineage) != 0) {
                let epoch = self.at(self.first_of(lineage)).epoch;
                let rank = if rules.ballots { ballot } else { 0 };
                newest = newest.max(Some((rank, epoch, lineage)));
            }
        }
        newest.map(|(_, _, lineage)| lineage)
    }

    /// From a lineage's first commit on, at each place what the highest ballot stored there.
    pub(super) fn path(&self, lineage: Lineage) -> Proof {
        if self.deleted & (1 << lineage) != 0 {
            return None;
        }
        let mut at = self.first_of(lineage);
        loop {
            let follows = |(_, next): &(Id, Commit)| next.parent == Some(at);
            let nexts = || self.all().filter(|next| next.1.lineage == lineage).filter(follows);
            let stored = |segments: &u16| nexts().find(|(id, _)| segments & bit(*id) != 0);
            match self.segments.iter().rev().find_map(stored) {
                Some((next, _)) => at = next,
                None => return Some(at),
            }
        }
    }

    pub(super) fn set(&mut self, etcd: Etcd) {
        self.etcd = Some(etcd);
        self.past |= 1 << number(etcd);
    }

    pub(super) fn commit(&mut self, parent: Option<Id>, lineage: Lineage) -> Id {
        let before = parent.map(|parent| self.at(parent));
        let new = before.is_none_or(|before| before.lineage != lineage);
        let id = self.all().count();
        self.commits[id] = Some(Commit {
            parent,
            lineage,
            position: before.map_or(0, |before| before.position + 1),
            epoch: before.map_or(0, |before| before.epoch + u8::from(new)),
        });
        id as Id
    }

    pub(super) fn begin(&mut self, parent: Option<Id>, rules: Rules) -> Lineage {
        let lineage = self.all().map(|(_, commit)| commit.lineage + 1).max().unwrap_or(0);
        let head = self.commit(parent, lineage);
        if rules.silent_begin {
            self.set(Etcd { head, archived: None });
        } else {
            self.publish(Etcd { head, archived: Some(head) });
        }
        lineage
    }

    /// Everything up to `archived` is acknowledged.
    pub(super) fn publish(&mut self, etcd: Etcd) {
        self.set(etcd);
        let line = etcd.archived.map_or(0, |id| self.line(id).fold(0, |all, id| all | bit(id)));
        self.claimed |= line;
    }

    /// What would be lost if the coordination store were lost now.
    pub(super) fn lost(&self, rules: Rules) -> bool {
        let proven = self.newest_note(rules).and_then(|lineage| self.path(lineage));
        let line = proven.map_or(0, |id| self.line(id).fold(0, |all, id| all | bit(id)));
        self.claimed & !line != 0
    }

    /// Whether a log goes on from what objects prove.
    pub(super) fn goes_on(&self, etcd: Etcd, proof: Proof, rules: Rules) -> bool {
        let Some(proven) = proof else { return true };
        if rules.verify {
            let lineage = self.at(etcd.head).lineage;
            return self.holds(etcd.head, proven) && self.deleted & (1 << lineage) == 0;
        }
        // Positions were compared, not commits; and lineages by their epochs.
        let (head, proven) = (self.at(etcd.head), self.at(proven));
        if head.lineage == proven.lineage {
            proven.position <= head.position
        } else {
            (proven.epoch, proven.lineage) < (head.epoch, head.lineage)
        }
    }

    pub(super) fn store(&mut self, ballot: Ballot, id: Id, rules: Rules) {
        if !rules.names {
            let Commit { lineage, position, .. } = self.at(id);
            let same = |other: &Commit| (other.lineage, other.position) == (lineage, position);
            let same = self.all().filter(|(_, other)| same(other));
            let same = same.fold(0, |all, (id, _)| all | bit(id));
            self.segments.iter_mut().for_each(|stored| *stored &= !same);
        }
        self.segments[usize::from(ballot)] |= bit(id);
    }

    /// Forgets what can make no difference any more.
    pub(super) fn settle(mut self) -> World {
        if self.disasters == 0 {
            self.past = 0;
        }
        if self.sessions.iter().all(|session| *session == Session::Over) {
            self.announced = 0;
        }
        self
    }
}
