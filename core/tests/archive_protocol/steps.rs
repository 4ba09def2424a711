//! What may happen next: each step is one request, or none.

use super::world::{
    Ballot, COMMITS, Collector, Etcd, Id, Lineage, Piece, Recovery, Rules, Session, World, number,
};

#[derive(Debug, Clone, Copy)]
#[expect(dead_code, reason = "it is printed")]
pub(super) enum Step {
    Write(Id),
    LineageFromTheLog(Lineage),
    SetBack(Etcd),
    Lost,
    Session(Ballot, Session),
    Recovery(usize, Recovery),
    Collector(Collector),
}

pub(super) fn successors(world: &World, rules: Rules, each: &mut impl FnMut(Step, World)) {
    if let Some(etcd) = world.etcd {
        if world.writes > 0 {
            let mut next = World { writes: world.writes - 1, ..*world };
            let head = next.commit(Some(etcd.head), world.at(etcd.head).lineage);
            next.set(Etcd { head, ..etcd });
            each(Step::Write(head), next);
        }
        if world.forks > 0 {
            let mut next = World { forks: world.forks - 1, ..*world };
            let lineage = next.begin(Some(etcd.head), rules);
            each(Step::LineageFromTheLog(lineage), next);
        }
    }
    if world.disasters > 0 {
        let next = World { disasters: world.disasters - 1, ..*world };
        let ids = || (0..COMMITS as Id).map(Some).chain([None]);
        for etcd in
            ids().flatten().flat_map(|head| ids().map(move |archived| Etcd { head, archived }))
        {
            if world.past & (1 << number(etcd)) != 0 && world.etcd != Some(etcd) {
                each(Step::SetBack(etcd), World { etcd: Some(etcd), ..next });
            }
        }
        if world.etcd.is_some() {
            each(Step::Lost, World { etcd: None, ..next });
        }
    }
    for ballot in 0..3 {
        let mut next = *world;
        let session = step(&mut next, ballot, rules);
        next.sessions[usize::from(ballot)] = session;
        each(Step::Session(ballot, session), next);
    }
    for nth in 0..2 {
        let mut next = *world;
        let recovery = recover(&mut next, nth, rules);
        next.recoveries[nth] = recovery;
        each(Step::Recovery(nth, recovery), next);
    }
    collect(world, rules, each);
}

/// One step of a session: at most one request.
fn step(world: &mut World, ballot: Ballot, rules: Rules) -> Session {
    let higher = rules.check && world.announced >> (ballot + 1) != 0;
    match world.sessions[usize::from(ballot)] {
        Session::Idle => {
            world.announced |= 1 << ballot;
            Session::Announced
        }
        Session::Announced => Session::Noted(world.newest_note(rules)),
        Session::Noted(noted) => Session::Read(noted.and_then(|lineage| world.path(lineage))),
        Session::Read(proof) => match world.etcd {
            Some(etcd) if world.goes_on(etcd, proof, rules) => {
                let lineage = world.at(etcd.head).lineage;
                let within = proof.filter(|proven| world.at(*proven).lineage == lineage);
                Session::Verified(lineage, within.unwrap_or(world.first_of(lineage)))
            }
            _ => Session::Over,
        },
        Session::Verified(lineage, at) => {
            world.notes[usize::from(ballot)] |= 1 << lineage;
            Session::Said(lineage, at)
        }
        Session::Said(..) | Session::Stored(..) if higher => Session::Over,
        Session::Said(lineage, at) => Session::First(lineage, at),
        Session::First(lineage, at) => {
            let etcd = world.etcd.filter(|etcd| world.at(etcd.head).lineage == lineage);
            if let Some(etcd) = etcd.filter(|etcd| etcd.archived.is_none()) {
                world.publish(Etcd { archived: Some(world.first_of(lineage)), ..etcd });
            }
            Session::Open(lineage, at)
        }
        Session::Open(lineage, at) => cut(world, lineage, at, rules),
        Session::Cut(lineage, piece) => {
            world.store(ballot, piece.next, rules);
            Session::Stored(lineage, piece)
        }
        Session::Stored(lineage, piece) => Session::Checked(lineage, piece),
        Session::Checked(lineage, Piece { base, next, end }) => match world.etcd {
            Some(etcd) if etcd.archived == Some(base) && world.holds(etcd.head, next) => {
                world.publish(Etcd { archived: Some(next), ..etcd });
                Session::Open(lineage, end)
            }
            _ => Session::Over,
        },
        Session::Over => Session::Over,
    }
}

/// Reads the log after `archived`.
fn cut(world: &World, lineage: Lineage, at: Id, rules: Rules) -> Session {
    let Some(Etcd { head, archived: Some(base) }) = world.etcd else { return Session::Over };
    let same_course = world.holds(head, at) && world.holds(at, base);
    if world.at(head).lineage != lineage || rules.one_course && !same_course {
        return Session::Over;
    }
    match world.line(head).find(|id| world.at(*id).parent == Some(base)) {
        Some(next) => {
            let end = if world.holds(at, next) { at } else { next };
            Session::Cut(lineage, Piece { base, next, end })
        }
        None => Session::Open(lineage, at),
    }
}

fn recover(world: &mut World, nth: usize, rules: Rules) -> Recovery {
    match world.recoveries[nth] {
        Recovery::Idle => Recovery::Noted(world.newest_note(rules)),
        Recovery::Noted(noted) => Recovery::Read(noted.and_then(|lineage| world.path(lineage))),
        Recovery::Read(proof) => match world.etcd {
            Some(etcd) if world.goes_on(etcd, proof, rules) => Recovery::Over,
            found => Recovery::Begins(proof, found),
        },
        Recovery::Begins(_, found) if world.etcd != found => Recovery::Over,
        // Without anything in objects either it is a first boot.
        Recovery::Begins(proof, _) => {
            let lineage = world.begin(proof, rules);
            if rules.ballots { Recovery::Over } else { Recovery::Begun(lineage) }
        }
        Recovery::Begun(lineage) => {
            world.notes[0] |= 1 << lineage;
            Recovery::Over
        }
        Recovery::Over => Recovery::Over,
    }
}

/// Deletes the first state of a lineage that is not in force.
fn collect(world: &World, rules: Rules, each: &mut impl FnMut(Step, World)) {
    match (world.collector, world.etcd) {
        (Collector::Idle, Some(etcd)) => {
            let in_force = world.at(etcd.head).lineage;
            let others = (0..8).filter(|other| world.all().any(|(_, at)| at.lineage == *other));
            for other in others.filter(|other| *other != in_force) {
                let first = world.first_of(other);
                let settled = etcd.archived.is_some_and(|archived| {
                    world.newest_note(rules) == Some(in_force)
                        && world.at(archived).lineage == in_force
                        && !world.holds(first, archived)
                });
                let ended = world.holds(etcd.head, first);
                if settled || !rules.patient_collector && !ended {
                    let collector = Collector::Chosen(other);
                    each(Step::Collector(collector), World { collector, ..*world });
                }
            }
        }
        (Collector::Chosen(lineage), _) => {
            let deleted = world.deleted | 1 << lineage;
            let collector = Collector::Over;
            each(Step::Collector(collector), World { deleted, collector, ..*world });
        }
        _ => {}
    }
}
