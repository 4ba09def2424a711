//! Answers to questions, and refusals, against all states that were in force meanwhile.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Asked;
use crate::check::Checks;
use crate::check::rights::{allows, needs, projects_in, secrets_of};
use crate::check::tree::{group_at, project_at};
use crate::history::{Act, Answer, Reply};
use crate::timeline::{State, Step, Timeline};

/// Refusals that say that there is no right, or nothing to have a right to.
const REFUSALS: [&str; 4] =
    ["forbidden", "project_group_not_exist", "project_not_exist", "org_not_exist"];

/// What is known so far of one call.
struct Open<'a> {
    asked: &'a Asked<'a>,
    /// Whether the answer was right, and allowed, at some moment.
    right: bool,
    allowed: bool,
    /// Whether the call was to be refused at some moment.
    refusable: bool,
}

pub(super) fn check(timeline: &Timeline, asked: &[Asked<'_>], checks: &mut Checks) {
    let open = |asked| Open { asked, right: false, allowed: false, refusable: false };
    let mut waiting: Vec<_> = asked.iter().filter(|it| concerns(it)).map(open).collect();
    waiting.sort_by_key(|it| std::cmp::Reverse(it.asked.first));
    let mut now: Vec<Open<'_>> = Vec::new();
    timeline.replay_visible(|place, state, step| {
        // What is found before the first action is the state before.
        while let Some(one) = waiting.pop_if(|one| one.asked.first <= place.nth) {
            now.push(one);
        }
        now.retain_mut(|one| {
            one.look(state, step);
            let over = step == Step::Whole && place.nth >= one.asked.last;
            if over {
                one.report(checks);
            }
            !over
        });
    });
    now.iter().chain(&waiting).for_each(|one| one.report(checks));
}

fn concerns(asked: &Asked<'_>) -> bool {
    match asked.operation.answer() {
        Some(Answer::Ok(_)) => asked.is_question(),
        Some(Answer::Refused { code, .. }) => {
            let nobody = code == "user_not_exist" && is_of_user(&asked.call.act);
            nobody || code == "unauthorized" || REFUSALS.contains(&&**code)
        }
        _ => false,
    }
}

/// Whether the user is what is asked for, and not only named.
fn is_of_user(act: &Act) -> bool {
    matches!(
        act,
        Act::RenameUser { .. }
            | Act::SetAdmin { .. }
            | Act::DeleteUser { .. }
            | Act::MakeToken { .. }
            | Act::DropToken { .. }
    )
}

impl Open<'_> {
    fn look(&mut self, state: &State, step: Step) {
        let (call, answer) = (self.asked.call, self.asked.operation.answer());
        match answer {
            Some(Answer::Ok(reply)) if step == Step::Whole => {
                self.right |= is_right(state, &call.act, reply);
                let needs = needs(state, call);
                self.allowed |= needs.is_some_and(|needs| allows(state, &call.by, &needs));
            }
            Some(Answer::Refused { code, .. }) => {
                let needs = match &**code {
                    "unauthorized" => Some(Vec::new()),
                    _ => needs(state, call),
                };
                let allowed = needs.is_some_and(|needs| allows(state, &call.by, &needs));
                self.refusable |= !allowed;
            }
            _ => {}
        }
    }

    fn report(&self, checks: &mut Checks) {
        let Asked { first, last, .. } = self.asked;
        let states = format!("the states from the {first}th to the {last}th");
        let violation = match self.asked.operation.answer() {
            Some(Answer::Ok(_)) if !self.allowed => {
                let fact = format!("it is at none of {states}");
                self.asked.violation("something was shown to whom that is forbidden", fact)
            }
            Some(Answer::Ok(_)) if !self.right => {
                let fact = format!("it is so at none of {states}");
                self.asked.violation("an answer at a gateway is not as things were", fact)
            }
            Some(Answer::Refused { .. }) if !self.refusable => {
                let fact = format!("it is allowed at all of {states}");
                self.asked.violation("somebody was refused what is allowed", fact)
            }
            _ => return,
        };
        checks.violated(violation);
    }
}

/// Whether some caller may get the answer from this state. A list of projects is right for a caller
/// who sees all of them, or for one who sees only the public ones.
fn is_right(state: &State, act: &Act, reply: &Reply) -> bool {
    match (act, reply) {
        (Act::GetProject { project }, Reply::Named { id, .. }) => {
            project_at(state, project) == Some(*id)
        }
        (Act::ListProjects { group }, Reply::List(list)) => {
            let list: BTreeSet<Uuid> = list.iter().map(|it| it.id).collect();
            let Some(group) = group_at(state, group) else { return false };
            projects_in(state, group).into_iter().any(|seen| BTreeSet::from_iter(seen) == list)
        }
        (Act::ListSecrets { group }, Reply::List(list)) => {
            let list: BTreeSet<Uuid> = list.iter().map(|it| it.id).collect();
            let Some(group) = group_at(state, group) else { return false };
            BTreeSet::from_iter(secrets_of(state, group)) == list
        }
        _ => false,
    }
}
