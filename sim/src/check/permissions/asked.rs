//! Whether a change is the one that was asked for: made to what the call's names and paths led to
//! at some moment of it, with what the call said.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::changes::{member_role, named};
use crate::check::tree::{group_at, id_in, project_at};
use crate::history::Act;
use crate::timeline::State;

/// What a call's names and paths have led to so far.
#[derive(Default)]
pub(super) struct Led {
    /// What is to be changed, or whom it is about.
    targets: BTreeSet<Uuid>,
    /// Where it is to stand.
    places: BTreeSet<Uuid>,
}

impl Led {
    pub fn look(&mut self, state: &State, act: &Act) {
        self.targets.extend(match act {
            Act::RenameUser { user, .. }
            | Act::SetAdmin { user, .. }
            | Act::MakeToken { user, .. }
            | Act::SetRole { user, .. } => named(state, "users", user),
            Act::RenameOrg { org, .. } => named(state, "orgs", org),
            Act::RenameGroup { group, .. } | Act::MoveGroup { group, .. } => group_at(state, group),
            Act::RenameProject { project, .. } | Act::ChangeProject { project, .. } => {
                project_at(state, project)
            }
            _ => None,
        });
        self.places.extend(match act {
            Act::SetRole { org, .. } => named(state, "orgs", org),
            Act::CreateGroup { parent, .. }
            | Act::MoveGroup { parent, .. }
            | Act::CreateProject { parent, .. }
            | Act::ChangeProject { parent: Some(parent), .. }
            | Act::CreateSecret { group: parent, .. } => group_at(state, parent),
            _ => None,
        });
    }

    /// Whether the object is as the call leaves it.
    pub fn fits(&self, act: &Act, object: &Value) -> bool {
        let is = |field: &str, text: &str| object[field] == *text;
        let open = |public: bool| is("visibility", if public { "public" } else { "private" });
        let meant = |field| id_in(object, field).is_some_and(|id| self.targets.contains(&id));
        let stands = |field| id_in(object, field).is_some_and(|id| self.places.contains(&id));
        match act {
            Act::CreateUser { name } | Act::CreateOrg { name } => is("name", name),
            Act::MakeToken { name, .. } => is("name", name) && meant("user"),
            Act::RenameUser { to, .. }
            | Act::RenameOrg { to, .. }
            | Act::RenameGroup { to, .. }
            | Act::RenameProject { to, .. } => is("name", to) && meant("id"),
            Act::SetAdmin { admin, .. } => object["admin"] == *admin && meant("id"),
            Act::SetRole { role, .. } => {
                is("role", member_role(*role)) && meant("user") && stands("org")
            }
            Act::CreateGroup { name, public, .. } | Act::CreateProject { name, public, .. } => {
                is("name", name) && open(*public) && stands("parent")
            }
            Act::MoveGroup { .. } => meant("id") && stands("parent"),
            Act::ChangeProject { branch, parent, .. } => {
                is("default_branch", branch)
                    && meant("id")
                    && (parent.is_none() || stands("parent"))
            }
            Act::CreateSecret { name, .. } => is("name", name) && stands("project_group"),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_fits_only_what_its_path_led_to_while_it_lasted() {
        let [user, root, meant, other] = [1, 2, 3, 4].map(Uuid::from_u128);
        let group = |id: Uuid, name: &str| {
            let value = serde_json::json!({ "id": id, "name": name, "parent": root });
            (("project_groups".to_owned(), id), value)
        };
        let owner = serde_json::json!({ "id": user, "name": "ada" });
        let top = serde_json::json!({ "id": root, "user": user });
        let state = State::from([
            (("users".to_owned(), user), owner),
            (("project_groups".to_owned(), root), top),
            group(meant, "web"),
            group(other, "app"),
        ]);
        let act = Act::RenameGroup { group: "user/ada/web".to_owned(), to: "site".to_owned() };
        let renamed = |id| group(id, "site").1;
        let mut led = Led::default();
        assert!(!led.fits(&act, &renamed(meant)));
        led.look(&state, &act);
        assert!(led.fits(&act, &renamed(meant)));
        assert!(!led.fits(&act, &renamed(other)));
        assert!(!led.fits(&act, &group(meant, "other").1));
    }
}
