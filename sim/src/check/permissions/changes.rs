//! Changes that were answered with success, found in the log and judged there.

use serde_json::Value;
use uuid::Uuid;

use super::Asked;
use super::asked::Led;
use crate::check::Checks;
use crate::check::rights::{Need, Thing, allows};
use crate::check::tree::{all, id_in};
use crate::history::{Act, Reply, Role, Token};
use crate::timeline::{State, Step, Timeline};

/// An answered change, and where it took effect.
struct Change<'a> {
    asked: &'a Asked<'a>,
    led: Led,
    /// Whether its effect is there, at the last state that was looked at, and at any.
    is_there: bool,
    was_there: bool,
    found: Option<Found>,
    allowed: bool,
}

struct Found {
    /// The commit, and the action in it.
    nth: usize,
    action: usize,
    needs: Vec<Need>,
}

pub(super) fn check(timeline: &Timeline, asked: &[Asked<'_>], checks: &mut Checks) {
    let answered = asked.iter().filter(|it| !it.is_question() && it.operation.reply().is_some());
    let (is_there, was_there, allowed) = (false, false, false);
    let change =
        |asked| Change { asked, led: Led::default(), is_there, was_there, found: None, allowed };
    let mut changes: Vec<_> = answered.map(change).collect();
    walk(timeline, |nth, action, state| {
        for change in
            changes.iter_mut().filter(|it| (it.asked.first..=it.asked.last).contains(&nth))
        {
            change.look(nth, action, state);
        }
    });
    walk(timeline, |nth, action, state| {
        for change in &mut changes {
            change.judge(nth, action, state);
        }
    });
    for change in &changes {
        change.report(asked, checks);
    }
}

/// All states, with the number of their commit and that of the action which made them; 0 before
/// the first.
fn walk(timeline: &Timeline, mut each: impl FnMut(usize, usize, &State)) {
    let mut action = 0;
    timeline.replay_visible(|place, state, step| {
        match step {
            Step::Before => action = 0,
            Step::Within => action += 1,
            // The same as after the last action, if there was any.
            Step::Whole if !place.jump => return,
            Step::Whole => {}
        }
        each(place.nth, action, state);
    });
}

impl Change<'_> {
    fn look(&mut self, nth: usize, action: usize, state: &State) {
        self.led.look(state, &self.asked.call.act);
        let is_there = self.is_effect(state);
        self.was_there |= is_there;
        if action > 0 && is_there && !self.is_there && self.found.is_none() {
            self.found = self.needs(state).map(|needs| Found { nth, action, needs });
        }
        self.is_there = is_there;
    }

    fn judge(&mut self, nth: usize, action: usize, state: &State) {
        let Some(Found { nth: at, action: by, needs }) = &self.found else { return };
        let before = nth == *at && action < *by;
        let later = (*at..=self.asked.last).contains(&nth) && !self.is_exact();
        if !self.allowed && (before || later) {
            self.allowed = allows(state, &self.asked.call.by, needs);
        }
    }

    fn report(&self, all: &[Asked<'_>], checks: &mut Checks) {
        let asked = self.asked;
        match &self.found {
            Some(found) if !self.allowed => {
                let fact = format!("it takes {:?}, at the {}th state", found.needs, found.nth);
                checks.violated(asked.violation("a change was made that is forbidden", fact));
            }
            None if self.is_missing() && !self.was_asked_before(all) => {
                let (first, last) = (asked.first, asked.last);
                let fact = format!("it is so at none of the states from {first} to {last}");
                checks.violated(asked.violation("what was answered as done was not done", fact));
            }
            _ => {}
        }
    }

    /// What is created was not there before. Another change may have changed nothing.
    fn is_missing(&self) -> bool {
        let reply = self.asked.operation.reply();
        let is_creation = matches!(reply, Some(Reply::Named { .. } | Reply::Token(_)));
        is_creation || !self.was_there
    }

    /// Under its key: then this answer is an earlier one's.
    fn was_asked_before(&self, all: &[Asked<'_>]) -> bool {
        let (key, called) = (self.asked.call.key, self.asked.operation.called);
        let before = |it: &Asked<'_>| it.call.key == key && it.operation.called < called;
        key.is_some() && all.iter().any(before)
    }

    /// Whether no other change can look the same.
    fn is_exact(&self) -> bool {
        !matches!(
            self.asked.call.act,
            Act::RenameUser { .. }
                | Act::RenameOrg { .. }
                | Act::RenameGroup { .. }
                | Act::RenameProject { .. }
                | Act::SetRole { .. }
                | Act::SetAdmin { .. }
                | Act::MoveGroup { .. }
        )
    }

    /// Whether the state is as the change leaves it.
    fn is_effect(&self, state: &State) -> bool {
        let has = |kind: &str, id: Uuid| state.contains_key(&(kind.to_owned(), id));
        let reply = self.asked.operation.reply().expect("only answered ones are changes");
        match (&self.asked.call.act, reply) {
            (Act::DeleteUser { user }, _) => named(state, "users", user).is_none(),
            (Act::DropToken { token, .. }, _) => !has("tokens", *token),
            (Act::DeleteOrg { org }, _) => !has("orgs", *org),
            (Act::DeleteGroup { group }, _) => !has("project_groups", *group),
            (Act::DeleteProject { project }, _) => !has("projects", *project),
            (Act::RemoveMember { org, user }, _) => member(state, org, user).is_none(),
            (act, Reply::Named { id, .. } | Reply::Token(Token { id, .. })) => {
                let object = state.get(&(kind(act).to_owned(), *id));
                object.is_some_and(|object| self.led.fits(act, object))
            }
            (act, Reply::Changed { id, revision }) => {
                let object = state.get(&(kind(act).to_owned(), *id));
                let changed = object.filter(|object| object["revision"] == *revision);
                changed.is_some_and(|object| self.led.fits(act, object))
            }
            _ => false,
        }
    }

    /// What it took, told by what it did; `None` if it is not to be seen there.
    fn needs(&self, state: &State) -> Option<Vec<Need>> {
        let act = &self.asked.call.act;
        let object = match self.asked.operation.reply()? {
            Reply::Named { id, .. } | Reply::Changed { id, .. } => {
                state.get(&(kind(act).to_owned(), *id))
            }
            Reply::Token(token) => state.get(&("tokens".to_owned(), token.id)),
            _ => None,
        };
        let group = |field: &str| Some(Need::Own(Thing::Group(id_in(object?, field)?)));
        let id = || id_in(object?, "id");
        Some(match act {
            Act::CreateUser { .. } | Act::SetAdmin { .. } | Act::DeleteUser { .. } => {
                vec![Need::Administrator]
            }
            Act::MakeToken { .. } => vec![Need::Be(id_in(object?, "user")?)],
            Act::DropToken { user, .. } => vec![Need::Be(named(state, "users", user)?)],
            Act::RenameUser { .. } => vec![Need::Be(id()?)],
            Act::CreateOrg { .. } => Vec::new(),
            Act::RenameOrg { .. } => vec![Need::Own(Thing::Org(id()?))],
            Act::DeleteOrg { org } => vec![Need::Own(Thing::Org(*org))],
            Act::SetRole { .. } => vec![Need::Own(Thing::Org(id_in(object?, "org")?))],
            Act::RemoveMember { org, .. } => {
                vec![Need::Own(Thing::Org(named(state, "orgs", org)?))]
            }
            Act::CreateGroup { .. } | Act::CreateProject { .. } => vec![group("parent")?],
            Act::RenameGroup { .. } => vec![Need::Own(Thing::Group(id()?))],
            Act::MoveGroup { .. } => vec![Need::Own(Thing::Group(id()?)), group("parent")?],
            Act::DeleteGroup { group } => vec![Need::Own(Thing::Group(*group))],
            Act::RenameProject { .. } | Act::ChangeProject { parent: None, .. } => {
                vec![Need::Own(Thing::Project(id()?))]
            }
            Act::ChangeProject { .. } => vec![Need::Own(Thing::Project(id()?)), group("parent")?],
            Act::DeleteProject { project } => vec![Need::Own(Thing::Project(*project))],
            Act::CreateSecret { .. } => vec![group("project_group")?],
            Act::GetProject { .. } | Act::ListProjects { .. } | Act::ListSecrets { .. } => {
                return None;
            }
        })
    }
}

/// The type of what a call makes or changes.
fn kind(act: &Act) -> &'static str {
    match act {
        Act::CreateUser { .. } | Act::RenameUser { .. } | Act::SetAdmin { .. } => "users",
        Act::MakeToken { .. } => "tokens",
        Act::CreateOrg { .. } | Act::RenameOrg { .. } => "orgs",
        Act::SetRole { .. } => "members",
        Act::CreateGroup { .. } | Act::RenameGroup { .. } | Act::MoveGroup { .. } => {
            "project_groups"
        }
        Act::CreateSecret { .. } => "secrets",
        _ => "projects",
    }
}

pub(super) fn member_role(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member => "member",
    }
}

pub(super) fn named(state: &State, kind: &str, name: &str) -> Option<Uuid> {
    all(state, kind).find(|(_, object)| object["name"] == name).map(|(id, _)| id)
}

fn member<'a>(state: &'a State, org: &str, user: &str) -> Option<&'a Value> {
    let (org, user) = (named(state, "orgs", org)?, named(state, "users", user)?);
    let is = |it: &Value| id_in(it, "org") == Some(org) && id_in(it, "user") == Some(user);
    all(state, "members").find(|(_, it)| is(it)).map(|(_, it)| it)
}
