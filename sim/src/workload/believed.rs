//! What the clients have reason to believe is there, from the answers that they got.
//!
//! Names drawn blindly are mostly wrong: there is nothing to delete, or the name is taken. A
//! refusal changes nothing and proves little, so most calls are drawn until they look as if they
//! could succeed. The belief may be wrong at any time; nothing is judged by it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use drydock_core::error::Kind;

use crate::history::{Answer, Call, TreeCall};

/// Paths of users, organizations, groups and projects. Clones share them.
#[derive(Clone, Default)]
pub struct Believed(Arc<Mutex<BTreeSet<String>>>);

/// What a call presupposes, and what it changes.
#[derive(Default)]
struct Effect {
    needs: Vec<String>,
    makes: Option<String>,
    removes: Option<String>,
}

impl Believed {
    /// Whether the call could succeed, for all that is known.
    pub fn allows(&self, call: &Call) -> bool {
        let effect = effect(call);
        let there = self.lock();
        effect.needs.iter().all(|path| there.contains(path))
            && effect.makes.is_none_or(|path| !there.contains(&path))
    }

    /// Learns from an answer.
    pub fn note(&self, call: &Call, answer: &Answer) {
        let Effect { needs, makes, removes } = effect(call);
        let mut there = self.lock();
        match answer {
            Answer::Ok(_) => {
                there.extend(needs);
                if let Some(gone) = removes {
                    let below = format!("{gone}/");
                    there.retain(|path| *path != gone && !path.starts_with(&below));
                }
                there.extend(makes);
            }
            Answer::Refused { kind: Kind::NotExist, .. } => {
                // One of them is not there, and nobody says which one.
                for path in needs {
                    there.remove(&path);
                }
            }
            Answer::Refused { kind: Kind::Conflict, .. } => there.extend(makes),
            Answer::Refused { .. } | Answer::NotSent(_) | Answer::Unknown(_) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

fn effect(call: &Call) -> Effect {
    let user = |name: &str| format!("user/{name}");
    let org = |name: &str| format!("org/{name}");
    let needs = |needs: Vec<String>| Effect { needs, ..Effect::default() };
    match call {
        Call::CreateUser { name } => Effect { makes: Some(user(name)), ..Effect::default() },
        Call::GetUser { name } => needs(vec![user(name)]),
        Call::RenameUser { name, to } => {
            Effect { needs: vec![user(name)], makes: Some(user(to)), removes: Some(user(name)) }
        }
        Call::DeleteUser { name } => {
            Effect { needs: vec![user(name)], removes: Some(user(name)), makes: None }
        }
        Call::CreateOrg { name, owner } => {
            Effect { needs: vec![user(owner)], makes: Some(org(name)), removes: None }
        }
        Call::DeleteOrg { name } => {
            Effect { needs: vec![org(name)], removes: Some(org(name)), makes: None }
        }
        Call::SetMember { org: of, user: member, .. }
        | Call::RemoveMember { org: of, user: member } => needs(vec![org(of), user(member)]),
        Call::ListMembers { org: of } => needs(vec![org(of)]),
        Call::Tree(call) => effect_in_tree(call),
        _ => Effect::default(),
    }
}

fn effect_in_tree(call: &TreeCall) -> Effect {
    let needs = |path: &String| vec![path.clone()];
    match call {
        TreeCall::CreateGroup { parent, name } | TreeCall::CreateProject { parent, name } => {
            Effect { needs: needs(parent), makes: Some(format!("{parent}/{name}")), removes: None }
        }
        TreeCall::MoveGroup { group, parent } => {
            let name = group.rsplit('/').next().unwrap_or_default();
            let moved = Some(format!("{parent}/{name}"));
            let needs = vec![group.clone(), parent.clone()];
            Effect { needs, makes: moved, removes: Some(group.clone()) }
        }
        TreeCall::DeleteGroup { group: path } | TreeCall::DeleteProject { project: path } => {
            Effect { needs: needs(path), removes: Some(path.clone()), makes: None }
        }
        TreeCall::ListGroups { group }
        | TreeCall::CreateSecret { group, .. }
        | TreeCall::ChangeSecret { group, .. }
        | TreeCall::CreateVariable { group, .. } => {
            Effect { needs: needs(group), ..Effect::default() }
        }
        TreeCall::GetProject { project } | TreeCall::Environment { project } => {
            Effect { needs: needs(project), ..Effect::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Reply;

    fn refused(kind: Kind) -> Answer {
        Answer::Refused { kind, code: String::new(), message: String::new() }
    }

    #[test]
    fn calls_are_allowed_by_what_was_answered_before() {
        let believed = Believed::default();
        let create = |name: &str| Call::CreateUser { name: name.to_owned() };
        let delete = |name: &str| Call::DeleteUser { name: name.to_owned() };
        let rename = Call::RenameUser { name: "a".to_owned(), to: "b".to_owned() };
        assert!(believed.allows(&create("a")) && !believed.allows(&delete("a")));
        believed.note(&create("a"), &Answer::Ok(Reply::Done));
        assert!(!believed.allows(&create("a")) && believed.allows(&rename));
        believed.note(&rename, &Answer::Ok(Reply::Done));
        assert!(believed.allows(&delete("b")) && !believed.allows(&delete("a")));
        // Others have deleted the one, and made the other.
        believed.note(&delete("b"), &refused(Kind::NotExist));
        believed.note(&create("c"), &refused(Kind::Conflict));
        assert!(believed.allows(&create("b")) && !believed.allows(&create("c")));
    }

    #[test]
    fn what_stands_below_goes_with_it() {
        let believed = Believed::default();
        let group = |parent: &str, name: &str| {
            let (parent, name) = (parent.to_owned(), name.to_owned());
            Call::Tree(TreeCall::CreateGroup { parent, name })
        };
        believed.note(&group("org/o", "g"), &Answer::Ok(Reply::Done));
        believed.note(&group("org/o/g", "h"), &Answer::Ok(Reply::Done));
        assert!(believed.allows(&group("org/o/g/h", "i")));
        let delete = Call::Tree(TreeCall::DeleteGroup { group: "org/o/g".to_owned() });
        believed.note(&delete, &Answer::Ok(Reply::Done));
        assert!(
            !believed.allows(&group("org/o/g/h", "i")) && believed.allows(&group("org/o", "g"))
        );
    }
}
