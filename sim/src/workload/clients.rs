//! Clients: each does one call after the other until the load ends, with few names for all of them.

use super::{Session, tree};
use crate::history::{Call, Reads, Role, Server};
use crate::plan::{InstanceId, OpKind, Plan};

/// How often a call is drawn anew. Where few kinds are switched on, none may be possible.
const TRIES: usize = 10;

/// One client's life.
pub async fn client(plan: &Plan, session: &Session) {
    let workload = &plan.workload;
    let [least, greatest] = workload.pause_ms;
    let total: u64 = workload.weights.values().map(|weight| u64::from(*weight)).sum();
    if total == 0 {
        return;
    }
    session.sleep_until(workload.from_ms).await;
    loop {
        session.sleep_ms(session.draw(least, greatest)).await;
        if session.is_over(plan.load_ms) {
            return;
        }
        let meant = session.draw(1, plan.topology.configstores() as u64) as usize;
        let instance = session.instance(InstanceId::configstore(meant));
        let call = draw(plan, session, total);
        session.ask(Server::Instance(instance), call).await;
    }
}

/// Draws blindly, or until the call could succeed.
fn draw(plan: &Plan, session: &Session, total: u64) -> Call {
    let blind = || make(plan, session, choose(plan, session, total));
    let percent = u64::from(plan.workload.feasible_percent);
    // Plans without it draw nothing for it, and so go on as they always did.
    if percent == 0 || session.draw(1, 100) > percent {
        return blind();
    }
    let mut drawn = std::iter::repeat_with(blind).take(TRIES);
    drawn.find(|call| session.believed.allows(call)).unwrap_or_else(blind)
}

fn choose(plan: &Plan, session: &Session, total: u64) -> OpKind {
    let mut left = session.draw(0, total - 1);
    for (kind, weight) in &plan.workload.weights {
        let weight = u64::from(*weight);
        if left < weight {
            return *kind;
        }
        left -= weight;
    }
    unreachable!("the weights add up to the total")
}

fn make(plan: &Plan, session: &Session, kind: OpKind) -> Call {
    let user = || user_name(session.draw(1, plan.workload.users as u64));
    let org = || format!("org-{}", session.draw(1, plan.workload.orgs as u64));
    match kind {
        OpKind::CreateUser => Call::CreateUser { name: user() },
        OpKind::GetUser => Call::GetUser { name: user() },
        OpKind::RenameUser => {
            let name = user();
            let mut to = user();
            if to == name {
                to = format!("{to}-renamed");
            }
            Call::RenameUser { name, to }
        }
        OpKind::DeleteUser => Call::DeleteUser { name: user() },
        OpKind::ListUsers => Call::ListUsers {
            reads: match session.draw(0, 2) {
                0 => Reads::Local,
                _ => Reads::Linearizable,
            },
        },
        OpKind::CreateOrg => Call::CreateOrg { name: org(), owner: user() },
        OpKind::DeleteOrg => Call::DeleteOrg { name: org() },
        OpKind::SetMember => Call::SetMember {
            org: org(),
            user: user(),
            role: match session.draw(0, 1) {
                0 => Role::Owner,
                _ => Role::Member,
            },
        },
        OpKind::RemoveMember => Call::RemoveMember { org: org(), user: user() },
        OpKind::ListMembers => Call::ListMembers { org: org() },
        OpKind::Export => Call::Export,
        of_tree => {
            let call = tree::make(plan, session, of_tree);
            Call::Tree(call.expect("all other kinds are calls on the tree"))
        }
    }
}

fn user_name(number: u64) -> String {
    format!("user-{number}")
}
